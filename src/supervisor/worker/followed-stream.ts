import type { Callable } from '../../actors/callable.ts'
import type { StreamFailure, StreamSource } from '../../actors/stream-inbox.ts'
import type { StreamOptions } from '../../actors/stream-options.ts'
import type { WorkerStream } from '../../actors/worker-stream.ts'
import type { Worker } from '../../actors/worker.ts'
import { whenAborted } from '../../movement/abort.ts'
import type { FollowedCall, FollowedCalls } from './followed-calls.ts'
import { type HandleOptions, withTime } from './handle-options.ts'

/** A stream that is had from whatever incarnation there is. */
export interface FollowedStreaming {
  readonly fn: Callable
  readonly args: readonly unknown[]
  readonly following: HandleOptions
  readonly own: StreamOptions | undefined
  /** Begins it, in a worker that is up. */
  open(
    worker: Worker,
    fn: Callable,
    args: readonly unknown[],
    options: StreamOptions | undefined,
  ): WorkerStream<unknown>
}

type Result = IteratorResult<unknown, undefined>

const done: Result = { done: true, value: undefined }

/** Nobody gets to see it: who closes a stream is not told how its wait ended. */
const closed = new Error('The stream was closed before it began.')

/**
 * A stream through a handle: it begins in the worker that is there, or waits for one. Where it has begun it stays, and
 * what ends it there ends it here. A worker that was dead before it read anything of it has not begun it.
 */
export class FollowedStream implements StreamSource {
  readonly #streaming: FollowedStreaming
  readonly #giveUp = new AbortController()
  readonly #opening: Promise<void>
  #isOpen = false
  #isClosed = false
  #isToldWhy = false
  /** Held, since a stream that nobody holds is ended. */
  #inner: WorkerStream<unknown> | undefined

  constructor(calls: FollowedCalls, streaming: FollowedStreaming) {
    this.#streaming = streaming
    this.#opening = this.#open(calls)
    this.#opening.then(
      () => {
        this.#isOpen = true
      },
      () => {},
    )
  }

  async #open(calls: FollowedCalls): Promise<void> {
    const { fn, args, following, own } = this.#streaming
    const giveUp = this.#giveUp
    const { signal, timeoutMs, background = false } = own ?? {}
    const abort = (): void => giveUp.abort(signal?.reason)
    if (signal?.aborted === true) abort()
    const forget = signal === undefined ? undefined : whenAborted(signal, abort)
    try {
      const send: FollowedCall['send'] = (worker, kept, now, leftMs) =>
        this.#begin(worker, kept, now, withTime(own, leftMs))
      const call = { fn, taking: own, args, following, background, signal: giveUp.signal, timeoutMs, send }
      await calls.start(call)
    } finally {
      forget?.()
    }
  }

  async #begin(
    worker: Worker,
    fn: Callable,
    args: readonly unknown[],
    own: StreamOptions | undefined,
  ): Promise<void> {
    if (this.#isClosed) throw closed
    const inner = this.#streaming.open(worker, fn, args, own)
    this.#inner = inner
    const failure = await inner.begun()
    if (failure !== undefined) throw failure.reason
  }

  next(): Promise<Result> {
    return this.#isOpen ? this.#inner!.next() : this.#nextOnceOpen()
  }

  async #nextOnceOpen(): Promise<Result> {
    try {
      await this.#opening
    } catch (error) {
      if (this.#isToldWhy || this.#isClosed) return done
      this.#isToldWhy = true
      throw error
    }
    return this.#inner!.next()
  }

  close(): Promise<Result> {
    this.#isClosed = true
    // If it waits for a worker, which it may do again although it was with one.
    this.#giveUp.abort(closed)
    const closing = this.#inner?.return() ?? Promise.resolve(done)
    // What it has failed with is told once.
    return this.#isToldWhy ? closing.catch(() => done) : closing
  }

  begun(): Promise<StreamFailure | undefined> {
    return this.#opening.then(
      () => undefined,
      (reason: unknown) => ({ reason }),
    )
  }
}
