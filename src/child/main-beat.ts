import type { BeatAnswer, BeatQuestion } from './sentinel-messages.ts'
import { monotonicMs } from '../transport/monotonic.ts'

/**
 * What the sentinel knows of the main thread's pulse: with each ping of the host it asks whether the event loop turns,
 * one question at a time, so that a thread that is busy for an hour finds one message and not thousands.
 */
export class MainBeat {
  readonly #ask: (question: BeatQuestion) => void
  #beat = 0
  #askedMs: number | undefined

  constructor(ask: (question: BeatQuestion) => void) {
    this.#ask = ask
  }

  /** The host has sent a ping: how long a question has gone unanswered; 0 if none had, and then one is asked. */
  silentMs(): number {
    if (this.#askedMs !== undefined) return monotonicMs() - this.#askedMs
    this.#askedMs = monotonicMs()
    this.#ask({ type: 'beat?', beat: ++this.#beat })
    return 0
  }

  answered({ beat }: BeatAnswer): void {
    if (beat === this.#beat) this.#askedMs = undefined
  }
}
