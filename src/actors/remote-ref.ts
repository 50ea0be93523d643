import { inspect } from 'node:util'
import { ReleasedError } from '../errors/flow-errors.ts'
import type { AnyFunction } from '../movement/function-source.ts'
import { liveSymbol, type Served } from '../movement/flow/live-object.ts'
import { liveKind } from '../transport/live-values.ts'
import type { CallOptions } from './call-options.ts'

/** How a kept value is fetched. */
export interface GetOptions extends Pick<CallOptions, 'timeoutMs' | 'signal' | 'background'> {
  /** Take a new copy, whatever there is already. Default false. */
  readonly fresh?: boolean
}

/** How a call is treated whose value is kept. */
export type KeepOptions = Omit<CallOptions, 'result'>

/** The worker that a reference belongs to. */
export interface RefHome {
  /** Its place in the tree. */
  readonly path: string
  get(ref: RemoteRef<unknown>, options: GetOptions | undefined): Promise<unknown>
  map(ref: RemoteRef<unknown>, fn: AnyFunction, rest: readonly unknown[]): Promise<RemoteRef<unknown>>
  release(ref: RemoteRef<unknown>): void
}

/** What a token says of the value. */
export interface RefFacts {
  readonly number: number
  readonly type: string
  readonly bytes: number
  /** It is a reference there, too, to a value of a worker of that worker. */
  readonly isRelayed: boolean
  readonly madeMs: number
}

/**
 * A value that stays in the worker that made it; made by `Worker.keep`.
 *
 * As an argument of a call to that worker, or captured by a function that is sent there, it is the value itself: no copy
 * is made, nothing but its number goes over. For another worker the value is fetched first. It is kept until `dispose`;
 * an interrupt leaves it alone, and it ends with its worker. A reference that is lost is let go sooner or later, but
 * when is the garbage collector's to say, which sees a small object here and not the large value there.
 *
 * Source: Julia's `Future` and `@spawnat`.
 *
 * @example
 * import { spawnWorker } from 'maltster'
 *
 * await using worker = await spawnWorker()
 * using numbers = await worker.keep(() => Float64Array.from({ length: 1e6 }, (_, i) => i))
 * console.log(await worker.call((values: Float64Array) => values.length, [numbers])) // 1000000
 * using sum = await numbers.map((values) => values.reduce((a, b) => a + b))
 * console.log(await sum.get()) // 499999500000
 */
export class RemoteRef<T> implements Disposable, AsyncDisposable {
  readonly #home: RefHome
  readonly #facts: RefFacts
  #copy: Promise<T> | undefined
  /** Calls under way that were given it. */
  #uses = 0
  #isReleased = false

  /** @internal */
  constructor(home: RefHome, facts: RefFacts) {
    this.#home = home
    this.#facts = facts
  }

  /** Its number: no other value of that incarnation of the worker has it. */
  get number(): number {
    return this.#facts.number
  }

  /** What the value is, in a word: `Array`, `Map`, `string`, the name of its class. */
  get type(): string {
    return this.#facts.type
  }

  /** About how much memory the value took when it was kept. */
  get bytes(): number {
    return this.#facts.bytes
  }

  /** The place in the tree of the worker that keeps it. */
  get worker(): string {
    return this.#home.path
  }

  /** Whether it was disposed. */
  get isReleased(): boolean {
    return this.#isReleased
  }

  /**
   * Fetches a copy of the value.
   *
   * Asked again it gives the same copy, without asking the worker, until the reference is given to a call there, which may
   * change the value as long as it is under way; what was sent by `cast`, in a channel or as the answer of a callback may
   * do so for good. What changes it without being given the reference is not seen: ask for `fresh`.
   *
   * @param options - see `GetOptions`
   * @throws {EncodeError} if the value can't be sent
   * @throws {ReleasedError} if it was disposed
   * @throws {InterruptedError | CallTimeoutError | BackpressureError} as `Worker.call`
   * @throws {WorkerDiedError | WorkerStoppedError} if the worker has ended: the value is gone with it
   * @throws {TypeError | RangeError} for wrong options
   */
  async get(options?: GetOptions): Promise<T> {
    this.checkHeld()
    const known = this.#copy
    if (known !== undefined && options?.fresh !== true) return known
    const copy = this.#home.get(this, options) as Promise<T>
    // Before long it may be another value.
    if (this.#uses > 0) return copy
    this.#copy = copy
    // What failed is asked for again.
    copy.catch(() => {
      if (this.#copy === copy) this.#copy = undefined
    })
    return copy
  }

  /**
   * Runs a function on the value, where it is, and keeps what it returns there.
   *
   * @param fn - as in `Worker.call`; its one argument is the value itself
   * @param options - those of `Worker.keep`
   * @returns the reference to the new value; this one stays what it is
   * @throws {ReleasedError} if it was disposed
   * @throws {CaptureError | RemoteError | InterruptedError | CallTimeoutError | BackpressureError} as `Worker.keep`
   * @throws {WorkerDiedError | WorkerStoppedError} if the worker has ended: the value is gone with it
   * @throws {TypeError} if the value is in a worker of that worker, and for wrong options
   */
  async map<U>(fn: (value: T) => U, ...options: [options?: KeepOptions]): Promise<RemoteRef<Awaited<U>>> {
    this.checkHeld()
    return this.#home.map(this, fn, options) as Promise<RemoteRef<Awaited<U>>>
  }

  /** Lets the value go; calls that were given it keep it as long as they need. May be called again, and at any time. */
  dispose(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#copy = undefined
    this.#home.release(this)
  }

  /** As `dispose`. */
  [Symbol.dispose](): void {
    this.dispose()
  }

  /** As `dispose`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose()
  }

  /** Its number and type, for messages. */
  toString(): string {
    return `RemoteRef ${this.number} (${this.type}) of worker ${this.worker}`
  }

  /** As `toString`, for `console.log`. */
  [inspect.custom](): string {
    return `${this.toString()}${this.#isReleased ? ', disposed' : ''}`
  }

  /** @internal */
  get home(): RefHome {
    return this.#home
  }

  /** @internal */
  get facts(): RefFacts {
    return this.#facts
  }

  /** The value may be another one from now on, or none. @internal */
  forgetCopy(): void {
    this.#copy = undefined
  }

  /** What may change the value has it from now on. @internal */
  beginUse(): void {
    this.#uses++
    this.#copy = undefined
  }

  /** It has settled, and has changed the value if it was to. @internal */
  endUse(): void {
    this.#uses--
    this.#copy = undefined
  }

  /** @internal */
  checkHeld(): void {
    if (!this.#isReleased) return
    throw new ReleasedError(`${this.toString()} was disposed, and can't be used any more.`, {
      worker: this.worker,
    })
  }

  /** Sent up to the host of the process that it is in, it stays where it is, and can be read from there. @internal */
  get [liveSymbol](): Served {
    return {
      kind: liveKind.reference,
      data: `relayed ${this.bytes} ${this.type}`,
      request: (_operation, _args, answer) => answer.fail(new TypeError('A reference answers no requests.')),
    }
  }
}
