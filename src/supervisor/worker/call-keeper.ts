import type { Callable } from '../../actors/callable.ts'
import type { CapturePolicy } from '../../movement/capture-policy.ts'
import type { Shipment } from '../../movement/shipment.ts'
import type { Limits } from '../../transport/limits.ts'
import { ArgumentKeeper } from './kept-arguments.ts'
import { type FunctionKeeper, type KeptFunction, ShipmentKeeper, type Taking } from './kept-functions.ts'

/** Keeps calls that wait as they were made: their arguments, and what their functions refer to. */
export class CallKeeper extends ArgumentKeeper implements FunctionKeeper {
  readonly #functions: FunctionKeeper

  /** @param functions - default: as workers of these limits and this policy take them */
  constructor(
    limits: Limits,
    policy: CapturePolicy,
    functions: FunctionKeeper = new ShipmentKeeper(limits, policy),
  ) {
    super(limits)
    this.#functions = functions
  }

  keepFunction(fn: Callable, taking: Taking | undefined): KeptFunction {
    return this.#functions.keepFunction(fn, taking)
  }

  rememberFunction(fn: Callable, sent: Shipment | undefined, taking: Taking | undefined): Callable {
    return this.#functions.rememberFunction(fn, sent, taking)
  }
}
