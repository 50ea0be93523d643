import { RemoteError } from '../errors/call-errors.ts'
import { DecodeError } from '../errors/data-errors.ts'
import type { IncomingFrame } from '../transport/frame-reader.ts'
import { isWorthGranting, StreamCredit } from '../transport/stream-credit.ts'
import { rejection } from './remote-error.ts'
import type { StreamWindow } from './stream-options.ts'

/** What the consumer's end of a stream needs of the worker. */
export interface StreamPeer {
  /** @throws {DecodeError} */
  read(frame: IncomingFrame): readonly unknown[]
  /** More may come. */
  grant(id: number, items: number, bytes: number): void
  /** Has the iterator over there end itself, by force in the end. Resolves when there is nothing left to wait for. */
  end(id: number): void
  undecodable(error: unknown): Error
  /** The worker does not keep to what it was granted. */
  overrun(): void
}

/** Items that came in one frame, and those of them that were taken. */
interface Batch {
  readonly items: readonly unknown[]
  readonly bytes: number
  taken: number
}

type Result = IteratorResult<unknown, undefined>

const done: Result = { done: true, value: undefined }

/** What becomes of a stream that is left: what was thrown over there is told, since that may be its `finally`. */
const closedBy = (error: StreamFailure | undefined): Result | Promise<never> =>
  error?.reason instanceof RemoteError ? rejection(error.reason) : done

/** Why a stream has failed. */
export interface StreamFailure {
  readonly reason: unknown
}

/** What the items of a stream are had from. */
export interface StreamSource {
  /** The next item; those who ask get them in the order in which they asked. It rejects once, with what ended it. */
  next(): Promise<Result>
  /** Nobody wants more. Resolves when the iterator over there has ended, and rejects with what that threw. */
  close(): Promise<Result>
  /**
   * Resolves when the first item is there, or the end; asked at the start, and once.
   * @returns why it has failed, if that came first; `next` tells it as well
   */
  begun(): Promise<StreamFailure | undefined>
}

/** The consumer's end of a stream: what has come and was not taken, who waits for more, and how it ended. */
export class StreamInbox implements StreamSource {
  readonly #peer: StreamPeer
  readonly #window: StreamWindow
  readonly #credit = new StreamCredit()
  #id = 0
  #batch: Batch | undefined
  readonly #batches: Batch[] = []
  readonly #waiting: ((result: Result | Promise<never>) => void)[] = []
  #usedItems = 0
  #usedBytes = 0
  /** No item comes any more, as far as the consumer is concerned; the call may still be under way. */
  #isOver = false
  /** Told once, after the last item. */
  #error: StreamFailure | undefined
  #isSettled = false
  #closing: Promise<Result> | undefined
  #tellClosed: ((result: Result | Promise<never>) => void) | undefined
  #tellBegun: ((failure: StreamFailure | undefined) => void) | undefined

  constructor(window: StreamWindow, peer: StreamPeer) {
    this.#window = window
    this.#peer = peer
  }

  /** The number of the call. */
  numbered(id: number): void {
    this.#id = id
  }

  /** The call is on its way. */
  sent(): void {
    if (!this.#isOver) this.#grant(this.#window.items, this.#window.bytes)
  }

  #grant(items: number, bytes: number): void {
    this.#credit.grant(items, bytes)
    this.#peer.grant(this.#id, items, bytes)
  }

  /** A frame of items has come. */
  received(frame: IncomingFrame): void {
    const count = frame.aux === 0 ? 1 : frame.aux
    let bytes = frame.end - frame.start
    for (const { byteLength } of frame.attachments) bytes += byteLength
    const credit = this.#credit
    if (count > credit.items || !credit.admits(bytes, count)) {
      this.#peer.overrun()
      return
    }
    credit.items -= count
    credit.bytes -= bytes
    if (this.#isOver) return
    try {
      this.#arrived({ items: this.#peer.read(frame), bytes, taken: 0 })
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#finish({ reason: this.#peer.undecodable(error) })
      this.#peer.end(this.#id)
    }
  }

  #arrived(batch: Batch): void {
    if (this.#batch === undefined) this.#batch = batch
    else this.#batches.push(batch)
    this.#tellBegun?.(undefined)
    while (this.#waiting.length > 0) {
      const current = this.#batch
      if (current === undefined) return
      this.#waiting.shift()!({ done: false, value: this.#take(current) })
    }
  }

  #take(batch: Batch): unknown {
    const value = batch.items[batch.taken++]
    this.#usedItems++
    if (batch.taken === batch.items.length) {
      this.#usedBytes += batch.bytes
      this.#batch = this.#batches.shift()
      if (!isWorthGranting(this.#usedBytes, this.#window.bytes) && !this.#usedEnoughItems) return value
    } else if (!this.#usedEnoughItems) return value
    if (this.#isOver) return value
    this.#grant(this.#usedItems, this.#usedBytes)
    this.#usedItems = 0
    this.#usedBytes = 0
    return value
  }

  get #usedEnoughItems(): boolean {
    return isWorthGranting(this.#usedItems, this.#window.items)
  }

  begun(): Promise<StreamFailure | undefined> {
    if (this.#batch !== undefined || this.#isOver) return Promise.resolve(this.#error)
    return new Promise((resolve) => {
      this.#tellBegun = (failure) => {
        this.#tellBegun = undefined
        resolve(failure)
      }
    })
  }

  /** The next item; those who ask get them in the order in which they asked. */
  next(): Promise<Result> {
    const batch = this.#batch
    if (batch !== undefined) return Promise.resolve<Result>({ done: false, value: this.#take(batch) })
    if (!this.#isOver) return new Promise((resolve) => this.#waiting.push(resolve))
    const error = this.#error
    this.#error = undefined
    return error === undefined ? Promise.resolve(done) : rejection(error.reason)
  }

  /** The consumer wants no more. Resolves when the iterator over there has ended, and rejects with what that threw. */
  close(): Promise<Result> {
    if (this.#closing !== undefined)
      return this.#closing.then(
        () => done,
        () => done,
      )
    this.discard()
    const wasOver = this.#isOver
    const error = this.#error
    this.#error = undefined
    this.#finish(undefined)
    if (this.#isSettled) {
      // It has ended ahead of its reader.
      this.#closing = Promise.resolve(closedBy(error))
      return this.#closing
    }
    this.#closing = new Promise((resolve) => {
      this.#tellClosed = resolve
    })
    // Where a frame could not be read the worker has been told already.
    if (!wasOver) this.#peer.end(this.#id)
    return this.#closing
  }

  /** The call has ended in order: all items have come. */
  ended(): void {
    this.#settle(undefined)
  }

  /** The call has failed. What has come before is still to be had. */
  failed(reason: unknown): void {
    this.#settle({ reason })
  }

  #settle(error: StreamFailure | undefined): void {
    this.#isSettled = true
    this.#finish(error)
    this.#tellClosed?.(closedBy(error))
  }

  #finish(error: StreamFailure | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#tellBegun?.(error)
    const waiting = this.#waiting.splice(0)
    const first = error === undefined ? undefined : waiting.shift()
    if (first === undefined) this.#error = error
    else first(rejection(error?.reason))
    for (const resolve of waiting) resolve(done)
  }

  /** Drops what has come and was not taken. */
  discard(): void {
    this.#batch = undefined
    this.#batches.length = 0
  }
}
