import { staysHere } from '../../transport/codec/process-handles.ts'
import type { CallParameters } from '../../actors/argument.ts'
import type { CastOptions } from '../../actors/call-options.ts'
import { checkCastOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import { checkEvaluateOptions, checkSource, type RunOptions } from '../../actors/evaluate-options.ts'
import type { InterruptResult } from '../../actors/interrupts.ts'
import { load, type LoadingCalls, type LoadOptions } from '../../actors/load.ts'
import type { LoadedModule, UnknownModule } from '../../actors/loaded-module.ts'
import { checkKeepOptions, type KeptInfo } from '../../actors/references.ts'
import type { RemoteRef } from '../../actors/remote-ref.ts'
import { rejectionNow } from '../../actors/remote-error.ts'
import type { RunResult } from '../../actors/run.ts'
import { checkStreamOptions } from '../../actors/stream-options.ts'
import { type Streamable, WorkerStream } from '../../actors/worker-stream.ts'
import type { Worker, WorkerStats } from '../../actors/worker.ts'
import type { Channel } from '../../movement/flow/channel.ts'
import { type ChannelOptions, checkChannelOptions } from '../../movement/flow/channel-options.ts'
import type { ModuleReference } from '../../movement/module-reference.ts'
import { standInFor } from '../../movement/prepare.ts'
import type { Follower, HandleState } from './follower.ts'
import { FollowedCalls } from './followed-calls.ts'
import { FollowedStream, type FollowedStreaming } from './followed-stream.ts'
import {
  checkHandleCallOptions,
  checkHandleOptions,
  type FollowingOptions,
  type HandleCallOptions,
  type HandleEvaluateOptions,
  type HandleOptions,
  type HandleKeepOptions,
  type HandleStreamOptions,
  splitOptions,
  withTime,
} from './handle-options.ts'
import type { Taking } from './kept-functions.ts'

/**
 * A place in the tree where a worker lives: it follows the worker from incarnation to incarnation. Given by
 * `Supervisor.worker`; nothing happens when it is let go.
 *
 * A call made while the worker is down waits for its next incarnation, or is rejected: see `whenDown`. So does one that
 * was made when the worker was dead and its supervisor did not know yet. A call that was under way when the worker died
 * rejects with `WorkerDiedError`, whose `executed` says whether it may have run; it is made again only if its `retry`
 * says so. A stream, a kept value and a channel belong to the incarnation that they came from. Source: Erlang's registered names, whose senders never see a restart; Akka's stable `ActorRef`.
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

  /**
   * The incarnation that takes calls now, if there is one: for what belongs to one process: its
   * `globals` and `scope`, `movement`, `explain`, `capabilities`, `suspend`.
   */
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
    const call = { fn: undefined, taking: undefined, args: [], background: true, signal: undefined }
    const send = (worker: Worker): Promise<unknown> => Promise.resolve(worker)
    const following = { whenDown: 'wait' } as const
    return this.#calls.start({ ...call, following, timeoutMs: undefined, send }) as Promise<Worker>
  }

  /**
   * As `Worker.call`, in the incarnation that is there, or in the next.
   *
   * A call that waits, and one that is made again, takes its arguments and what its function refers to as they were when it
   * was made. `timeoutMs` covers the wait as well. With `retry` the `executed` of an error is about all attempts; a refusal after one
   * that may have run has its error as `cause`.
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
  call<R = unknown, A extends unknown[] = unknown[], D extends 'value' | 'discard' = 'value'>(
    fn: ((...args: A) => R) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, HandleCallOptions & { readonly result?: D }>
  ): Promise<[D] extends ['discard'] ? undefined : Awaited<R>>
  call(fn: Callable, args: readonly unknown[] = [], options?: HandleCallOptions): Promise<unknown> {
    try {
      if (options === undefined)
        return this.#calls.quick(fn, args) ?? this.#start(fn, args, {}, undefined, callIn)
      checkHandleCallOptions(options)
      const { following, own } = splitOptions(options)
      return this.#start(fn, args, following, own, callIn)
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
  cast<A extends unknown[] = unknown[]>(
    fn: ((...args: A) => unknown) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, CastOptions>
  ): void
  cast(fn: Callable, args: readonly unknown[] = [], options?: CastOptions): void {
    if (options !== undefined) checkCastOptions(options)
    const called = { fn, taking: options }
    this.#calls.cast(called, args, options?.background === true, (worker, kept, own) =>
      worker.cast(kept as ModuleReference, own, options),
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
      return this.#start(undefined, [source], following, own, (worker, _fn, [text], timeoutMs) =>
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
    const own = signal === undefined ? {} : { signal }
    return this.#start(undefined, [source], {}, own, (worker, _fn, [text]) =>
      worker.run(text as string, options),
    ) as Promise<RunResult>
  }

  /**
   * As `Worker.stream`, in the incarnation that is there, or in the next.
   *
   * A stream that has begun stays with its incarnation: when the worker dies it rejects with `WorkerDiedError`, after the
   * items that came before, and is never begun again. Only if the worker was dead before it was read there, it goes to the
   * next incarnation, and so it may not have a `retry`. It takes its values as `call` does; `timeoutMs` covers the wait as
   * well, and to close it ends the wait.
   *
   * @param fn - as in `Worker.stream`
   * @param args - its arguments, default none
   * @param options - those of `Worker.stream`, and `whenDown`
   * @returns what `for await` takes. It rejects once, also with what the stream was refused for: by the first `next`
   *   with `WorkerUnavailableError`, `WorkerStoppedError` or `BackpressureError` as `call`, and with the errors of
   *   `Worker.stream`
   * @throws {TypeError | RangeError} for wrong options, at once
   * @example
   * import { supervise } from 'maltster'
   *
   * await using app = await supervise({ children: [{ id: 'reader', worker: {} }] })
   * const reader = app.worker('reader')
   * reader.kill()
   * const words = reader.stream(function* (text: string) {
   *   yield* text.split(' ')
   * }, ['malt hops'])
   * for await (const word of words) console.log(word, reader.incarnation) // malt 2
   * // hops 2
   */
  stream<T = unknown, A extends unknown[] = unknown[]>(
    fn: ((...args: A) => Streamable<T>) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, HandleStreamOptions>
  ): WorkerStream<T>
  stream(
    fn: Callable,
    args: readonly unknown[] = [],
    { whenDown, ...own }: HandleStreamOptions = {},
  ): WorkerStream<unknown> {
    checkStreamOptions(own)
    const following = whenDown === undefined ? {} : { whenDown }
    checkHandleOptions(following)
    const open: FollowedStreaming['open'] = (worker, kept, now, options) =>
      worker.stream(kept as ModuleReference, now, options)
    return new WorkerStream(new FollowedStream(this.#calls, { fn, args, following, own, open }))
  }

  /**
   * As `Worker.keep`, in the incarnation that is there, or in the next.
   *
   * The value belongs to that incarnation, and is gone with it: then `get`, and calls that are given the reference, reject
   * with `WorkerDiedError` or `WorkerStoppedError`. What has to be there in each incarnation is for the `init` of the child to make.
   *
   * @param fn - as in `Worker.keep`
   * @param args - its arguments, default none
   * @param options - those of `Worker.keep`, and `whenDown` and `retry`
   * @throws {WorkerDiedError | WorkerUnavailableError | WorkerStoppedError | BackpressureError} as `call`
   * @throws {CaptureError | EncodeError | RemoteError | InterruptedError | CallTimeoutError} as `Worker.keep`
   * @throws {ReleasedError} if a reference among the arguments was disposed
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { supervise } from 'maltster'
   *
   * await using app = await supervise({ children: [{ id: 'store', worker: {} }] })
   * const store = app.worker('store')
   * using rows = await store.keep(() => [3, 1, 2])
   * console.log(await store.call((kept: number[]) => Math.max(...kept), [rows])) // 3
   * store.kill()
   * await store.whenUp()
   * console.log(await rows.get().catch((error) => error.name)) // WorkerDiedError
   */
  keep<R = unknown, A extends unknown[] = unknown[]>(
    fn: ((...args: A) => R) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, HandleKeepOptions>
  ): Promise<RemoteRef<Awaited<R>>>
  async keep(
    fn: Callable,
    args: readonly unknown[] = [],
    options?: HandleKeepOptions,
  ): Promise<RemoteRef<unknown>> {
    const { following, own } = splitOptions(options)
    if (own !== undefined) checkKeepOptions(own)
    return this.#start(fn, args, following, own, (worker, kept, now, timeoutMs) =>
      worker.keep(kept as ModuleReference, now, withTime(own, timeoutMs)),
    ) as Promise<RemoteRef<unknown>>
  }

  /** As `Worker.refs`, of the incarnation that takes calls; empty if there is none. */
  refs(): KeptInfo[] {
    return this.current?.refs() ?? []
  }

  /**
   * As `Worker.channel`, of the incarnation that takes calls: it ends with that one. It can't wait for the next, since it
   * is made at once; make one for each incarnation, with `whenUp`.
   *
   * @param options - those of `Worker.channel`
   * @throws {WorkerUnavailableError} if the worker is down; `retryAt` is when it is tried again. So, too, if it has ended for
   *   good
   * @throws {WorkerStoppedError} if the worker was stopped on purpose
   * @throws {TypeError | RangeError} for wrong options
   * @example
   * import { supervise, type Channel } from 'maltster'
   *
   * await using app = await supervise({ children: [{ id: 'sender', worker: {} }] })
   * const sender = app.worker('sender')
   * const numbers = sender.channel<number>({ capacity: 1 })
   * void sender.call(async (to: Channel<number>) => to.send(42), [numbers])
   * console.log(await numbers.receive()) // 42
   */
  channel<T = unknown>(options: ChannelOptions = {}): Channel<T> {
    checkChannelOptions(options)
    const { current } = this
    if (current !== undefined) return current.channel<T>(options)
    throw this.#follower.refusal() ?? this.#follower.unavailable('`whenUp()` waits for it.')
  }

  /**
   * As `Worker.load`; the functions of the module are called through this handle, so that they are there in each
   * incarnation. Each has the module anew: its state is that of the incarnation.
   *
   * The module is loaded when this is called, and again where it is used in another incarnation. Calls by the proxy wait
   * as this handle does; for `retry` give its functions to `call`.
   *
   * @param module - as in `Worker.load`
   * @param options - those of `Worker.load`
   * @returns the exports, as they were told when the module was loaded
   * @throws {WorkerDiedError | WorkerUnavailableError | WorkerStoppedError | BackpressureError} as `call`
   * @throws {CaptureError | RemoteError | InterruptedError | CallTimeoutError | TypeError} as `Worker.load`
   * @example
   * import { supervise } from 'maltster'
   *
   * await using app = await supervise({ children: [{ id: 'paths', worker: {} }] })
   * const handle = app.worker('paths')
   * const path = await handle.load(() => import('node:path'))
   * handle.kill()
   * console.log(await path.join('malt', 'hops'), handle.incarnation) // malt/hops 2
   * console.log(await handle.call(path.basename, ['malt/hops'], { retry: { times: 1 } })) // hops
   */
  load<M extends object>(module: () => Promise<M>, options?: LoadOptions): Promise<LoadedModule<M>>
  load<M extends object = UnknownModule>(
    module: string | URL,
    options?: LoadOptions,
  ): Promise<LoadedModule<M>>
  load(module: (() => Promise<object>) | string | URL, options?: LoadOptions): Promise<object> {
    const loadingCalls: LoadingCalls = {
      startPrepared: (shipment, args, own) => this.call(standInFor(shipment), args as [], own),
      stream: (fn, args, own) => this.stream(fn, args, own),
    }
    return load(loadingCalls, module, options)
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
    fn: Callable | undefined,
    args: readonly unknown[],
    following: FollowingOptions,
    own: (Taking & { background?: boolean; signal?: AbortSignal; timeoutMs?: number }) | undefined,
    send: SendWith<typeof own>,
  ): Promise<unknown> {
    return this.#calls.start({
      fn,
      taking: own,
      args,
      following,
      background: own?.background === true,
      signal: own?.signal,
      timeoutMs: own?.timeoutMs,
      send: (worker, kept, ownArgs, timeoutMs) => send(worker, kept, ownArgs, timeoutMs, own),
    })
  }
}

type SendWith<O> = (
  worker: Worker,
  fn: Callable,
  args: readonly unknown[],
  timeoutMs: number | undefined,
  options: O,
) => Promise<unknown>

const callIn: SendWith<object | undefined> = (worker, fn, args, timeoutMs, options) =>
  worker.call(fn as ModuleReference, args, withTime(options, timeoutMs))

staysHere(WorkerHandle, {
  what: 'a WorkerHandle, which follows a place in the tree of this process',
  remedy:
    "Call it from here, or send a `proxy` function that calls it; or start a worker there, with `await import('maltster')`.",
})
