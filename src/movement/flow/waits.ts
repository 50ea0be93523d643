// Taken before user code can replace it.
const { setImmediate } = globalThis

/** Counts who waits, and tells when that begins and, a turn later, when it is over: a loop of waits is one. */
export class Waits {
  readonly #tell: (isWaiting: boolean) => void
  #count = 0
  #isTold = false
  #isLooking = false
  readonly #look = (): void => {
    this.#isLooking = false
    if (this.#count > 0 || !this.#isTold) return
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

  begin(): void {
    this.#count++
    if (this.#isTold) return
    this.#isTold = true
    this.#tell(true)
  }

  end(): void {
    this.#count--
    if (this.#count > 0 || this.#isLooking) return
    this.#isLooking = true
    setImmediate(this.#look)
  }
}
