import { monotonicMs } from '../../transport/monotonic.ts'

/** How long items wait for others while the iterator is busy. */
const sendMs = 1

/**
 * When items are to leave. How long the iterator is busy with the next one is not known, and until then the loop does not
 * turn: so of a slow one each item leaves at once, and of a fast one as many together as it makes in a millisecond.
 */
export class ItemPace {
  /** Items since the last ones were sent on purpose, and after how many that is done. */
  #unsent = 0
  #sentEvery = 1
  #sentMs = monotonicMs()

  /** There is one more. Answers whether they are to be sent now. */
  isDue(): boolean {
    if (++this.#unsent < this.#sentEvery) return false
    const nowMs = monotonicMs()
    const inTime = (this.#unsent * sendMs) / Math.max(nowMs - this.#sentMs, 0.001)
    this.#sentEvery = Math.max(1, Math.min(this.#sentEvery * 2, inTime))
    this.#sentMs = nowMs
    this.#unsent = 0
    return true
  }
}
