import type { Clock } from '../../transport/clock.ts'

const warningGapMs = 1000
const maxShownLength = 1000

function shortened(text: string): string {
  return text.length > maxShownLength ? `${text.slice(0, maxShownLength)}…` : text
}

function words(error: unknown): string {
  try {
    return shortened(error instanceof Error ? (error.stack ?? error.message) : String(error))
  } catch {
    return 'something that can not be shown'
  }
}

/**
 * A user's function that is told output. If it throws, or returns a promise that rejects, nothing else is harmed: it is
 * told the next text as well, and a warning has the text that it failed for. The first failure is told at once, the
 * next ones together, at most once a second and at the end.
 */
export class GuardedFunction {
  readonly #function: (text: string) => unknown
  readonly #name: string
  readonly #clock: Clock
  /** Runs while a warning is too recent for another one. */
  #gapTimer: unknown
  #untold = 0
  #lastFailure: { readonly text: string; readonly error: unknown } | undefined
  #hasEnded = false

  /** `name`: as it begins a sentence, such as "The line function of worker-1". */
  constructor(fn: (text: string) => unknown, name: string, clock: Clock) {
    this.#function = fn
    this.#name = name
    this.#clock = clock
  }

  call(text: string): void {
    try {
      const result = this.#function(text)
      if (typeof result !== 'object' || result === null || !('then' in result)) return
      Promise.resolve(result).catch((error: unknown) => this.#failed(text, error))
    } catch (error) {
      this.#failed(text, error)
    }
  }

  /** No more calls. Promises that are under way may still reject, and are told. */
  end(): void {
    this.#hasEnded = true
    if (this.#gapTimer !== undefined) this.#clock.clearTimeout(this.#gapTimer)
    this.#gapTimer = undefined
    this.#warn()
  }

  #failed(text: string, error: unknown): void {
    this.#untold++
    this.#lastFailure = { text, error }
    if (this.#gapTimer === undefined) this.#warn()
  }

  #warn(): void {
    const failure = this.#lastFailure
    this.#gapTimer = undefined
    if (failure === undefined) return
    const others = this.#untold > 1 ? ` And ${this.#untold - 1} more before it.` : ''
    this.#lastFailure = undefined
    this.#untold = 0
    // After the end no timer is left behind: the few promises that are still under way are told one by one.
    if (!this.#hasEnded) this.#gapTimer = this.#clock.setIdleTimeout(() => this.#warn(), warningGapMs)
    const text = JSON.stringify(shortened(failure.text))
    process.emitWarning(
      `${this.#name} threw for ${text}.${others} ${words(failure.error)}`,
      'MaltsterWarning',
    )
  }
}
