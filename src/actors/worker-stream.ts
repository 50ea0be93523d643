import { staysHere } from '../transport/codec/process-handles.ts'
import type { StreamFailure, StreamSource } from './stream-inbox.ts'

/** What can be iterated, here or there: made at once or later, each item at once or later. */
export type Streamable<T> =
  | AsyncIterable<T>
  | Iterable<T | PromiseLike<T>>
  | PromiseLike<AsyncIterable<T> | Iterable<T | PromiseLike<T>>>

/** Ends streams that nobody can reach any more. Only a backstop: when it comes is the collector's to say. */
const abandoned = new FinalizationRegistry<StreamSource>((source) => {
  source.close().catch(() => {})
})

/**
 * What a generator in a worker yields, to be iterated here; made by `Worker.stream` and
 * `WorkerHandle.stream`.
 *
 * It has one consumer: every item is had once, and several calls of `next` get the items in the order in which they
 * were made. To leave the loop, `return` and `throw` end the generator there, and wait until its `finally` has run.
 *
 * @example
 * import { spawnWorker } from 'maltster'
 *
 * await using worker = await spawnWorker()
 * await using lines = worker.stream(function* () {
 *   yield 'one'
 *   yield 'two'
 * })
 * console.log((await lines.next()).value) // one
 */
export class WorkerStream<T> implements AsyncIterableIterator<T, undefined, void>, AsyncDisposable {
  readonly #source: StreamSource

  /** @internal */
  constructor(source: StreamSource) {
    this.#source = source
    abandoned.register(this, source)
  }

  /**
   * The next item; `{ done: true }` from the end on.
   *
   * It rejects with what ended the stream, once, after the items that had come before; the errors are those of `Worker.call`.
   *
   * @throws {RemoteError} if the function, or the generator, throws there
   * @throws {EncodeError} if an item can't be sent
   * @throws {InterruptedError | CallTimeoutError | WorkerDiedError | WorkerStoppedError} if it was ended
   */
  next(): Promise<IteratorResult<T, undefined>> {
    return this.#source.next() as Promise<IteratorResult<T, undefined>>
  }

  /**
   * Ends the generator there, drops what has come of it, and waits until it has ended; what still runs after
   * `interruptGraceMs` is interrupted. What waits in it sees the signal of `currentCall()`.
   *
   * @throws {RemoteError} if the `finally` of the generator throws, or has thrown, where it had ended ahead of its reader: what
   *   a generator has thrown ahead and `next` has not told is told here, be it of its `finally` or not
   */
  return(): Promise<IteratorResult<T, undefined>> {
    return this.#source.close() as Promise<IteratorResult<T, undefined>>
  }

  /**
   * As `return`, then rejects with the given error, which the generator is not told of.
   * @param error - what to reject with
   */
  async throw(error?: unknown): Promise<IteratorResult<T, undefined>> {
    await this.return()
    throw error
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** @internal */
  begun(): Promise<StreamFailure | undefined> {
    return this.#source.begun()
  }

  /** As `return`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}

staysHere(WorkerStream, {
  what: 'a WorkerStream, which is read where it was begun',
  remedy: 'Send its items, through a channel or as `await Array.fromAsync(stream)`.',
})
