/** What was begun and makes calls until it is over: maps, calls that are tried again, broadcasts. */
export class Undertakings {
  readonly #waiters: (() => void)[] = []
  #open = 0

  /** Passes on what becomes of one, and knows when it is over. */
  watch<T>(work: Promise<T>): Promise<T> {
    this.#open++
    const over = (): void => {
      if (--this.#open === 0) for (const resolve of this.#waiters.splice(0)) resolve()
    }
    work.then(over, over)
    return work
  }

  /** Resolves when all are over. */
  whenOver(): Promise<void> {
    if (this.#open === 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push(resolve))
  }
}
