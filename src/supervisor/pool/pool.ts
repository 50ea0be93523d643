import { staysHere } from '../../transport/codec/process-handles.ts'
import type { CallOptions } from '../../actors/call-options.ts'
import { callOptionChecks } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import { boolean, checkOptions, delayOrNeverMs } from '../../actors/option-checks.ts'
import type { RemoteRef } from '../../actors/remote-ref.ts'
import { rejectionNow } from '../../actors/remote-error.ts'
import type { CallParameters } from '../../actors/argument.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import type { ModuleReference } from '../../movement/module-reference.ts'
import type { Clock } from '../../transport/clock.ts'
import type { WorkerHandle } from '../worker/worker-handle.ts'
import { checkMap, type MapOptions } from './map-options.ts'
import { allOf, type Mapping, streamOf } from './mapping.ts'
import { pause } from './pause.ts'
import { checkPoolCallOptions, type PoolCallOptions } from './pool-call-options.ts'
import type { PoolCore } from './pool-core.ts'
import type { PoolStats } from './pool-stats.ts'
import { checkSize } from './resolve-pool.ts'

/** How something is run by every member. */
export interface BroadcastOptions extends Omit<CallOptions, 'background'> {
  /** Whether members that come later run it as well, before their first call. Default true. */
  readonly future?: boolean
}

const { background: _, ...callChecks } = callOptionChecks
const broadcastChecks = { ...callChecks, future: boolean }

/** How a pool is ended. */
export interface PoolStopOptions {
  /** For calls that were made to finish, those that wait included, in milliseconds; from 0, or Infinity. Default 1000. */
  readonly drainMs?: number
}

/** An input of `map`: read one by one, and no further than needed. */
export type MapInput<T> = Iterable<T> | AsyncIterable<T>

/** An item as the function has it: what is kept in a worker is the value itself, or fetched. */
export type ItemThere<T> = T extends RemoteRef<infer V> ? V : T

/** What a pool has of the tree. @internal */
export interface PoolPlace {
  readonly path: string
  readonly clock: Clock
  readonly exited: Promise<ExitReason>
  /** Of the members that there are to be. */
  handles(): readonly WorkerHandle[]
  /** Ends it for good. */
  terminate(): Promise<void>
}

/**
 * Workers that take calls as they are free, watched by a supervisor of their own. Made by `pool`, or as a child of a
 * supervisor.
 *
 * Each call goes to one member: the one with the least to do, or, with a `key`, always the same. A member that dies costs
 * the calls that it held, and no others: they reject with `WorkerDiedError`, and run again only if their `retry` says
 * so. What certainly had not begun goes to another member. The pool comes back to its size by itself; if it can't, or has
 * been stopped, or is of size 0, calls reject: none waits for nobody.
 *
 * @example
 * import { pool } from 'maltster'
 *
 * await using workers = await pool({ size: 2 })
 * console.log(await workers.map([1, 2, 3], (n) => n * n)) // [ 1, 4, 9 ]
 */
export class Pool implements AsyncDisposable, Iterable<WorkerHandle> {
  readonly #core: PoolCore
  readonly #place: PoolPlace

  /** @internal */
  constructor(core: PoolCore, place: PoolPlace) {
    this.#core = core
    this.#place = place
  }

  /** Its place in the tree; its members are below it. */
  get path(): string {
    return this.#place.path
  }

  /** How many members are to take calls. */
  get size(): number {
    return this.#core.size
  }

  /**
   * Resolves when it has ended and its supervisor leaves it so: stopped, or given up and not started again. After a
   * later start it is another promise.
   */
  get exited(): Promise<ExitReason> {
    return this.#place.exited
  }

  /** The members, spares included, as handles that follow them from incarnation to incarnation. */
  [Symbol.iterator](): Iterator<WorkerHandle> {
    return this.#place.handles()[Symbol.iterator]()
  }

