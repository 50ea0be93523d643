import { staysHere } from '../transport/codec/process-handles.ts'
import type { Readable } from 'node:stream'

import type { ExitReason } from '../errors/exit-reason.ts'
import type { ModuleReference } from '../movement/module-reference.ts'
import { type Channel, makeChannel } from '../movement/flow/channel.ts'
import { type ChannelOptions, checkChannelOptions } from '../movement/flow/channel-options.ts'
import type { MovementPlan } from '../movement/movement-plan.ts'
import { prepareRuntimeFunction, runtimeFunction } from '../movement/runtime-function.ts'
import type { CallParameters } from './argument.ts'
import type { CallOptions, CastOptions } from './call-options.ts'
import type { Callable } from './callable.ts'
import type { WorkerTree } from './descendants.ts'
import {
  checkEvaluateOptions,
  checkRunOptions,
  checkSource,
  type EvaluateOptions,
  type RunOptions,
} from './evaluate-options.ts'
import type { WorkerCapabilities } from './capabilities.ts'
import type { Incarnation } from './incarnation.ts'
import type { InterruptResult } from './interrupts.ts'
import { load, type LoadingCalls, type LoadOptions } from './load.ts'
import type { LoadedModule, UnknownModule } from './loaded-module.ts'
import { checkOptions, checkSignal, delayOrNeverMs } from './option-checks.ts'
import type { WorkerMovement } from './movement-account.ts'
import type { KeptInfo } from './references.ts'
import type { KeepOptions, RemoteRef } from './remote-ref.ts'
import { rejectionNow } from './remote-error.ts'
import { type RunResult, runSource } from './run.ts'
import { Scope } from './scope.ts'
import type { WorkerActor } from './worker-actor.ts'
import { WorkerGlobals } from './worker-globals.ts'
import type { WorkerState } from './worker-machine.ts'
import type { StreamOptions } from './stream-options.ts'
import { type Streamable, WorkerStream } from './worker-stream.ts'

/** How long each rung of `stop` may take, in milliseconds; each 0 to 2147483647, or Infinity; default 1000. */
export interface StopOptions {
  /** For foreground calls to finish. */
  readonly drainMs?: number
  /** For the process to exit by itself once asked; then it gets SIGTERM. */
  readonly exitMs?: number
  /** After SIGTERM; then its process group gets SIGKILL. */
  readonly termMs?: number
}

/** What a worker has used so far. */
export interface WorkerStats {
  /** The state when the answer came. */
  readonly state: WorkerState
  /** Since the start of the process, in milliseconds. */
  readonly uptimeMs: number
  /** Resident memory of the process; undefined if it did not answer within a second. */
  readonly rssBytes: number | undefined
  /** Processor time in user code, all threads, in milliseconds; undefined as above. */
  readonly userCpuMs: number | undefined
  /** Processor time in the system, all threads, in milliseconds; undefined as above. */
  readonly systemCpuMs: number | undefined
  /** Calls and casts that were made, and calls that have not settled. */
  readonly calls: { readonly made: number; readonly pending: number }
  /** Bytes given to the lane, and bytes of them that have not left the host. */
  readonly bytes: { readonly sent: number; readonly pending: number }
}

/**
 * A process with an address: call functions in it, interrupt it, stop it. Made by `spawnWorker`.
 *
 * All that fails does so with one typed error that says what happened and to which worker.
 *
 * @example
 * import { spawnWorker } from 'maltster'
 *
 * await using worker = await spawnWorker({ name: 'adder' })
 * console.log(worker.state, await worker.call((a: number, b: number) => a + b, [40, 2])) // idle 42
 */
export class Worker implements AsyncDisposable {
  readonly #incarnation: Incarnation
  readonly #actor: WorkerActor

