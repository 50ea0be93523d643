import type { CallOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import { CaptureError } from '../../errors/data-errors.ts'
import type { FunctionKeeper, KeptFunction } from '../worker/kept-functions.ts'
import { batchRunnerOf } from './batch-runner.ts'

/** The function of a map, as it was when the map was made: for one item, and for several. */
export interface ItemFunctions {
  readonly alone: KeptFunction
  /** Undefined: what an export is called by is resolved by the runtime over there, for one call at a time. */
  readonly together: KeptFunction | undefined
}

export function keepItemFunctions(
  keeper: FunctionKeeper,
  fn: Callable,
  options: CallOptions | undefined,
  batchSize: number,
): ItemFunctions {
  const alone = keeper.keepFunction(fn, options)
  const isTogether = typeof fn === 'function' && batchSize > 1
  return { alone, together: isTogether ? keepBatchRunner(keeper, fn, options) : undefined }
}

/**
 * By what it is made with, the function is found; where nothing may be found, it is given, as are the captures of the user.
 */
function keepBatchRunner(
  keeper: FunctionKeeper,
  fn: (...args: never[]) => unknown,
  options: CallOptions | undefined,
): KeptFunction {
  const runBatch = batchRunnerOf(fn as (item: unknown, index: number) => unknown)
  if (options?.captures === undefined && options?.capture !== 'explicit') {
    const found = keeper.keepFunction(runBatch, options)
    if (!(found.failure instanceof CaptureError)) return found
  }
  const captures = { ...options?.captures, maltsterItemFunction: fn }
  return keeper.keepFunction(runBatch, { ...options, captures })
}
