import type { AnyFunction } from '../movement/function-source.ts'
import { type ModuleReference, prepareModuleReference } from '../movement/module-reference.ts'
import type { PolicyInForce } from '../movement/capture-policy.ts'
import type { Codec } from '../transport/codec.ts'
import type { Ledger } from '../movement/graph/ledger.ts'
import { isKnownGlobal } from '../movement/known-globals.ts'
import { isKept, prepareLive } from '../movement/prepare.ts'
import { suggestion } from './option-checks.ts'
import { type Captures, captureValues, freeNamesOf, type Shipment } from '../movement/shipment.ts'

/** What can be called: a function, or the name of one in a module. */
export type Callable = AnyFunction | ModuleReference

/** A function, and what it was made ready as first, while that is watched. */
export interface Watched {
  readonly fn: Callable
  shipment: Shipment | undefined
}

let watched: Watched | undefined

/** Does something, and keeps what a function is made ready as meanwhile: whoever may have to send it once more needs that. */
export function watching<T>(watch: Watched, make: () => T): T {
  const outer = watched
  watched = watch
  try {
    return make()
  } finally {
    watched = outer
  }
}

/** @throws {CaptureError | TypeError} if it can't be sent, or `captures` gives a name that nothing refers to */
export function prepareCallable(
  fn: Callable,
  captures: Captures | undefined,
  policy: PolicyInForce,
  codec: Codec,
): Shipment {
  const isReference = typeof fn === 'object' && fn !== null
  const shipment = isReference ? prepareModuleReference(fn) : prepareLive(fn, captures, policy, codec)
  if (captures !== undefined && (isReference || !isKept(fn))) checkUsed(captures, shipment)
  if (watched?.fn === fn) watched.shipment ??= shipment
  return shipment
}

/** A name that nothing asks for is a slip of the pen: what was meant would go as it is here, or not at all. */
function checkUsed(captures: Captures, shipment: Shipment): void {
  const used = freeNamesOf(shipment)
  const unused = Object.keys(captures).find((name) => used?.has(name) !== true)
  if (unused === undefined) return
  const given = `\`captures\` gives \`${unused}\``
  if (used === undefined) {
    const remedy = 'Leave it out, or pass it as an argument.'
    throw new TypeError(
      `${given}, but ${shipment.name || 'the function'} is made over there, with names of its own. ${remedy}`,
    )
  }
  const known = [...used].filter((name) => !isKnownGlobal(name))
  const advice = known.length === 0 ? ' There is no name that could be given.' : suggestion(unused, known)
  throw new TypeError(`${given}, which nothing that is sent refers to.${advice}`)
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
