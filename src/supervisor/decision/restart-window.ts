/**
 * The restarts of the last while. A restart at `t` counts until, and not at, `t + periodMs`: the window is half-open, to
 * the millisecond, and has no phase. (OTP counts in whole seconds, so that the same series may pass or not.)
 */
export class RestartWindow {
  readonly #periodMs: number
  #times: number[] = []
  /** Where those within the window begin. */
  #first = 0

  constructor(periodMs: number) {
    this.#periodMs = periodMs
  }

  /** How many restarts count at a time; not before any time that was asked about. */
  usedAt(nowMs: number): number {
    while (this.#first < this.#times.length && this.#times[this.#first]! <= nowMs - this.#periodMs)
      this.#first++
    if (this.#first > 64 && this.#first * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#first)
      this.#first = 0
    }
    return this.#times.length - this.#first
  }

  add(nowMs: number): void {
    this.#times.push(nowMs)
  }

  /** When those within the window were. */
  timesAt(nowMs: number): readonly number[] {
    this.usedAt(nowMs)
    return this.#times.slice(this.#first)
  }
}