  /** @internal */
  constructor(incarnation: Incarnation) {
    this.#incarnation = incarnation
    const { actor } = incarnation
    this.#actor = Object.freeze<WorkerActor>({
      getSnapshot: () => actor.getSnapshot(),
      subscribe: (observer) =>
        actor.subscribe(observer as (snapshot: ReturnType<typeof actor.getSnapshot>) => void),
    })
  }

  /** Its name: given, or `worker-1`, `worker-2`, … */
  get name(): string {
    return this.#incarnation.identity.name
  }

  /** Its place in the tree. */
  get path(): string {
    return this.#incarnation.identity.path
  }

  /** Its process id. After its death the number may be somebody else's. */
  get pid(): number {
    return this.#incarnation.process.pid ?? 0
  }

  /** Which life of this name it is, from 1. */
  get incarnation(): number {
    return this.#incarnation.identity.incarnation
  }

  /** What it can do where it runs. */
  get capabilities(): WorkerCapabilities {
    return this.#incarnation.capabilities
  }

  /**
   * The state in one word, read from the snapshot of the actor. `running` means that a foreground call is in flight; it
   * is entered before `call` returns, and left at most one turn of the event loop after the last one settled.
   */
  get state(): WorkerState {
    return this.#incarnation.state
  }

  /** The xstate actor behind it, for reading: snapshots, now and as they change. */
  get actor(): WorkerActor {
    return this.#actor
  }

  /** Resolves, once and always, when the process is gone. */
  get exited(): Promise<ExitReason> {
    return this.#incarnation.exited
  }

  /**
   * Runs `fn(...args)` in the worker and resolves with what it returns, awaited.
   *
   * `fn` goes by its source, and what it refers to goes along: variables, constants, functions, classes, imports; see
   * docs/data-movement.md, and `explain` for one function. Or name an export by `{ module, export }`. Arguments and
   * result are copies, made at once; only binary over 64 KiB is read later, so don't change that until the call has
   * settled. Calls start in the order in which they were made, and overlap where they wait. A function among the
   * arguments is called here and always gives its caller there a promise: a parameter that is typed as one that answers
   * at once, as `keep` in `xs.filter(keep)`, is refused by the compiler. A `RemoteRef` is the value itself there, also
   * inside an object or array. A function that is written in the call needs the type of a parameter with a default:
   * `(x: number, y: number = 3) => x + y`. Source: Malt.jl `remote_call_fetch`, Erlang `gen_server:call`.
   *
   * @param fn - a function, or `{ module, export }`
   * @param args - its arguments, default none
   * @param options - see `CallOptions`
   * @returns the value, or `undefined` with `result: 'discard'`
   * @throws {CaptureError} if `fn` refers to something that can't go along, or may not; nothing was sent
   * @throws {EncodeError} if an argument (`executed: 'no'`) or the result (`'yes'`) can't be sent
   * @throws {RemoteError} if `fn` throws there
   * @throws {InterruptedError} if it was interrupted
   * @throws {CallTimeoutError} after `timeoutMs`
   * @throws {BackpressureError} if the mailbox is full
   * @throws {WorkerDiedError} if the process dies first, or is dead
   * @throws {WorkerStoppedError} if the worker is stopped first, or has been
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * console.log(await worker.call((a: number, b: number) => a + b, [1, 2])) // 3
   */
  call<R = unknown, A extends unknown[] = unknown[], D extends 'value' | 'discard' = 'value'>(
    fn: ((...args: A) => R) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, CallOptions & { readonly result?: D }>
  ): Promise<[D] extends ['discard'] ? undefined : Awaited<R>>
  call(fn: Callable, args: readonly unknown[] = [], options?: CallOptions): Promise<unknown> {
    // Not an async function: its promise, its generator and its closures would be most of what a call allocates.
    try {
      return this.#incarnation.calls.start(fn, args, options)
    } catch (error) {
      return rejectionNow(error)
    }
  }

  /**
   * Runs `fn(...args)` in the worker and does not wait. What it returns is dropped; what it throws is an event,
   * `cast.failed`, and a process warning if nobody observes that. Source: Malt.jl `remote_do`, `gen_server:cast`.
   *
   * @param fn - as in `call`
   * @param args - its arguments, default none
   * @param options - `background`, `captures`
   * @throws {CaptureError | EncodeError | BackpressureError | WorkerDiedError | WorkerStoppedError} as `call`, at once
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * worker.cast((text: string) => console.log(text), ['hello'])
   */
  cast<A extends unknown[] = unknown[]>(
    fn: ((...args: A) => unknown) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, CastOptions>
  ): void
  cast(fn: Callable, args: readonly unknown[] = [], options?: CastOptions): void {
    this.#incarnation.calls.cast(fn, args, options)
  }

  /**
   * Runs `fn(...args)` in the worker and gives, one by one, the items of what it returns: a generator, an asynchronous
   * one, or anything that can be iterated.
   *
   * The function is called at once, and the iterator asked as far ahead as the window allows: an item that nobody takes
   * keeps the worker from going on, and what waits is bounded there and here. Each item is a copy, made as it is yielded. To
   * leave the loop ends the generator there, as do an abort, a timeout, an interrupt, and the end of this process: its
   * `finally` runs, except where the code had to be cut off. Until it has ended a stream is a call that is under way, so
   * that one that is never iterated to its end must be closed: by `return`, or `await using`. Source: JavaScript's
   * generators; the credits of TCP and Reactive Streams.
   *
   * @param fn - as in `call`; a parameter of it gets a copy of the argument
   * @param args - its arguments, default none
   * @param options - see `StreamOptions`
   * @returns what `for await` takes. It rejects as `call` does, once, after the items that came before. An item that can't
   *   be sent is an `EncodeError` at its place, with the path `item[n]`
   * @throws {CaptureError | EncodeError | BackpressureError | WorkerDiedError | WorkerStoppedError} as `call`, at once
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * const squares = function* (count: number) {
   *   for (let n = 1; n <= count; n++) yield n * n
   * }
   * for await (const square of worker.stream(squares, [1_000_000])) {
   *   if (square > 50) break
   *   console.log(square) // 1
   * }
   */
  stream<T = unknown, A extends unknown[] = unknown[]>(
    fn: ((...args: A) => Streamable<T>) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, StreamOptions>
  ): WorkerStream<T>
  stream(fn: Callable, args: readonly unknown[] = [], options?: StreamOptions): WorkerStream<unknown> {
    return new WorkerStream(this.#incarnation.calls.stream(fn, args, options))
  }

  /**
   * Tells what a call would move to this worker as it is now, and why; nothing is sent.
   *
   * @param fn - as in `call`
   * @param args - its arguments, default none
   * @param options - those of `call`
   * @returns the plan; `String(plan)` is a table. What can't go is in it as `refused`
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * const words = ['malt', 'hops']
   * const count = () => words.length
   * await worker.call(count)
   * const captured = worker.explain(count).entries.find(({ name }) => name === 'words')
   * console.log(captured?.action, captured?.bytes) // unchanged 0
   */
  explain<A extends unknown[] = unknown[]>(
    fn: ((...args: A) => unknown) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, CallOptions>
  ): MovementPlan
  explain(fn: Callable, args: readonly unknown[] = [], options?: CallOptions): MovementPlan {
    return this.#incarnation.calls.explain(fn, args, options)
  }

  /**
   * Runs source text in the worker's lasting session and resolves with the value of its last expression, awaited.
   *
   * Declarations persist and may be redeclared; `await` works at the top, and both forms of import do, from `filename`
   * or from the worker's `cwd`; `{ a: 1 }` is an object. Without `scope` the names are the worker's globals, which
   * functions sent by `call` see too. Several evaluations interleave where they wait. What it prints goes where the
   * worker's output goes; see `run` for having it. Source: Malt.jl `remote_eval_fetch`, Node's REPL.
   *
   * @param source - JavaScript, as a script; sloppy unless it begins with `'use strict'`
   * @param options - see `EvaluateOptions`
   * @throws {RemoteError} if it throws, or is no JavaScript: then `remoteName` is `SyntaxError`, with `line`, `column`
   *   and a caret in the message
   * @throws {InterruptedError | CallTimeoutError | BackpressureError | WorkerDiedError | WorkerStoppedError} as `call`
   * @throws {EncodeError} if the value can't be sent (`executed: 'yes'`)
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * await worker.evaluate('let count = 40; const add = (n) => (count += n)')
   * console.log(await worker.evaluate('await null; add(2)')) // 42
   */
  evaluate<T = unknown>(source: string, options?: EvaluateOptions): Promise<T> {
    try {
      checkSource(source)
      if (options !== undefined) checkEvaluateOptions(options)
      const { scope, filename, ...callOptions } = options ?? {}
      const evaluate = prepareRuntimeFunction(runtimeFunction.evaluate)
      const args = [source, scope, filename]
      return this.#incarnation.calls.startPrepared(evaluate, args, callOptions) as Promise<T>
    } catch (error) {
      return rejectionNow(error)
    }
  }

  /**
   * Runs source text that is not yours, and tells all that came of it: value, error with position, its output whole.
   *
   * As `evaluate`, but it has the worker to itself: it waits for the foreground calls before it, and calls made
   * meanwhile wait for it, so that what is printed is its own. It does not reject for what the code did, be it that it
   * ended the process. What the code leaves behind (timers, processes) goes on; `timeoutMs` cuts off what spins.
   * See `preset: 'untrusted'` for the worker to run it in, and for what that does not protect from.
   *
   * @param source - JavaScript
   * @param options - see `RunOptions`
   * @returns see `RunResult`; where `capabilities.stdio` is false its output is empty
   * @throws {WorkerDiedError | WorkerStoppedError} if the worker had ended before
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker({ preset: 'untrusted' })
   * const { outcome, text, stdout, position } = await worker.run('console.log("hi")\nnull.x')
   * console.log(outcome, position, stdout) // thrown { line: 2, column: 6 } hi
   * console.log(text) // TypeError: Cannot read properties of null (reading 'x')
   */
  async run(source: string, options: RunOptions = {}): Promise<RunResult> {
    checkSource(source)
    checkRunOptions(options)
    const refusal = this.#incarnation.refusal()
    if (refusal !== undefined) throw refusal
    return runSource(this.#incarnation.runWorker, source, options)
  }

  /**
   * A named scope of the worker's session; nothing is sent yet.
   * @param name - what it is called; the same name is the same scope
   * @throws {TypeError} if the name is no text, or empty
   */
  scope(name: string): Scope {
    return new Scope(
      {
        identity: this,
        evaluate: (source, options) => this.evaluate(source, options),
        run: (source, options) => this.run(source, options),
        ask: async (asked, args) =>
          this.#incarnation.calls.startPrepared(prepareRuntimeFunction(asked), args, undefined),
      },
      name,
    )
  }

  /**
   * Loads a module in the worker and gives its exports as they look from here: functions are calls, other values are read
   * with `get()`. The types are those of the module.
   *
   * The arrow function is not called: which module it names, and in which file it stands, is read off it. The module is
   * loaded by its own file, so that its state is the worker's, and the same for all who load it there. TypeScript loads
   * where this program could load it: by Node.js itself, or by a loader that the program was started with (`--import`).
   * Arguments and results are copies, as with `call`. Source: the idea of `@everywhere using` of Distributed.jl, with the
   * proxies of comlink.
   *
   * @param module - `() => import('./tasks.js')`; or a URL, an absolute path, a package; with `from` also a relative path
   * @param options - see `LoadOptions`
   * @returns the exports, as they were told when the module was loaded. A name that there isn't is a TypeError
   * @throws {CaptureError} if it is TypeScript that the worker can't load, or it can't be found out where the function stands
   * @throws {RemoteError} if it isn't there, or fails while it loads
   * @throws {InterruptedError | CallTimeoutError | BackpressureError | WorkerDiedError | WorkerStoppedError} as `call`
   * @throws {TypeError} if the function does more than to import one module, and for wrong arguments and options
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * const path = await worker.load(() => import('node:path'))
   * console.log(await path.join('malt', 'hops'), await path.sep.get()) // malt/hops /
   */
  load<M extends object>(module: () => Promise<M>, options?: LoadOptions): Promise<LoadedModule<M>>
  load<M extends object = UnknownModule>(
    module: string | URL,
    options?: LoadOptions,
  ): Promise<LoadedModule<M>>
  load(module: (() => Promise<object>) | string | URL, options?: LoadOptions): Promise<object> {
    const { calls } = this.#incarnation
    const loadingCalls: LoadingCalls = {
      startPrepared: (shipment, args, own) => calls.startPrepared(shipment, args, own),
      stream: (fn, args, own) => new WorkerStream(calls.stream(fn, args, own)),
    }
    return load(loadingCalls, module, options)
  }

  /**
   * Runs `fn(...args)` in the worker and keeps what it returns, awaited, there; it need not be sendable.
   *
   * The reference stands for the value: as an argument of a later call it is the value itself, see `RemoteRef`. What is
   * kept survives interrupts, and ends with `dispose`, or the worker. Source: Distributed.jl `@spawnat`, `Future`.
   *
   * @param fn - as in `call`
   * @param args - its arguments, default none
   * @param options - those of `call` without `result`
   * @throws {CaptureError | EncodeError | RemoteError | InterruptedError | CallTimeoutError | BackpressureError} as `call`;
   *   what is returned can be anything
   * @throws {ReleasedError} if a reference among the arguments was disposed; so does `call`
   * @throws {WorkerDiedError | WorkerStoppedError} as `call`; also of the worker of a reference among the arguments
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * using index = await worker.keep((words: string[]) => new Map(words.map((word, i) => [word, i])), [['malt', 'hops']])
   * console.log(await worker.call((map: Map<string, number>, word: string) => map.get(word), [index, 'hops'])) // 1
   * console.log(worker.refs().map(({ type }) => type)) // [ 'Map' ]
   */
  keep<R = unknown, A extends unknown[] = unknown[]>(
    fn: ((...args: A) => R) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, KeepOptions>
  ): Promise<RemoteRef<Awaited<R>>>
  async keep(
    fn: Callable,
    args: readonly unknown[] = [],
    options?: KeepOptions,
  ): Promise<RemoteRef<unknown>> {
    return this.#incarnation.calls.keep(fn, args, options)
  }

  /** What it keeps for this process, oldest first: number, type, about how many bytes, for how long. */
  refs(): KeptInfo[] {
    return this.#incarnation.calls.references.list()
  }

  /**
   * Makes a channel between here and this worker: a bounded queue with many senders and receivers on both sides. Pass it
   * as an argument, or refer to it in a function that is sent. Its queue is here; it ends with the worker.
   *
   * @param options - `capacity`, default 64 values, and `maxBytes`, default 16 MiB; see `ChannelOptions`
   * @throws {WorkerDiedError | WorkerStoppedError} if the worker has ended
   * @throws {TypeError | RangeError} for wrong options
   * @example
   * import { spawnWorker, type Channel } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * const numbers = worker.channel<number>()
   * void worker.call(async (to: Channel<number>) => to.send(6 * 7), [numbers])
   * console.log(await numbers.receive()) // 42
   */
  channel<T = unknown>(options: ChannelOptions = {}): Channel<T> {
    checkChannelOptions(options)
    const refusal = this.#incarnation.refusal()
    if (refusal !== undefined) throw refusal
    return makeChannel<T>(options, this.#incarnation.process.live)
  }

  /** The variables of modules that it holds because functions referred to them. */
  get globals(): WorkerGlobals {
    const { calls } = this.#incarnation
    return new WorkerGlobals({
      ledger: calls.sender.ledger,
      refusal: () => this.#incarnation.refusal(),
      ask: (asked, args) => calls.startPrepared(prepareRuntimeFunction(asked), args, undefined, true),
    })
  }

  /**
   * What calls and casts have moved to it so far, by variable and function, and what was sent again and again: the sum of
   * the events `call.moved`, kept whether or not somebody observes them. It ends with the process.
   *
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * let words = ['malt']
   * for (let round = 1; round <= 3; round++) {
   *   words = [...words, `hops ${round}`]
   *   await worker.call(() => words.length)
   * }
   * const [most] = worker.movement.resent
   * console.log(most?.name, most?.kind, most?.times) // words global 3
   */
  get movement(): WorkerMovement {
    return this.#incarnation.calls.sender.account.snapshot()
  }

  /** With `stdout: 'pipe'`: what it writes there. A reader that is over 1 MiB behind loses the oldest bytes. */
  get stdout(): Readable | undefined {
    return this.#incarnation.process.stdout.stream
  }

  /** As `stdout`, for its standard error. */
  get stderr(): Readable | undefined {
    return this.#incarnation.process.stderr.stream
  }

  /** With `debug`: the URL of its inspector. */
  get debugUrl(): string | undefined {
    return this.#incarnation.process.debugUrl
  }

  /**
   * What was started in this one: workers, supervisors and pools, each with what is below it, as far as they have been
   * heard of.
   */
  get children(): readonly WorkerTree[] {
    return this.#incarnation.descendants.tree()
  }

  /**
   * Ends every foreground call made before it, and no other; the process and its variables live on.
   *
   * Code that spins is cut off where it is: its `catch` and `finally` do not run. Code that waits is told by the signal
   * of `currentCall()`. The calls reject with `InterruptedError`, whose `at` is where the code was spinning. With no
   * foreground call it does nothing. No signal is sent. Source: Malt.jl `interrupt`; Distributed.jl #192 for what it
   * may hit.
   *
   * @returns what it came to; it never rejects, also for a worker that is dead
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * await using worker = await spawnWorker()
   * const endless = worker.call(() => {
   *   while (true) {}
   * })
   * const cut = endless.catch((error) => error.name)
   * await worker.interrupt()
   * console.log(await cut) // InterruptedError
   * console.log(await worker.call(() => 'still here')) // still here
   */
  interrupt(): Promise<InterruptResult> {
    return this.#incarnation.interrupt()
  }

  /**
   * Resolves when no foreground call is in flight.
   *
   * @throws {WorkerDiedError | WorkerStoppedError} if the worker ends first
   */
  whenIdle(): Promise<void> {
    const incarnation = this.#incarnation
    return new Promise((resolve, reject) => {
      const look = (): boolean => {
        const { state } = incarnation
        if (state === 'idle') resolve()
        else if (state === 'dead') reject(incarnation.refusal() ?? new Error('dead'))
        else return false
        return true
      }
      if (look()) return
      const subscription = incarnation.actor.subscribe(() => {
        // The handle's own watcher of the state, which knows the reason of a death, may come after this one.
        queueMicrotask(() => {
          if (look()) subscription.unsubscribe()
        })
      })
    })
  }

  /** Memory, processor time, calls and bytes; answered also while the worker is busy. */
  async stats(): Promise<WorkerStats> {
    const { calls, process } = this.#incarnation
    const measured = await this.#incarnation.measure(1000)
    return {
      state: this.state,
      uptimeMs: process.uptimeMs,
      rssBytes: measured?.rssBytes,
      userCpuMs: measured?.userCpuMs,
      systemCpuMs: measured?.systemCpuMs,
      calls: { made: calls.made, pending: calls.pending.size },
      bytes: { sent: process.data.bytesWritten, pending: process.data.pendingBytes },
    }
  }

  /**
   * Stops the process where it is, and its whole group, until `resume`; calls wait meanwhile. Does nothing unless the
   * worker is idle or running.
   */
  suspend(): void {
    this.#incarnation.suspend()
  }

  /** Lets a suspended worker go on. */
  resume(): void {
    this.#incarnation.resume()
  }

  /**
   * Ends the worker in order: lets foreground calls finish, asks the process to exit, sends SIGTERM, then SIGKILL to
   * its group. Calls that are left reject with `WorkerStoppedError`. May be called again and at any time: the first
   * one's delays hold. Source: Malt.jl `stop`.
   *
   * @param options - how long each rung may take, default 1000 ms each
   * @returns why the process ended; the same for every caller
   * @throws {TypeError | RangeError} for wrong options
   * @example
   * import { spawnWorker } from 'maltster'
   *
   * const worker = await spawnWorker()
   * const reason = await worker.stop({ drainMs: 100 })
   * console.log(reason.type, reason.exitCode) // shutdown 0
   */
  async stop(options: StopOptions = {}): Promise<ExitReason> {
    checkOptions('stop', options, { drainMs: delayOrNeverMs, exitMs: delayOrNeverMs, termMs: delayOrNeverMs })
    const { drainMs = 1000, exitMs = 1000, termMs = 1000 } = options
    return this.#incarnation.stop({ drainMs, exitMs, termMs })
  }

  /**
   * Sends a signal to the worker's process group, at once; calls in flight reject with `WorkerDiedError` when it dies.
   * After a SIGKILL calls are refused with that error from now on, unless the worker was being stopped.
   *
   * @param signal - default SIGKILL, which nothing survives; SIGSTOP and SIGCONT are `suspend` and `resume`
   * @throws {TypeError} if there is no such signal
   */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    checkSignal(signal)
    this.#incarnation.kill(signal)
  }

  /** Holds the host's event loop open as long as the worker lives. By default only a pending call does. */
  ref(): void {
    this.#incarnation.reference('ref')
  }

  /** Lets the host end though calls be pending. */
  unref(): void {
    this.#incarnation.reference('unref')
  }

  /** As `stop()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Its place, process id and state, for messages. */
  toString(): string {
    return `Worker ${this.path} (pid ${this.pid}, ${this.state})`
  }
}

staysHere(Worker, {
  what: 'a Worker, the handle of a process that was started here',
  remedy:
    "Call it from here, or send a channel of it, or a `proxy` function that calls it; or start one there, with `await import('maltster')`.",
})
