import { availableParallelism } from 'node:os'

import {
  amount,
  anObject,
  checkOptions,
  checkValue,
  count,
  type OptionCheck,
  text,
} from '../../actors/option-checks.ts'
import { isWorkerOption, policyOf } from '../../actors/resolve-options.ts'
import type { CapturePolicy } from '../../movement/capture-policy.ts'
import { defaultLimits, type Limits } from '../../transport/limits.ts'
import type { PoolOptions, RecycleOptions } from './pool-options.ts'

/** What a pool is, with every default filled in. What its supervisor is told is not among it. */
export interface ResolvedPool {
  readonly size: number
  readonly spares: number
  readonly concurrency: number
  /** How many calls a member gets before it is replaced. */
  readonly maxCalls: number
  readonly maxQueued: number
  readonly recycle: RecycleOptions | undefined
  readonly limits: Limits
  /** What its members let leave with a function. */
  readonly capture: CapturePolicy
}

const countOrZero: OptionCheck = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'an integer of at least 0'

/** Any value: another place checks it, and says of which option it is. */
const any: OptionCheck = () => undefined

const memberOptions: OptionCheck = (value) => {
  const expected = anObject(value)
  if (expected !== undefined) return expected
  return (value as { name?: unknown }).name === undefined
    ? undefined
    : 'the options of a worker without `name`: the pool names its members itself'
}

/** A place in the tree is names with slashes between them. */
const placeName: OptionCheck = (value) =>
  text(value) ??
  (/^[^/\p{Cc}]{1,200}$/u.test(value as string)
    ? undefined
    : 'at most 200 characters without a slash or control characters')

const checks = {
  name: placeName,
  size: countOrZero,
  spares: countOrZero,
  concurrency: count,
  maxQueued: count,
  worker: memberOptions,
  init: any,
  recycle: anObject,
  maxRestarts: any,
  periodMs: any,
  backoff: any,
  maxConcurrentBoots: any,
} satisfies Record<keyof PoolOptions, OptionCheck>

/** @throws {TypeError | RangeError} unless a pool can be of that size */
export function checkSize(size: unknown): void {
  checkValue('a pool', 'size', size, countOrZero)
}

/**
 * Checks the options of a pool as far as they are its own, and fills in the defaults.
 * @throws {TypeError | RangeError} naming the option, what was given and what is expected
 */
export function resolvePool(options: PoolOptions): ResolvedPool {
  const misplaced = Object.keys(Object(options) as object).find(
    (name) => !Object.hasOwn(checks, name) && isWorkerOption(name),
  )
  if (misplaced !== undefined) {
    const advice = `Write \`worker: { ${misplaced}: … }\`.`
    throw new TypeError(`\`${misplaced}\` is an option of the members of a pool. ${advice}`)
  }
  checkOptions('a pool', options, checks)
  const { recycle, worker } = options
  if (recycle !== undefined) checkOptions('`recycle`', recycle, { afterCalls: count, maxRssMb: amount })
  const { size = availableParallelism(), spares = 0, concurrency = 1, maxQueued = 65_536 } = options
  const maxCalls = recycle?.afterCalls ?? Infinity
  return {
    size,
    spares,
    // It gets no more calls at once than it may have in all.
    concurrency: Math.min(concurrency, maxCalls),
    maxCalls,
    maxQueued,
    recycle,
    limits: { ...defaultLimits, ...worker?.limits },
    capture: policyOf(worker ?? {}),
  }
}
