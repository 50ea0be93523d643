import type { AnyFunction } from '../movement/function-source.ts'
import { type ModuleReference, prepareModuleReference } from '../movement/module-reference.ts'
import { type Captures, captureValues, prepareFunction, type Shipment } from '../movement/shipment.ts'

/** What can be called: a function, or the name of one in a module. */
export type Callable = AnyFunction | ModuleReference

/** @throws {CaptureError | TypeError} if it can't be sent */
export function prepareCallable(fn: Callable, captures: Captures | undefined): Shipment {
  if (typeof fn === 'function' || fn === null || typeof fn !== 'object') return prepareFunction(fn, captures)
  return prepareModuleReference(fn)
}

/**
 * What travels with a call.
 * @throws {TypeError} if the arguments are no array
 */
export function bodyOf(
  shipment: Shipment,
  args: readonly unknown[],
  captures: Captures | undefined,
): unknown {
  if (!Array.isArray(args)) {
    throw new TypeError(
      `Expected \`args\` to be an array, got ${typeof args}. Write \`call(fn, [argument])\`.`,
    )
  }
  return shipment.captureNames.length === 0 ? args : [args, captureValues(shipment, captures)]
}
