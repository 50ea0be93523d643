import type { AnyFunction } from '../movement/function-source.ts'
import { type ModuleReference, prepareModuleReference } from '../movement/module-reference.ts'
import type { PolicyInForce } from '../movement/capture-policy.ts'
import type { Codec } from '../transport/codec.ts'
import type { Ledger } from '../movement/graph/ledger.ts'
import { prepareLive } from '../movement/prepare.ts'
import { type Captures, captureValues, type Shipment } from '../movement/shipment.ts'

/** What can be called: a function, or the name of one in a module. */
export type Callable = AnyFunction | ModuleReference

/** @throws {CaptureError | TypeError} if it can't be sent */
export function prepareCallable(
  fn: Callable,
  captures: Captures | undefined,
  policy: PolicyInForce,
  codec: Codec,
): Shipment {
  if (typeof fn === 'function' || fn === null || typeof fn !== 'object')
    return prepareLive(fn, captures, policy, codec)
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
  ledger: Ledger,
): unknown {
  if (!Array.isArray(args)) {
    throw new TypeError(
      `Expected \`args\` to be an array, got ${typeof args}. Write \`call(fn, [argument])\`.`,
    )
  }
  if (shipment.survey !== undefined)
    return shipment.survey.isFresh ? [args, ledger.numberOf(shipment.survey)] : args
  return shipment.captureNames.length === 0 ? args : [args, captureValues(shipment, captures)]
}

/** Whether the body of a call has captured values beside the arguments. */
export const hasCaptures = (shipment: Shipment): boolean =>
  shipment.captureNames.length > 0 || (shipment.survey !== undefined && shipment.survey.isFresh)
