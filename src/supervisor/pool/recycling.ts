import type { Clock } from '../../transport/clock.ts'
import type { Life } from './life.ts'
import type { RecycleOptions } from './pool-options.ts'

/** A process is not asked for its memory more often, in milliseconds. */
const measureEveryMs = 500

/** Tells when a member has served long enough. */
export class Recycling {
  readonly #afterCalls: number
  readonly #maxRssBytes: number
  readonly #clock: Clock
  readonly #retire: (life: Life) => void

  constructor(options: RecycleOptions | undefined, clock: Clock, retire: (life: Life) => void) {
    this.#afterCalls = options?.afterCalls ?? Infinity
    this.#maxRssBytes = (options?.maxRssMb ?? Infinity) * 2 ** 20
    this.#clock = clock
    this.#retire = retire
  }

  /** To be called when a call has left a member; a call of it may still be there. */
  served(life: Life): void {
    if (life.isLeaving) return
    // With several calls at once those that are there count: it has been given as many as it gets.
    if (life.served + life.busy >= this.#afterCalls) this.#retire(life)
    else if (this.#maxRssBytes < Infinity) this.#measure(life).catch(() => {})
  }

  async #measure(life: Life): Promise<void> {
    const nowMs = this.#clock.nowMs()
    if (nowMs - life.measuredAtMs < measureEveryMs) return
    life.measuredAtMs = nowMs
    const { rssBytes } = await life.member.stats()
    if (rssBytes !== undefined && rssBytes > this.#maxRssBytes && !life.isLeaving) this.#retire(life)
  }
}
