type Step = IteratorResult<unknown, void>

const end: Step = { done: true, value: undefined }

/**
 * The results of a map as its reader has them: a generator that can be left at once, also while its next result is
 * waited for. A plain one would first wait for that.
 */
export class MapStream implements AsyncGenerator<unknown, void, void> {
  readonly #results: AsyncGenerator<unknown, void, void>
  readonly #leave: () => void
  /** Ends the waits of the reader for results that are still to come. */
  readonly #waits = new Set<() => void>()
  #isLeft = false

  /** @param leave - begins nothing more */
  constructor(results: AsyncGenerator<unknown, void, void>, leave: () => void) {
    this.#results = results
    this.#leave = leave
  }

  next(): Promise<Step> {
    if (this.#isLeft) return Promise.resolve(end)
    return new Promise((resolve, reject) => {
      const stop = (): void => resolve(end)
      this.#waits.add(stop)
      const forget = (): void => void this.#waits.delete(stop)
      this.#results.next().then(resolve, reject).finally(forget)
    })
  }

  return(): Promise<Step> {
    this.#end()
    return Promise.resolve(end)
  }

  async throw(error: unknown): Promise<Step> {
    this.#end()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #end(): void {
    if (this.#isLeft) return
    this.#isLeft = true
    this.#leave()
    for (const stop of this.#waits) stop()
    // It goes on to its own end once what it waits for is there; nobody waits for that.
    this.#results.return().catch(() => {})
  }
}
