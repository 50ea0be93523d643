import { executedOf, isMore, withExecuted } from '../../errors/executed.ts'
import type { Executed } from '../../errors/maltster-error.ts'

/**
 * What is known of the attempts at one call, of which the last may not even have been made: whether the function may
 * have run is a question about all of them.
 */
export class Attempts {
  /** How many have failed. */
  count = 0
  #executed: Executed = 'no'
  /** Of the last attempt that may have run. */
  #lastError: unknown

  /** One has failed, and there may be another. */
  failed(error: unknown): void {
    this.count++
    const executed = executedOf(error)
    if (executed === 'no') return
    this.#lastError = error
    if (isMore(executed, this.#executed)) this.#executed = executed
  }

  /** The error of the call as a whole, from that of its end. */
  sumUp(error: unknown): unknown {
    const has = this.#executed === 'yes' ? 'has' : 'may have'
    const isRefusal = executedOf(error) === 'no'
    const own = error instanceof Error ? error.cause : undefined
    return withExecuted(error, this.#executed, {
      note: `An earlier attempt ${has} run.`,
      cause: isRefusal ? this.#lastError : (own ?? this.#lastError),
    })
  }

  /** What the call comes to. */
  async outcome(ending: Promise<unknown>): Promise<unknown> {
    try {
      return await ending
    } catch (error) {
      throw this.sumUp(error)
    }
  }
}
