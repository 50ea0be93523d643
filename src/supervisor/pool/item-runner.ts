import { setImmediate as aTurn } from 'node:timers/promises'

import type { CallOptions } from '../../actors/call-options.ts'
import { EncodeError } from '../../errors/data-errors.ts'
import { withExecuted } from '../../errors/executed.ts'
import { ReleasedError } from '../../errors/flow-errors.ts'
import { WorkerUnavailableError } from '../../errors/supervision-errors.ts'
import { WorkerDiedError, WorkerStoppedError } from '../../errors/worker-errors.ts'
import type { Clock } from '../../transport/clock.ts'
import { Attempts } from './attempts.ts'
import { type BatchOutcome, throwAgain } from './batch-runner.ts'
import type { PoolMember } from './crew.ts'
import type { Task } from './dispatcher.ts'
import type { KeptFunction } from '../worker/kept-functions.ts'
import type { ItemFunctions } from './item-functions.ts'
import type { ItemFailure, MapOptions } from './map-options.ts'
import { callOptionsOf, checkedKey } from './pool-call-options.ts'
import { pause } from './pause.ts'
import type { Batch } from './read-ahead.ts'
import { retryDelayMs } from './retry.ts'

/** What became of one item, at one attempt or for good. */
export type Settled = { readonly value: unknown } | { readonly error: unknown }

/** The worker may have died of an item before this one. */
type Outcome = Settled | 'not run'

/** What running items needs. */
export interface ItemRunnerParts {
  readonly functions: ItemFunctions
  readonly options: MapOptions<unknown, unknown>
  readonly total: number | undefined
  /** Nobody wants the results any more: what waits need not begin. */
  readonly closed: AbortSignal
  readonly clock: Clock
  readonly submit: (task: Task) => Promise<unknown>
  /** Why nothing is taken now, if so. */
  readonly refusal: () => Error | undefined
  /** Called with what an item has failed with for good, when it has. */
  readonly failed: (error: unknown) => void
}

/** Whether one item may be refused, and the others of its batch with it: nothing has run. */
const isItemFault = (error: unknown): boolean =>
  error instanceof ReleasedError ||
  ((error instanceof EncodeError ||
    error instanceof WorkerDiedError ||
    error instanceof WorkerStoppedError) &&
    error.executed === 'no')

/** What fetching what an item has thrown failed with: it did run, however that failed. */
const asThrown = (error: unknown): unknown =>
  withExecuted(error, 'yes', { note: 'The item has thrown, and what it threw is lost.' })

const isRefusal = (error: unknown): boolean =>
  error instanceof WorkerUnavailableError || error instanceof WorkerStoppedError

let lastBatch = 0

/** Runs the items of one map, each until it has a result or is given up. */
export class ItemRunner {
  readonly #parts: ItemRunnerParts
  readonly #callOptions: CallOptions | undefined
  readonly #signals: readonly AbortSignal[]
  #done = 0

  constructor(parts: ItemRunnerParts) {
    this.#parts = parts
    this.#callOptions = callOptionsOf({ ...parts.options })
    const { signal } = parts.options
    this.#signals = signal === undefined ? [parts.closed] : [parts.closed, signal]
  }

