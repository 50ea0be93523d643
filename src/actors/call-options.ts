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
  /** What the function refers to by name and finds nowhere else: values, and functions that go along by source. */
  readonly captures?: Readonly<Record<string, unknown>>
}

/** How one cast is treated. */
export type CastOptions = Pick<CallOptions, 'background' | 'captures'>

const isSignal = (value: unknown): string | undefined =>
  anObject(value) ?? aFunction((value as AbortSignal).addEventListener) ?? undefined

const castChecks = { background: boolean, captures: anObject }
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
