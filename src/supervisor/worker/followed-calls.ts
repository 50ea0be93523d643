import { warnUnlessObserved } from '../../actors/cast-failure.ts'
import { type Callable, type Watched, watching } from '../../actors/callable.ts'
import type { Worker } from '../../actors/worker.ts'
import { CallTimeoutError } from '../../errors/call-errors.ts'
import { executedOf } from '../../errors/executed.ts'
import { WorkerDiedError, WorkerStoppedError } from '../../errors/worker-errors.ts'
import type { ModuleReference } from '../../movement/module-reference.ts'
import { Attempts } from '../pool/attempts.ts'
import { pause } from '../pool/pause.ts'
import { retryDelayMs } from '../pool/retry.ts'
import type { Follower } from './follower.ts'
import type { FollowingOptions, HandleOptions } from './handle-options.ts'
import { rememberArguments } from './kept-arguments.ts'
import type { KeptFunction, Taking } from './kept-functions.ts'

/** What is called: as it was given, or as it was kept. */
export interface FollowedFunction {
  /** Undefined: none of the user's, but what the worker itself offers. */
  readonly fn: Callable | undefined
  readonly taking: Taking | undefined
}

/** A call that is made in whatever incarnation there is. */
export interface FollowedCall extends FollowedFunction {
  readonly args: readonly unknown[]
  readonly following: FollowingOptions
  readonly background: boolean
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number | undefined
  /**
   * Makes it, in a worker that is up. `timeoutMs` is what is left of its time.
   * @param fn - that of the call, or what stands for it
   */
  send(
    worker: Worker,
    fn: Callable,
    args: readonly unknown[],
    timeoutMs: number | undefined,
  ): Promise<unknown>
}

/** A call under way: what it is made of each time, and how often it was. */
interface Journey {
  readonly call: FollowedCall
  /** As `call.fn`, or what stands for it as it was when the call was made: from when that is known. */
  fn: Callable | undefined
  /** For the next time; undefined: there is none. */
  readonly again: (() => readonly unknown[]) | undefined
  readonly byteLength: number
  readonly deadline: { readonly timeoutMs: number; readonly atMs: number } | undefined
  readonly attempts: Attempts
}

/**
 * Calls through a handle. A call that certainly did not start, since its worker was gone by then, goes to the next
 * incarnation; one that may have run fails, unless its `retry` says otherwise.
 */
export class FollowedCalls {
  readonly #follower: Follower
  readonly #defaults: HandleOptions

  constructor(follower: Follower, defaults: HandleOptions) {
    this.#follower = follower
    this.#defaults = defaults
  }

  /**
   * The usual call: somebody is there, and nothing is said of how. It is to cost little more than a call of the worker;
   * only if it does not arrive is there more to do.
   * @returns undefined if it is not that simple
   */
  quick(fn: Callable, args: readonly unknown[]): Promise<unknown> | undefined {
    const { up, waiting } = this.#follower
    return up === undefined || waiting.size > 0
      ? undefined
      : this.#makeUsual(up, fn as ModuleReference, args, rememberArguments(args))
  }

