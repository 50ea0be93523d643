import { aFunction, checkOptions, checkValue, count, type OptionCheck } from '../../actors/option-checks.ts'
import { type PoolCallOptions, pooledCallChecks } from './pool-call-options.ts'
import { checkRetry } from './retry.ts'
import type { PoolKey } from './slot-of-key.ts'

/** What is known of a failed item. */
export interface ItemFailure<T> {
  /** The item itself. */
  readonly item: T
  /** Its place in the input, from 0. */
  readonly index: number
  /** How many attempts there were. */
  readonly attempt: number
  /** Whether the worker died of it, or with it. */
  readonly workerDied: boolean
}

/** How a map over items is done. `timeoutMs` is for one call: an item, or a batch. */
export interface MapOptions<T, R> extends Omit<PoolCallOptions, 'key' | 'result'> {
  /** How many calls are under way at once. Minimum 1, default what the pool can take at once. */
  readonly concurrency?: number
  /**
   * So many items go in one call, one after the other; worth it for items that take less than a call. Each is still its
   * own: one that throws fails alone, and those that a dead worker held are tried again one by one. Default 1.
   */
  readonly batchSize?: number
  /**
   * Given what an item failed with, after the last attempt: what it returns stands for the result. Default: throws it. Not
   * asked when the pool has given up, was stopped, or is of size 0: that ends the map.
   */
  readonly onError?: (error: unknown, failure: ItemFailure<T>) => R | Promise<R>
  /** Items, or batches by their first item, of one key go to one member. */
  readonly key?: (item: T, index: number) => PoolKey
  /** Called after each item, in the order in which they are done; `total` where the input says how many it has. */
  readonly onProgress?: (progress: MapProgress) => void
}

/** How far a map has come. */
export interface MapProgress {
  /** Items that have their result. */
  readonly done: number
  /** All items, if the input says how many it has. */
  readonly total: number | undefined
}

const { result: _, ...itemCallChecks } = pooledCallChecks
const isInput: OptionCheck = (value) =>
  typeof value === 'string' ||
  (typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value))
    ? undefined
    : 'an array, or something else to iterate over'

/** @throws {TypeError | RangeError} naming the option, what was given and what is expected */
export function checkMap(items: unknown, options: object): void {
  checkValue('a map', 'items', items, isInput)
  const checks = {
    ...itemCallChecks,
    concurrency: count,
    batchSize: count,
    onError: aFunction,
    key: aFunction,
    onProgress: aFunction,
  }
  checkOptions('a map', options, checks)
  const { retry } = options as MapOptions<unknown, unknown>
  if (retry !== undefined) checkRetry(retry)
}

/** How many items an input has, if it says so. */
export function lengthOf(items: object): number | undefined {
  const { length, size } = items as { length?: unknown; size?: unknown }
  return typeof length === 'number' ? length : typeof size === 'number' ? size : undefined
}
