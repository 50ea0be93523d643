/** What a transport calls on the one that uses it. All calls come from the event loop, never from within `start`. */
export interface TransportReceiver {
  /** Where the next bytes shall be read to. Asked before each read; never empty. */
  target(): Uint8Array
  /**
   * Bytes have been read to the start of the last target.
   * @param byteLength - how many
   */
  received(byteLength: number): void
  /** All that was written has left, after a `write` that answered `false`. */
  drained(): void
  /**
   * The lane is over, in both directions, and no other call follows. Comes exactly once.
   * @param error - `undefined`: the other side closed it, or `close` was called; else it broke (a reset, for instance)
   */
  closed(error: Error | undefined): void
}

/**
 * A lane: ordered, reliable bytes both ways. It knows nothing of frames or values.
 *
 * What each failure does: a write after the other side is gone is dropped and `closed` follows; a read error is
 * `closed(error)`; nothing throws and nothing is emitted unhandled. One contract suite holds for every transport.
 */
export interface Transport {
  /** One word for messages. */
  readonly kind: string
  /** The descriptor behind it, if there is one and it is known: for what has to be written as the process exits. */
  readonly descriptor?: number | undefined
  /**
   * Begins to read. Called once.
   * @param receiver - what is told of all that comes
   */
  start(receiver: TransportReceiver): void
  /**
   * Hands bytes over, in order; never refuses. Answers whether every byte of this and all earlier writes has left
   * this process, so that the chunks may be overwritten at once; else they belong to the transport until
   * `drained`.
   * @param chunks - the bytes
   */
  write(chunks: readonly Uint8Array[]): boolean
  /** Bytes that were written and have not left this process. */
  readonly pendingBytes: number
  /** Bytes that were written and of which certainly none has left: those behind the write that is under way. */
  readonly heldBytes: number
  /**
   * Once it is over: the bytes of the last write, if the other side has ended without having read all of that. Undefined
   * if it has, or if the system doesn't tell.
   */
  readonly unreadWriteBytes?: number | undefined
  /** Stops reading, so that the other side feels it; at most one more `received` may follow. */
  pause(): void
  /** Reads on. */
  resume(): void
  /** While referenced, the lane holds the event loop open. A lane begins unreferenced. */
  ref(): void
  /** From here on it does not hold the event loop open. */
  unref(): void
  /** Sends what is pending, then ends the lane. Idempotent. */
  close(): void
  /** Ends the lane at once; what is pending is lost. Idempotent. */
  destroy(): void
}
