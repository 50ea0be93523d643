import {
  aFunction,
  checkOptions,
  delayOrNeverMs,
  either,
  maxDelayMs,
  type OptionCheck,
  shown,
} from '../../actors/option-checks.ts'
import { CallTimeoutError, InterruptedError, RemoteError } from '../../errors/call-errors.ts'
import { WorkerDiedError } from '../../errors/worker-errors.ts'

/** Whether what has failed is done again. Without these options nothing ever is. */
export interface RetryOptions {
  /** At most so often after the first time. Minimum 0. */
  readonly times: number
  /**
   * How long to wait before the next attempt, in milliseconds; a function gets the number of the one that failed, from 1.
   * More than 2 ** 31 - 1, the longest that a timer can take, counts as that; less than 0 as 0. Default 0.
   */
  readonly delayMs?: number | ((attempt: number) => number)
  /**
   * Whether this failure is worth another attempt. Default: a function that threw, was cut off or took too long, and a
   * worker that died; nothing that can't be sent, and no refusal.
   */
  readonly when?: (error: unknown, attempt: number) => boolean
}

const times: OptionCheck = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'an integer of at least 0'

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkRetry(options: RetryOptions): void {
  checkOptions('`retry`', options, { times, delayMs: either(delayOrNeverMs, aFunction), when: aFunction })
  if (options.times === undefined) {
    throw new TypeError('`retry` lacks `times`: how often at most. Write `retry: { times: 2 }`.')
  }
}

const kinds = [RemoteError, WorkerDiedError, CallTimeoutError, InterruptedError]

/** How long to wait before the next attempt, in milliseconds; undefined if there is none. */
export function retryDelayMs(
  retry: RetryOptions | undefined,
  error: unknown,
  attempt: number,
): number | undefined {
  if (retry === undefined || attempt > retry.times) return undefined
  const isWorthIt = retry.when?.(error, attempt) ?? kinds.some((kind) => error instanceof kind)
  if (!isWorthIt) return undefined
  const { delayMs = 0 } = retry
  const wantedMs = typeof delayMs === 'number' ? delayMs : delayMs(attempt)
  if (typeof wantedMs !== 'number' || Number.isNaN(wantedMs)) {
    const message = `Expected \`delayMs\` of \`retry\` to give a number of milliseconds, got ${shown(wantedMs)}.`
    throw new TypeError(message, { cause: error })
  }
  return Math.min(Math.max(0, wantedMs), maxDelayMs)
}
