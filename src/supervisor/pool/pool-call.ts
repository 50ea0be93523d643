import { type Callable, type Watched, watching } from '../../actors/callable.ts'
import type { Clock } from '../../transport/clock.ts'
import type { CallKeeper } from '../worker/call-keeper.ts'
import { rememberArguments } from '../worker/kept-arguments.ts'
import { Attempts } from './attempts.ts'
import type { Task, TaskTaker } from './dispatcher.ts'
import { pause } from './pause.ts'
import { callOptionsOf, type PoolCallOptions } from './pool-call-options.ts'
import { retryDelayMs } from './retry.ts'

/** What a call of a pool goes through. */
export interface PoolCallParts {
  readonly dispatcher: TaskTaker
  readonly keeper: CallKeeper
  readonly clock: Clock
}

/** One call of a pool: by whichever member is free, again only if `retry` says so, with all as it was when it was made. */
export async function poolCall(
  { dispatcher, keeper, clock }: PoolCallParts,
  fn: Callable,
  args: readonly unknown[],
  options: PoolCallOptions | undefined,
): Promise<unknown> {
  const { retry, signal, priority = 0, key } = options ?? {}
  const callOptions = options === undefined ? undefined : callOptionsOf({ ...options })
  const signals = signal === undefined ? [] : [signal]
  const goesAtOnce = dispatcher.wouldBegin(key)
  const kept = goesAtOnce && retry === undefined ? undefined : keeper.keep(args)
  const keptFunction = kept === undefined ? undefined : keeper.keepFunction(fn, callOptions)
  let own = keptFunction?.fn ?? fn
  const remembered = kept === undefined ? rememberArguments(args) : undefined
  const mayMove = kept !== undefined || remembered !== undefined
  const attempts = new Attempts()
  for (;;) {
    let given = kept === undefined ? args : undefined
    const run: Task['run'] = (member) => {
      const now = given ?? kept?.copy() ?? remembered ?? args
      if (given === undefined) return member.call(own, now, callOptions)
      given = undefined
      const watch: Watched = { fn, shipment: undefined }
      const called = watching(watch, () => member.call(fn, now, callOptions))
      if (mayMove) own = keeper.rememberFunction(fn, watch.shipment, callOptions)
      return called
    }
    try {
      return await dispatcher.submit({ priority, key, signals, mayMove, failure: keptFunction?.failure, run })
    } catch (error) {
      const delayMs = signal?.aborted === true ? undefined : retryDelayMs(retry, error, attempts.count + 1)
      if (delayMs === undefined) throw attempts.sumUp(error)
      attempts.failed(error)
      await pause(delayMs, signals, clock)
    }
  }
}
