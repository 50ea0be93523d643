import { type CallOptions, callOptionChecks } from '../../actors/call-options.ts'
import type { KeepOptions } from '../../actors/remote-ref.ts'
import type { StreamOptions } from '../../actors/stream-options.ts'
import type { EvaluateOptions } from '../../actors/evaluate-options.ts'
import { anObject, checkOptions, oneOf } from '../../actors/option-checks.ts'
import { checkRetry, type RetryOptions } from '../pool/retry.ts'

/** How a handle treats calls that come while its worker is down. */
export interface HandleOptions {
  /**
   * `wait`: for the next incarnation, within the bounds of the worker's `mailbox`. `reject`: at once, by a
   * `WorkerUnavailableError` that says when it is tried again. Default `wait`.
   */
  readonly whenDown?: 'wait' | 'reject'
}

/** How a call through a handle outlives its worker. */
export interface FollowingOptions extends HandleOptions {
  /**
   * Whether a call that failed, also because its worker died in the midst of it, is made again. It may then run twice.
   * Default: never.
   */
  readonly retry?: RetryOptions
}

/** How one call through a handle is treated. `timeoutMs` covers the wait, too. */
export interface HandleCallOptions extends CallOptions, FollowingOptions {}

/** How one evaluation through a handle is treated. `timeoutMs` covers the wait, too. */
export interface HandleEvaluateOptions extends EvaluateOptions, FollowingOptions {}

/** How one kept call through a handle is treated. `timeoutMs` covers the wait, too. */
export interface HandleKeepOptions extends KeepOptions, FollowingOptions {}

/** How one stream through a handle is treated. `timeoutMs` covers the wait, too. */
export interface HandleStreamOptions extends StreamOptions, HandleOptions {}

const handleChecks = { whenDown: oneOf('wait', 'reject') }
const followingChecks = { ...handleChecks, retry: anObject }
const callChecks = { ...callOptionChecks, ...followingChecks }

/** @throws {TypeError} naming the option, what was given and what is expected */
export function checkHandleOptions(options: HandleOptions): void {
  checkOptions('a handle', options, handleChecks)
}

/** Takes from the options of a call what is the handle's business; the rest is for the worker. */
export function splitOptions<O extends FollowingOptions>(
  options: O | undefined,
): { following: FollowingOptions; own: Omit<O, 'whenDown' | 'retry'> | undefined } {
  if (options === undefined) return { following: {}, own: undefined }
  const { whenDown, retry, ...own } = options
  const following = {
    ...(whenDown === undefined ? {} : { whenDown }),
    ...(retry === undefined ? {} : { retry }),
  }
  checkOptions('a call', following, followingChecks)
  if (retry !== undefined) checkRetry(retry)
  return { following, own }
}

/** @throws {TypeError | RangeError} for what the worker would refuse, before the call waits for one */
export function checkHandleCallOptions(options: HandleCallOptions): void {
  checkOptions('a call', options, callChecks)
}

/** The options of a call with what is left of its time; as they are where there is no limit. */
export function withTime<O extends object>(
  options: O | undefined,
  timeoutMs: number | undefined,
): O | undefined {
  return options === undefined || timeoutMs === undefined
    ? options
    : { ...options, timeoutMs: Math.max(1, timeoutMs) }
}
