import { staysHere } from '../../transport/codec/process-handles.ts'
import type { CastOptions } from '../../actors/call-options.ts'
import { checkCastOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import { checkEvaluateOptions, checkSource, type RunOptions } from '../../actors/evaluate-options.ts'
import type { InterruptResult } from '../../actors/interrupts.ts'
import { rejectionNow } from '../../actors/remote-error.ts'
import type { RunResult } from '../../actors/run.ts'
import type { CallParameters, Worker, WorkerStats } from '../../actors/worker.ts'
import type { ModuleReference } from '../../movement/module-reference.ts'
import type { Follower, HandleState } from './follower.ts'
import { FollowedCalls } from './followed-calls.ts'
import {
  checkHandleCallOptions,
  checkHandleOptions,
  type FollowingOptions,
  type HandleCallOptions,
  type HandleEvaluateOptions,
  type HandleOptions,
  splitOptions,
} from './handle-options.ts'

/**
 * A place in the tree where a worker lives: it follows the worker from incarnation to incarnation. Given by
 * `Supervisor.worker`; nothing happens when it is let go.
 *
 * A call made while the worker is down waits for its next incarnation, or is rejected: see `whenDown`. So does one that
 * was made when the worker was dead and its supervisor did not know yet. A call that was under way when the worker died
 * rejects with `WorkerDiedError`, whose `executed` says whether it may have run; it is made again only if its `retry`
 * says so. Source: Erlang's registered names, whose senders never see a restart; Akka's stable `ActorRef`.
 *
 * @example
 * import { supervise } from 'maltster'
 *
 * await using app = await supervise({ children: [{ id: 'counter', worker: {} }] })
 * const counter = app.worker('counter')
 * const before = counter.pid
 * counter.kill()
 * console.log(await counter.call(() => process.pid) === before) // false
 */
export class WorkerHandle {
  readonly #follower: Follower
  readonly #calls: FollowedCalls

  /** @internal */
  constructor(follower: Follower, options: HandleOptions = {}) {
    this.#follower = follower
    this.#calls = new FollowedCalls(follower, options)
  }

  /** Its name among its siblings. */
  get name(): string {
    return this.#follower.id
  }

  /** Its place in the tree. */
  get path(): string {
    return this.#follower.path
  }

  /** Which incarnation there is, or was the last: from 1; 0 before the first. */
  get incarnation(): number {
    return this.#follower.status.incarnation
  }

  /** The process id of the incarnation that takes calls, if there is one. */
  get pid(): number | undefined {
    return this.#follower.current?.pid
  }

  /**
   * The state of the worker while there is one. While there is none: `waiting` for its turn to start, `backing-off`,
   * `stopped` on purpose, `finished` by itself, `skipped` by its `init`, or `removed` from the tree.
   */
  get state(): HandleState {
    return this.#follower.state
  }

  /** The incarnation that takes calls now, if there is one: for what belongs to one process, such as its globals. */
  get current(): Worker | undefined {
    return this.#follower.current
  }

  /**
   * The same worker, by other habits.
   *
   * @param options - `whenDown`
   * @returns another handle; this one stays as it is
   * @throws {TypeError} for wrong options
   */
  with(options: HandleOptions): WorkerHandle {
    checkHandleOptions(options)
    return new WorkerHandle(this.#follower, options)
  }

  /**
   * Resolves with the worker once there is an incarnation that takes calls.
   *
   * @throws {WorkerStoppedError} if it was stopped on purpose
   * @throws {WorkerUnavailableError} if it has ended for good
   */
  async whenUp(): Promise<Worker> {
    const call = { args: [], following: {}, background: true, signal: undefined, timeoutMs: undefined }
    const send = (worker: Worker): Promise<unknown> => Promise.resolve(worker)
    return this.#calls.start({ ...call, following: { whenDown: 'wait' }, send }) as Promise<Worker>
  }

  /**
   * As `Worker.call`, in the incarnation that is there, or in the next.
   *
   * While it waits, its arguments are copies, made at once; what its function refers to is read when it goes.
   * `timeoutMs` covers the wait as well.
   *
   * @param fn - a function, or `{ module, export }`
   * @param args - its arguments, default none
   * @param options - those of `Worker.call`, and `whenDown` and `retry`
   * @returns the value, or `undefined` with `result: 'discard'`
   * @throws {WorkerDiedError} if the process dies in the midst of it; `executed` says whether it may have run
   * @throws {WorkerUnavailableError} if the worker is down and the call may not wait, or if it has ended for good
   * @throws {WorkerStoppedError} if the worker was stopped on purpose
   * @throws {BackpressureError} if too much waits for it already
   * @throws {CallTimeoutError} after `timeoutMs`; `executed` is `no` if it has waited all the time
   * @throws {CaptureError | EncodeError | RemoteError | InterruptedError} as `Worker.call`
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { supervise } from 'maltster'
   *
   * await using app = await supervise({ children: [{ id: 'adder', worker: {} }] })
   * const add = (a: number, b: number) => a + b
   * console.log(await app.worker('adder').call(add, [40, 2], { retry: { times: 1 } })) // 42
   */
  call<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...rest: CallParameters<NoInfer<A>, HandleCallOptions>
  ): Promise<Awaited<R>>
  call<R = unknown>(fn: ModuleReference, args?: readonly unknown[], options?: HandleCallOptions): Promise<R>
  call(fn: Callable, args: readonly unknown[] = [], options?: HandleCallOptions): Promise<unknown> {
    try {
      if (options === undefined)
        return this.#calls.quick(fn, args) ?? this.#start(args, {}, undefined, callOf(fn))
      checkHandleCallOptions(options)
      const { following, own } = splitOptions(options)
      return this.#start(args, following, own, callOf(fn))
    } catch (error) {
      return rejectionNow(error)
    }
  }

  /**
   * As `Worker.cast`, in the incarnation that is there, or in the next.
   *
   * @param fn - as in `call`
   * @param args - its arguments, default none
   * @param options - `background`, `captures`, `capture`
   * @throws {WorkerUnavailableError | WorkerStoppedError | BackpressureError} as `call`, at once
   * @throws {CaptureError | EncodeError | TypeError | RangeError} as `Worker.cast`
   */
  cast<A extends unknown[]>(
    fn: (...args: A) => unknown,
    ...rest: CallParameters<NoInfer<A>, CastOptions>
  ): void
  cast(fn: ModuleReference, args?: readonly unknown[], options?: CastOptions): void
  cast(fn: Callable, args: readonly unknown[] = [], options?: CastOptions): void {
    if (options !== undefined) checkCastOptions(options)
    this.#calls.cast(args, options?.background === true, (worker, own) =>
      worker.cast(fn as ModuleReference, own, options),
    )
  }

  /**
   * As `Worker.evaluate`. Each incarnation has a session of its own: what was declared is gone with the one before.
   *
   * @param source - JavaScript
   * @param options - those of `Worker.evaluate`, and `whenDown` and `retry`
   * @throws {WorkerDiedError | WorkerUnavailableError | WorkerStoppedError | BackpressureError} as `call`
   * @throws {RemoteError | InterruptedError | CallTimeoutError | EncodeError} as `Worker.evaluate`
   * @throws {TypeError | RangeError} for wrong arguments and options
   */
  evaluate<T = unknown>(source: string, options?: HandleEvaluateOptions): Promise<T> {
    try {
      checkSource(source)
      const { following, own } = splitOptions(options)
      if (own !== undefined) checkEvaluateOptions(own)
      return this.#start([source], following, own, (worker, [text], timeoutMs) =>
        worker.evaluate(text as string, withTime(own, timeoutMs)),
      ) as Promise<T>
    } catch (error) {
      return rejectionNow(error)
    }
  }

  /**
   * As `Worker.run`: what the code does, be it that it ends the process, is in the result, and the next run has another
   * incarnation.
   *
   * @param source - JavaScript
   * @param options - see `RunOptions`; `timeoutMs` is for the code, and does not cover the wait
   * @returns see `RunResult`
   * @throws {WorkerUnavailableError | WorkerStoppedError | BackpressureError} as `call`
   * @throws {TypeError | RangeError} for wrong arguments and options
   */
  async run(source: string, options: RunOptions = {}): Promise<RunResult> {
    checkSource(source)
    const { signal } = options
    return this.#start([source], {}, signal === undefined ? {} : { signal }, (worker, [text]) =>
      worker.run(text as string, options),
    ) as Promise<RunResult>
  }

  /** As `Worker.interrupt`; it ends also what waits for the next incarnation. */
  interrupt(): Promise<InterruptResult> {
    this.#follower.waiting.interrupt()
    return this.#follower.newest?.interrupt() ?? Promise.resolve({ outcome: 'idle', afterMs: 0 })
  }

  /** As `Worker.stats`, of the incarnation that takes calls; undefined if there is none. */
  async stats(): Promise<WorkerStats | undefined> {
    return this.current?.stats()
  }

  /**
   * Ends the worker as its spec says (`shutdownMs`), and for good: as `Supervisor.terminateChild`. `restartChild` brings
   * it back.
   *
   * @returns resolves when the process is gone
   */
  async stop(): Promise<void> {
    await this.#follower.place?.terminate()
  }

  /**
   * Sends a signal to the process that is there. That is a crash: its supervisor does what the spec says.
   *
   * @param signal - default SIGKILL
   * @throws {TypeError} if there is no such signal
   */
  kill(signal?: NodeJS.Signals): void {
    this.#follower.newest?.kill(signal)
  }

  /** Its place, state and process, for messages. */
  toString(): string {
    const { path, state, incarnation, pid } = this
    return `WorkerHandle ${path} (${state}, incarnation ${incarnation}${pid === undefined ? '' : `, pid ${pid}`})`
  }

  #start(
    args: readonly unknown[],
    following: FollowingOptions,
    own: { background?: boolean; signal?: AbortSignal; timeoutMs?: number } | undefined,
    send: SendWith<typeof own>,
  ): Promise<unknown> {
    return this.#calls.start({
      args,
      following,
      background: own?.background === true,
      signal: own?.signal,
      timeoutMs: own?.timeoutMs,
      send: (worker, ownArgs, timeoutMs) => send(worker, ownArgs, timeoutMs, own),
    })
  }
}

type SendWith<O> = (
  worker: Worker,
  args: readonly unknown[],
  timeoutMs: number | undefined,
  options: O,
) => Promise<unknown>

/** The options of a call with what is left of its time; as they are where there is no limit. */
function withTime<O extends object>(options: O | undefined, timeoutMs: number | undefined): O | undefined {
  return options === undefined || timeoutMs === undefined
    ? options
    : { ...options, timeoutMs: Math.max(1, timeoutMs) }
}

const callOf =
  (fn: Callable): SendWith<object | undefined> =>
  (worker, args, timeoutMs, options) =>
    worker.call(fn as ModuleReference, args, withTime(options, timeoutMs))

staysHere(WorkerHandle, {
  what: 'a WorkerHandle, which follows a place in the tree of this process',
  remedy: 'Send a `proxy` function that calls it: that may be used anywhere.',
})