  async #makeUsual(
    worker: Worker,
    fn: ModuleReference,
    args: readonly unknown[],
    remembered: readonly unknown[] | undefined,
  ): Promise<unknown> {
    const watch: Watched = { fn, shipment: undefined }
    const called = watching(watch, () => worker.call(fn, args))
    const again =
      remembered === undefined ? fn : this.#follower.keeper.rememberFunction(fn, watch.shipment, undefined)
    try {
      return await called
    } catch (error) {
      const isLost = remembered === undefined || !this.#hasNotArrived(error, worker)
      if (isLost || this.#follower.refusal() !== undefined) throw error
      const usual = { following: {}, background: false, signal: undefined, timeoutMs: undefined }
      const send: FollowedCall['send'] = (next, own, now) => next.call(own as ModuleReference, now)
      return this.start({ ...usual, fn: again, taking: undefined, args: remembered, send })
    }
  }

  /** Makes a call now, or when there is somebody to make it. Throws what it is refused for. */
  start(call: FollowedCall): Promise<unknown> {
    const { waiting, keeper, clock } = this.#follower
    const worker = this.#follower.current
    const { args, timeoutMs, following } = call
    const deadline =
      timeoutMs === undefined || timeoutMs === Infinity
        ? undefined
        : { timeoutMs, atMs: clock.nowMs() + timeoutMs }
    if (worker !== undefined && waiting.size === 0 && following.retry === undefined) {
      const remembered = rememberArguments(args)
      const again = remembered && (() => remembered)
      const journey = { call, fn: call.fn, again, byteLength: 0, deadline, attempts: new Attempts() }
      return this.#make(journey, worker, args, timeoutMs)
    }
    if (worker === undefined) this.#mayWait(following)
    const kept = this.#keep(call)
    const { copy, byteLength } = keeper.keep(args)
    const attempts = new Attempts()
    const bytes = byteLength + kept.byteLength
    const journey = { call, fn: kept.fn, again: copy, byteLength: bytes, deadline, attempts }
    const isNow = worker !== undefined && waiting.size === 0
    const ending = isNow ? this.#make(journey, worker, args, timeoutMs) : this.#wait(journey)
    return following.retry === undefined ? ending : attempts.outcome(ending)
  }

  /** Makes a call that nobody waits for. If it has to wait and nobody comes, that is an event, as if it had thrown. */
  cast(
    called: FollowedFunction & { readonly fn: Callable },
    args: readonly unknown[],
    background: boolean,
    send: (worker: Worker, fn: Callable, args: readonly unknown[]) => void,
  ): void {
    const { waiting, keeper, events, path } = this.#follower
    const worker = this.#follower.current
    if (worker !== undefined && waiting.size === 0) {
      send(worker, called.fn, args)
      return
    }
    this.#mayWait({})
    const kept = this.#keep(called)
    const { copy, byteLength: argumentBytes } = keeper.keep(args)
    const byteLength = argumentBytes + kept.byteLength
    const sendLater = async (later: Worker): Promise<void> => send(later, kept.fn ?? called.fn, copy())
    const call = { byteLength, background, signal: undefined, deadline: undefined, send: sendLater }
    waiting.add(call).catch((error: unknown) => {
      const incarnation = this.#follower.status.incarnation
      events.emit({ path, incarnation }, { type: 'cast.failed', callId: 0, error })
      warnUnlessObserved(events, path, error)
    })
  }

  /** Throws why the function can't be sent: that may be another matter when it goes. */
  #keep({ fn, taking }: FollowedFunction): Partial<KeptFunction> & { readonly byteLength: number } {
    if (fn === undefined) return { byteLength: 0 }
    const kept = this.#follower.keeper.keepFunction(fn, taking)
    if (kept.failure !== undefined) throw kept.failure
    return kept
  }

  #mayWait(following: FollowingOptions): void {
    const refusal = this.#follower.refusal()
    if (refusal !== undefined) throw refusal
    if (this.#isImpatient(following)) throw this.#follower.unavailable()
  }

  #isImpatient({ whenDown = this.#defaults.whenDown }: FollowingOptions): boolean {
    return whenDown === 'reject'
  }

  #wait(journey: Journey): Promise<unknown> {
    const { call, again, byteLength, deadline } = journey
    const { background, signal } = call
    return this.#follower.waiting.add({
      byteLength,
      background,
      signal,
      deadline,
      send: (worker) => this.#make(journey, worker, again?.() ?? call.args, this.#timeLeft(journey)),
    })
  }

  async #make(
    journey: Journey,
    worker: Worker,
    args: readonly unknown[],
    timeoutMs: number | undefined,
  ): Promise<unknown> {
    try {
      return await this.#send(journey, worker, args, timeoutMs)
    } catch (error) {
      return this.#afterFailure(journey, error, worker)
    }
  }

  #send(
    journey: Journey,
    worker: Worker,
    args: readonly unknown[],
    timeoutMs: number | undefined,
  ): Promise<unknown> {
    const { call, fn, again } = journey
    // Otherwise it is kept already, or nothing of it would be needed.
    if (fn === undefined || fn !== call.fn || again === undefined) {
      return call.send(worker, fn as Callable, args, timeoutMs)
    }
    const watch: Watched = { fn, shipment: undefined }
    const sending = watching(watch, () => call.send(worker, fn, args, timeoutMs))
    journey.fn = this.#follower.keeper.rememberFunction(fn, watch.shipment, call.taking)
    return sending
  }

  async #afterFailure(journey: Journey, error: unknown, worker: Worker): Promise<unknown> {
    const { call, again, attempts } = journey
    if (again === undefined) throw error
    if (!this.#hasNotArrived(error, worker)) {
      const delayMs = retryDelayMs(call.following.retry, error, attempts.count + 1)
      if (delayMs === undefined || call.signal?.aborted === true) throw error
      attempts.failed(error)
      await this.#pause(journey, error, delayMs)
    } else if (this.#isImpatient(call.following)) throw error
    const timeLeft = this.#timeLeft(journey)
    if (timeLeft !== undefined && timeLeft <= 0) throw this.#tooLate(journey, error)
    const next = this.#follower.current
    if (next !== undefined) return this.#make(journey, next, again(), timeLeft)
    if (this.#follower.refusal() !== undefined) throw error
    if (this.#isImpatient(call.following)) throw this.#follower.unavailable()
    return this.#wait(journey)
  }

  /**
   * The call certainly did not start, since its worker was gone, or going, before it came there. While that takes calls it
   * was another one that has died: that of a reference among the arguments, which no incarnation can bring back.
   */
  #hasNotArrived(error: unknown, worker: Worker): boolean {
    return isUnexecuted(error) && this.#follower.current !== worker
  }

  #timeLeft({ deadline }: Journey): number | undefined {
    return deadline === undefined ? undefined : deadline.atMs - this.#follower.clock.nowMs()
  }

  #tooLate({ deadline }: Journey, cause: unknown): CallTimeoutError {
    const worker = this.#follower.path
    const timeoutMs = deadline?.timeoutMs ?? 0
    const message = `A call to worker ${worker} was not done within ${timeoutMs} ms.`
    return new CallTimeoutError(message, { worker, timeoutMs, executed: executedOf(cause), cause })
  }

  /** Before another attempt. The end of its time, its signal, and the end of its place end the pause as well. */
  async #pause(journey: Journey, error: unknown, delayMs: number): Promise<void> {
    const { signal } = journey.call
    const refused = new AbortController()
    const forget = this.#follower.whenRefused(() => refused.abort(error))
    const signals = signal === undefined ? [refused.signal] : [refused.signal, signal]
    const timeLeft = Math.max(0, this.#timeLeft(journey) ?? Infinity)
    try {
      await pause(Math.min(delayMs, timeLeft), signals, this.#follower.clock)
    } finally {
      forget()
    }
    if (timeLeft < delayMs) throw this.#tooLate(journey, error)
  }
}

/** It certainly did not start: its worker, or one that keeps a value for it, was gone or going before. */
function isUnexecuted(error: unknown): boolean {
  return (error instanceof WorkerDiedError || error instanceof WorkerStoppedError) && error.executed === 'no'
}