  /**
   * Runs `fn(...args)` in a member, once one is free. A call that waits, and one that is made again, takes its arguments and
   * what its function refers to as they were when it was made. With `retry` the `executed` of an error is about all attempts; a refusal after
   * one that may have run has its error as `cause`. Source: Julia's `remotecall_fetch` over a `WorkerPool`.
   *
   * @param fn - a function, or `{ module, export }`
   * @param args - its arguments, default none
   * @param options - see `PoolCallOptions`
   * @returns the value, or `undefined` with `result: 'discard'`
   * @throws {WorkerDiedError} if its member dies in the midst of it; `executed` says whether it may have run
   * @throws {WorkerUnavailableError} if the pool is of size 0, or has given up
   * @throws {WorkerStoppedError} if the pool has been stopped
   * @throws {BackpressureError} if `maxQueued` calls wait already
   * @throws {CaptureError | EncodeError | RemoteError | InterruptedError | CallTimeoutError} as `Worker.call`
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { pool } from 'maltster'
   *
   * await using workers = await pool({ size: 1 })
   * const add = (a: number, b: number) => a + b
   * console.log(await workers.call(add, [40, 2], { priority: 1, retry: { times: 1 } })) // 42
   */
  call<R = unknown, A extends unknown[] = unknown[], D extends 'value' | 'discard' = 'value'>(
    fn: ((...args: A) => R) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, PoolCallOptions & { readonly result?: D }>
  ): Promise<[D] extends ['discard'] ? undefined : Awaited<R>>
  call(fn: Callable, args: readonly unknown[] = [], options?: PoolCallOptions): Promise<unknown> {
    try {
      if (options !== undefined) checkPoolCallOptions(options)
      return this.#core.call(fn, args, options)
    } catch (error) {
      return rejectionNow(error)
    }
  }

