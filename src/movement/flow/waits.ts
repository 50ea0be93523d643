// Taken before user code can replace them.
const { Set, setImmediate } = globalThis

/** Holds who waits, so that nobody is forgotten who is still to be told, and tells when that begins and, a turn later, when it is over: a loop of waits is one. */
export class Waits {
  readonly #tell: (isWaiting: boolean) => void
  readonly #waiters = new Set<object>()
  #isTold = false
  #isLooking = false
  readonly #look = (): void => {
    this.#isLooking = false
    if (this.#waiters.size > 0 || !this.#isTold) return
    this.#isTold = false
    this.#tell(false)
  }

  constructor(tell: (isWaiting: boolean) => void) {
    this.#tell = tell
  }

  /** Whether somebody waits, or has until a moment ago. */
  get isWaiting(): boolean {
    return this.#isTold
  }

  begin(waiter: object): void {
    this.#waiters.add(waiter)
    if (this.#isTold) return
    this.#isTold = true
    this.#tell(true)
  }

  end(waiter: object): void {
    this.#waiters.delete(waiter)
    if (this.#waiters.size > 0 || this.#isLooking) return
    this.#isLooking = true
    setImmediate(this.#look)
  }
}
