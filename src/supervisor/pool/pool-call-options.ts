import { callOptionChecks, type CallOptions } from '../../actors/call-options.ts'
import { anObject, checkOptions, type OptionCheck, shown } from '../../actors/option-checks.ts'
import type { PoolKey } from './slot-of-key.ts'
import { checkRetry, type RetryOptions } from './retry.ts'

/** How one call of a pool is treated. `timeoutMs` counts from when a member gets it. */
export interface PoolCallOptions extends Omit<CallOptions, 'background'> {
  /** Of the calls that wait the one with the highest goes first. Any finite number, default 0. */
  readonly priority?: number
  /** Calls of one key go to one member, as long as there are as many members. Default: to whichever is free. */
  readonly key?: PoolKey
  /** Whether a call that failed is made again. Default: never. */
  readonly retry?: RetryOptions
}

const finite: OptionCheck = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? undefined : 'a finite number'

const aKey: OptionCheck = (value) =>
  typeof value === 'string' || Number.isFinite(value) ? undefined : 'a string or a finite number'

const { background: _, ...checks } = callOptionChecks
/** What each option of a call of a pool must be, but for its key. @internal */
export const pooledCallChecks = { ...checks, priority: finite, retry: anObject }
const poolCallChecks = { ...pooledCallChecks, key: aKey }

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkPoolCallOptions(options: PoolCallOptions): void {
  checkOptions('a call of a pool', options, poolCallChecks)
  if (options.retry !== undefined) checkRetry(options.retry)
}

/** The key of one item of a map, as it was made. @throws {TypeError} if it is none */
export function checkedKey(key: unknown): PoolKey {
  const expected = aKey(key)
  if (expected === undefined) return key as PoolKey
  throw new TypeError(`Expected \`key\` of a map to give ${expected}, got ${shown(key)}.`)
}

const callOptionNames = ['timeoutMs', 'signal', 'result', 'captures', 'capture'] as const

/** What a member is told of the options of a call, or of a map; undefined if that is nothing. @internal */
export function callOptionsOf(options: Readonly<Record<string, unknown>>): CallOptions | undefined {
  const given = callOptionNames.filter((name) => options[name] !== undefined)
  return given.length === 0 ? undefined : Object.fromEntries(given.map((name) => [name, options[name]]))
}
