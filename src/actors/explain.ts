import { CaptureError, EncodeError } from '../errors/data-errors.ts'
import type { PolicyInForce } from '../movement/capture-policy.ts'
import { contentOf } from '../movement/graph/content.ts'
import { Ledger } from '../movement/graph/ledger.ts'
import type { MovementPlan } from '../movement/movement-plan.ts'
import { planMovement, refusedPlan } from '../movement/plan.ts'
import { withCapturePaths } from './capture-paths.ts'
import { type Captures, definitionFor, type Shipment } from '../movement/shipment.ts'
import { messageCodec } from '../transport/codec/message-codec.ts'
import { frameBytes } from '../transport/frame-chunks.ts'
import { defaultLimits } from '../transport/limits.ts'
import { type CallOptions, checkCallOptions } from './call-options.ts'
import { ExplainedValues } from './explained-values.ts'
import { bodyOf, type Callable, prepareCallable } from './callable.ts'
import { permitCall, type Possessions } from './permit-call.ts'
import type { CallParameters } from './argument.ts'
import type { ModuleReference } from '../movement/module-reference.ts'

/** What is asked about. */
interface Asked {
  readonly args: readonly unknown[]
  readonly captures: Captures | undefined
  readonly policy: PolicyInForce
}

/** What a call would move; what it would be refused for is in the plan. */
export function explainCall(
  prepare: () => Shipment,
  { args, captures, policy }: Asked,
  possessions: Possessions,
  explained: ExplainedValues,
): MovementPlan {
  const { ledger, isDefined } = possessions
  let shipment: Shipment | undefined
  try {
    shipment = prepare()
    explained.reachedArguments()
    const body = bodyOf(shipment, args, captures, ledger)
    const steps = shipment.survey !== undefined ? ledger.steps(shipment.survey) : []
    permitCall(shipment, { policy, captures, copiedBytes: explained.copiedBytes }, steps, possessions)
    const sizeOf = (value: unknown, path: string): number =>
      frameBytes(contentOf(ledger.codec, value, path).body)
    const define = isDefined(shipment) ? 0 : sizeOf(definitionFor(shipment, ledger), 'fn')
    return planMovement(shipment, steps, { define, call: sizeOf(body, 'args') })
  } catch (thrown) {
    const error = shipment === undefined ? thrown : withCapturePaths(thrown, shipment)
    if (error instanceof CaptureError || error instanceof EncodeError) return refusedPlan(error)
    throw error
  }
}

/**
 * Tells what a call would move to a worker that has nothing yet, and why; nothing is sent. What can't go is in the plan
 * as `refused`, and is its first line as a table. See `Worker.explain` for a worker that has something.
 *
 * @param fn - as in `Worker.call`
 * @param args - its arguments, default none
 * @param options - those of `Worker.call` that matter here: `captures`, `capture`
 * @returns the plan; `String(plan)` is a table
 * @throws {TypeError | RangeError} for wrong arguments and options
 * @example
 * import { explain } from 'maltster'
 *
 * const rate = 1.1
 * const plan = explain((sum: number) => sum * rate, [100])
 * console.log(plan.entries.map(({ name, kind }) => `${name}: ${kind}`).join(', '))
 */
export function explain<A extends unknown[] = unknown[]>(
  fn: ((...args: A) => unknown) | ModuleReference,
  ...rest: CallParameters<NoInfer<A>, Pick<CallOptions, 'captures' | 'capture'>>
): MovementPlan
export function explain(
  fn: Callable,
  args: readonly unknown[] = [],
  options: CallOptions = {},
): MovementPlan {
  checkCallOptions(options)
  const explained = new ExplainedValues()
  const codec = messageCodec(defaultLimits, explained)
  const { captures, capture: policy = 'auto' } = options
  const nothing = { ledger: new Ledger(codec), isDefined: () => false }
  const prepare = (): Shipment => prepareCallable(fn, captures, policy, codec)
  return explained.added(explainCall(prepare, { args, captures, policy }, nothing, explained), args)
}
