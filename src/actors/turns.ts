interface Waiting {
  readonly isShared: boolean
  readonly begin: () => void
}

/**
 * Who has a worker, in the order in which they asked: any number share it, or one has it alone. A readers-writer lock
 * in which nobody overtakes.
 */
export class Turns {
  #sharing = 0
  #isAlone = false
  #waiting: Waiting[] = []

  /** Whether somebody has it alone, or waits: then others have to queue up. */
  get isTaken(): boolean {
    return this.#isAlone || this.#waiting.length > 0
  }

  /** Shares it, until the promise of `task` settles. Begins at once if nobody waits. */
  shared(task: () => Promise<void>): Promise<void> {
    return this.#turn(true, task)
  }

  /** Has it alone, until the promise of `task` settles. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    return this.#turn(false, task)
  }

  async #turn<T>(isShared: boolean, task: () => Promise<T>): Promise<T> {
    if (this.isTaken || (!isShared && this.#sharing > 0)) {
      await new Promise<void>((begin) => this.#waiting.push({ isShared, begin }))
    } else this.#take(isShared)
    try {
      return await task()
    } finally {
      if (isShared) this.#sharing--
      else this.#isAlone = false
      this.#next()
    }
  }

  #take(isShared: boolean): void {
    if (isShared) this.#sharing++
    else this.#isAlone = true
  }

  #next(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      if (this.#isAlone || (!first.isShared && this.#sharing > 0)) return
      this.#waiting.shift()
      this.#take(first.isShared)
      first.begin()
    }
  }
}
