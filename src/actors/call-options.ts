import type { CapturePolicy } from '../movement/capture-policy.ts'
import { capturePolicy, captures } from './capture-checks.ts'
import { aFunction, anObject, boolean, checkOptions, delayMs, oneOf } from './option-checks.ts'

/** How one call is treated. */
export interface CallOptions {
  /**
   * Ends the call by the interrupt ladder when it has not settled by then; it rejects with `CallTimeoutError`.
   * Milliseconds, over 0. Default: no limit.
   */
  readonly timeoutMs?: number
  /** Ends the call by the interrupt ladder when it aborts; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Never chosen by `interrupt()`, and does not count as running. Default false. */
  readonly background?: boolean
  /** `discard`: the value is not sent back, so it need not be sendable. Default `value`. */
  readonly result?: 'value' | 'discard'
  /** What the function shall find under these names, whatever it finds here: values, functions and classes. */
  readonly captures?: Readonly<Record<string, unknown>>
  /**
   * What may leave with the function besides; see `WorkerOptions.capture`. It adds to what the worker forbids: names add
   * up, the smaller bound holds, `explicit` stays. `auto` alone lifts the policy of the worker for this call. Default: that
   * of the worker.
   */
  readonly capture?: CapturePolicy
}

/** How one cast is treated. */
export type CastOptions = Pick<CallOptions, 'background' | 'captures' | 'capture'>

const isSignal = (value: unknown): string | undefined =>
  anObject(value) ?? aFunction((value as AbortSignal).addEventListener) ?? undefined

const castChecks = { background: boolean, captures, capture: capturePolicy }
/** What each option of a call must be. */
export const callOptionChecks = {
  ...castChecks,
  timeoutMs: (value: unknown) => (value === Infinity ? undefined : delayMs(value)),
  signal: (value: unknown) => (isSignal(value) === undefined ? undefined : 'an AbortSignal'),
  result: oneOf('value', 'discard'),
}

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkCallOptions(options: CallOptions): void {
  checkOptions('a call', options, callOptionChecks)
}

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkCastOptions(options: CastOptions): void {
  checkOptions('a cast', options, castChecks)
}
