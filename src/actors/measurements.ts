import type { Clock } from '../transport/clock.ts'
import type { Measurement } from '../transport/messages.ts'

/** Questions to a sentinel for memory and processor time, each answered once or given up. */
export class Measurements {
  readonly #clock: Clock
  readonly #ask: (measureId: number) => void
  readonly #waiting = new Map<number, (measurement: Measurement | undefined) => void>()
  #lastId = 0

  constructor(clock: Clock, ask: (measureId: number) => void) {
    this.#clock = clock
    this.#ask = ask
  }

  /** Asks; undefined if no answer comes in time. */
  take(timeoutMs: number): Promise<Measurement | undefined> {
    const measureId = ++this.#lastId
    return new Promise((resolve) => {
      const timer = this.#clock.setTimeout(() => this.#settle(measureId, undefined), timeoutMs)
      this.#waiting.set(measureId, (measurement) => {
        this.#clock.clearTimeout(timer)
        resolve(measurement)
      })
      this.#ask(measureId)
    })
  }

  answered(measurement: Measurement): void {
    this.#settle(measurement.measureId, measurement)
  }

  /** No answer comes any more. */
  end(): void {
    for (const measureId of this.#waiting.keys()) this.#settle(measureId, undefined)
  }

  #settle(measureId: number, measurement: Measurement | undefined): void {
    const settle = this.#waiting.get(measureId)
    this.#waiting.delete(measureId)
    settle?.(measurement)
  }
}