  /** What became of a batch for good, in its order; when all of it is known. */
  async run({ first, items }: Batch<unknown>): Promise<Settled[]> {
    const outcomes =
      items.length === 1 ? [await this.#alone(items[0], first)] : await this.#together({ first, items })
    return Promise.all(
      outcomes.map(async (outcome, at) => {
        const item = items[at]
        const own = outcome === 'not run' ? await this.#alone(item, first + at) : outcome
        return this.#finish(own, item, first + at)
      }),
    )
  }

  /** Until the item has a result, or none for good: further attempts, or what `onError` says. */
  async #finish(outcome: Settled, item: unknown, index: number): Promise<Settled> {
    const { options, total, failed } = this.#parts
    try {
      const value = 'value' in outcome ? outcome.value : await this.#again(outcome.error, item, index)
      options.onProgress?.({ done: ++this.#done, total })
      return { value }
    } catch (error) {
      failed(error)
      return { error }
    }
  }

  async #again(firstError: unknown, item: unknown, index: number): Promise<unknown> {
    const { options, clock } = this.#parts
    const attempts = new Attempts()
    let error = firstError
    for (let attempt = 1; ; attempt++) {
      if (this.#signals.some(({ aborted }) => aborted)) throw attempts.sumUp(error)
      const delayMs = retryDelayMs(options.retry, error, attempt)
      if (delayMs === undefined) return this.#givenUp(attempts.sumUp(error), { item, index, attempt })
      attempts.failed(error)
      await pause(delayMs, this.#signals, clock)
      const outcome = await this.#alone(item, index)
      if ('value' in outcome) return outcome.value
      error = outcome.error
    }
  }

  async #givenUp(error: unknown, failure: Omit<ItemFailure<unknown>, 'workerDied'>): Promise<unknown> {
    const { options, refusal } = this.#parts
    const { onError } = options
    // There is no pool any more: what comes would all be refused, and nobody's item is at fault.
    const isRefused = isRefusal(error) && refusal() !== undefined
    if (onError === undefined || isRefused) throw error
    // What fails before it is sent takes no time: an endless input of such would not let the host do anything else.
    await aTurn()
    return onError(error, { ...failure, workerDied: error instanceof WorkerDiedError })
  }

  async #alone(item: unknown, index: number): Promise<Settled> {
    const { alone } = this.#parts.functions
    try {
      const run = (member: PoolMember): Promise<unknown> =>
        member.call(alone.fn, [item, index], this.#callOptions)
      return { value: await this.#submit(item, index, alone, run) }
    } catch (error) {
      return { error }
    }
  }

  /** All in one call, if they can be sent so. */
  async #together({ first, items }: Batch<unknown>): Promise<Outcome[]> {
    const { alone, together } = this.#parts.functions
    try {
      const run = (member: PoolMember): Promise<unknown> =>
        together === undefined
          ? this.#oneByOne(member, { first, items })
          : this.#batchOn(member, together, { first, items })
      return (await this.#submit(items[0], first, together ?? alone, run)) as Outcome[]
    } catch (error) {
      // One of them can't be sent, or refers to what is gone, and nothing has run: which one shows when each goes alone.
      if (isItemFault(error)) return Promise.all(items.map((item, at) => this.#alone(item, first + at)))
      return items.map(() => ({ error }))
    }
  }

  async #batchOn(
    member: PoolMember,
    { fn }: KeptFunction,
    { first, items }: Batch<unknown>,
  ): Promise<Outcome[]> {
    const batchId = `${process.pid}:${++lastBatch}`
    const called = member.call(fn, [batchId, items, first], this.#callOptions)
    const { values, thrown } = (await called) as BatchOutcome
    const errors = await Promise.all(
      thrown.map((at) => member.call(throwAgain, [batchId, at]).catch(asThrown)),
    )
    return values.map((value, at) => {
      const which = thrown.indexOf(at)
      return which === -1 ? { value } : { error: errors[which] }
    })
  }

  /** What an export is called by is resolved by the runtime over there, for one call at a time. */
  async #oneByOne(member: PoolMember, { first, items }: Batch<unknown>): Promise<Outcome[]> {
    const { alone } = this.#parts.functions
    const outcomes: Outcome[] = []
    for (const [at, item] of items.entries()) {
      try {
        outcomes.push({ value: await member.call(alone.fn, [item, first + at], this.#callOptions) })
      } catch (error) {
        const isLost = error instanceof WorkerDiedError && error.executed === 'no' && at > 0
        outcomes.push(isLost ? 'not run' : { error })
      }
    }
    return outcomes
  }

  #submit(item: unknown, index: number, { failure }: KeptFunction, run: Task['run']): Promise<unknown> {
    const { options, submit } = this.#parts
    const key = options.key === undefined ? undefined : checkedKey(options.key(item, index))
    return submit({
      priority: options.priority ?? 0,
      key,
      signals: this.#signals,
      mayMove: true,
      failure,
      run,
    })
  }
}
