/** Does things one after the other, in the order in which they were asked for, whatever becomes of those before. */
export class OneByOne {
  #last: Promise<unknown> = Promise.resolve()

  do<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task, task)
    this.#last = result.catch(() => {})
    return result
  }
}