  /**
   * Runs `fn(item, index)` in the members for each item, and resolves with all results in the order of the items.
   *
   * The input is read as members come free; what the function refers to is taken as it was when the map was made. An item that fails for good ends the map: nothing more is begun, and what is
   * under way runs on unheard; `signal` cuts that off as well. Source: Julia's `pmap`.
   *
   * @param items - an array, or anything to iterate over, also asynchronously
   * @param fn - a function, or `{ module, export }`
   * @param options - see `MapOptions`
   * @throws {RemoteError | WorkerDiedError | Error} as `call`: what the first item failed with, in time
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { pool } from 'maltster'
   *
   * await using workers = await pool({ size: 2 })
   * const lengths = await workers.map(['malt', 'hops', ''], (word) => {
   *   if (word === '') throw new Error('no word')
   *   return word.length
   * }, { batchSize: 2, onError: () => 0 })
   * console.log(lengths) // [ 4, 4, 0 ]
   */
  map<T, R, F = Awaited<R>>(
    items: MapInput<T>,
    fn: (item: ItemThere<NoInfer<T>>, index: number) => R,
    options?: MapOptions<NoInfer<T>, F>,
  ): Promise<(Awaited<R> | F)[]>
  map<T, R = unknown, F = R>(
    items: MapInput<T>,
    fn: ModuleReference,
    options?: MapOptions<NoInfer<T>, F>,
  ): Promise<(R | F)[]>
  map(items: MapInput<unknown>, fn: Callable, options: object = {}): Promise<unknown[]> {
    try {
      checkMap(items, options)
      return allOf(this.#mapping(items, fn, options))
    } catch (error) {
      return rejectionNow(error)
    }
  }

  /**
   * As `map`, but hands the results out one by one, in the order of the items, and reads the input no further than its
   * reader has come: at most twice as many calls ahead as are under way at once. An error comes where its item stands.
   * Leaving the loop early begins nothing more.
   *
   * @param items - an array, or anything to iterate over, also asynchronously
   * @param fn - a function, or `{ module, export }`
   * @param options - see `MapOptions`
   * @throws {TypeError | RangeError} for wrong arguments and options, at once
   * @example
   * import { pool } from 'maltster'
   *
   * await using workers = await pool({ size: 2 })
   * function* numbers() {
   *   for (let n = 1; ; n++) yield n
   * }
   * for await (const square of workers.mapStream(numbers(), (n) => n * n)) {
   *   if (square > 5) break
   *   console.log(square) // 1
   * } // 4
   */
  mapStream<T, R, F = Awaited<R>>(
    items: MapInput<T>,
    fn: (item: ItemThere<NoInfer<T>>, index: number) => R,
    options?: MapOptions<NoInfer<T>, F>,
  ): AsyncGenerator<Awaited<R> | F, void, void>
  mapStream<T, R = unknown, F = R>(
    items: MapInput<T>,
    fn: ModuleReference,
    options?: MapOptions<NoInfer<T>, F>,
  ): AsyncGenerator<R | F, void, void>
  mapStream(
    items: MapInput<unknown>,
    fn: Callable,
    options: object = {},
  ): AsyncGenerator<unknown, void, void> {
    checkMap(items, options)
    return streamOf(this.#mapping(items, fn, options))
  }

  /**
   * Runs `fn(...args)` in every member, spares included, and, unless `future` is false, in every one to come before its
   * first call, in the order of the broadcasts. Calls that go to a member after this wait until it has run there; those
   * under way go on beside it. If nobody is there, it waits for the first to come, unless `future` is false. Source:
   * Distributed.jl's `@everywhere`, which forgets those to come.
   *
   * @param fn - a function, or `{ module, export }`
   * @param args - its arguments, default none
   * @param options - those of `Worker.call`, and `future`
   * @returns what each member returned that is still there; whoever comes in place of the others runs it as well
   * @throws {TypeError} if a `RemoteRef` is among the arguments, unless `future` is false
   * @throws {RemoteError | Error} if it throws in a member; then those to come don't run it, others may have
   * @throws {WorkerDiedError} if all members died with it; then those to come don't run it
   * @throws {WorkerUnavailableError | WorkerStoppedError} as `call`; so, too, if it waits and nobody is to come
   * @throws {TypeError | RangeError} for wrong arguments and options
   * @example
   * import { pool } from 'maltster'
   *
   * await using workers = await pool({ size: 2 })
   * const names = await workers.broadcast((rate: number) => {
   *   Object.assign(globalThis, { rate })
   * }, [1.1])
   * console.log(names.length, await workers.call(() => (globalThis as { rate?: number }).rate)) // 2 1.1
   */
  broadcast<R = unknown, A extends unknown[] = unknown[]>(
    fn: ((...args: A) => R) | ModuleReference,
    ...rest: CallParameters<NoInfer<A>, BroadcastOptions>
  ): Promise<Awaited<R>[]>
  async broadcast(
    fn: Callable,
    args: readonly unknown[] = [],
    given: BroadcastOptions = {},
  ): Promise<unknown[]> {
    checkOptions('a broadcast', given, broadcastChecks)
    const { future = true, ...options } = given
    return this.#core.broadcast(fn, args, options, future)
  }

  /**
   * Makes the pool larger or smaller. New members take calls as they are ready, a spare at once; members that are to go
   * finish their calls first. Of the keys only those of the members that come or go move.
   *
   * @param size - how many members are to take calls, from 0; with 0 all that wait is rejected
   * @returns resolves when all new ones are ready, or all old ones are gone
   * @throws {SpawnError | BootTimeoutError} if a new one can't be started; the pool has then as many as could
   * @throws {WorkerStoppedError | WorkerUnavailableError} if the pool has ended, or ends meanwhile; if it is started again, it
   * has the new size
   * @throws {TypeError | RangeError} if the size is none
   */
  async resize(size: number): Promise<void> {
    checkSize(size)
    return this.#core.resize(size)
  }

  /** Begins no more calls until `resume`. Those that are under way go on, and others may still be made. */
  pause(): void {
    this.#core.pause()
  }

  /** Goes on with the calls that wait. */
  resume(): void {
    this.#core.dispatcher.resume()
  }

  /** Resolves when no call waits and none is under way. */
  whenIdle(): Promise<void> {
    return this.#core.dispatcher.whenIdle()
  }

  /** How the pool stands. It asks nobody, so that it answers at once. */
  stats(): PoolStats {
    return this.#core.stats()
  }

  /**
   * Ends the pool: takes no more calls, lets those that were made finish, maps included, and stops the members. What has not
   * finished by then rejects with `WorkerStoppedError`; so does, at once, what waits in a pool that is paused.
   *
   * @param options - `drainMs`, default 1000
   * @throws {TypeError | RangeError} for wrong options
   */
  async stop(options: PoolStopOptions = {}): Promise<void> {
    checkOptions('stop', options, { drainMs: delayOrNeverMs })
    const { drainMs = 1000 } = options
    const impatience = new AbortController()
    const wait = pause(drainMs, [impatience.signal], this.#place.clock).catch(() => {})
    await Promise.race([this.#core.drain(), wait])
    impatience.abort()
    await this.#place.terminate()
  }

  /** As `stop()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Its place and how it stands, for messages. */
  toString(): string {
    const { state, size, waiting, running } = this.stats()
    return `Pool ${this.path} (${state}, size ${size}, ${running} running, ${waiting} waiting)`
  }

  #mapping(items: MapInput<unknown>, fn: Callable, options: MapOptions<unknown, unknown>): Mapping {
    return { core: this.#core, clock: this.#place.clock, items, fn, options }
  }
}

staysHere(Pool, {
  what: 'a Pool, whose members were started here',
  remedy:
    "Call it from here, or send a `proxy` function that calls it; or start one there, with `await import('maltster')`.",
})
