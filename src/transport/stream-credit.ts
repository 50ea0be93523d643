/**
 * How far the producer of a stream may be ahead of its consumer, in items and in bytes. Both sides keep account in the
 * same way, of the same frames, so that the consumer knows a producer that does not keep to it.
 *
 * Bytes are those of the bodies and attachments of `items` frames. The consumer gives back what was used in one grant
 * as soon as that is half of a window; one item that is larger than what is left may go as long as half of the bytes
 * is. So nothing ever waits for a grant that does not come, and at most half a window and one item are under way.
 */
export class StreamCredit {
  items = 0
  bytes = 0
  /** What may be under way when all has been given back. */
  #windowBytes = 0

  /** More may come. The first grant is the window. */
  grant(items: number, bytes: number): void {
    if (this.#windowBytes === 0) this.#windowBytes = bytes
    this.items += items
    this.bytes += bytes
  }

  /** Whether a frame with so many bytes may go now. */
  admits(byteLength: number, items: number): boolean {
    return byteLength <= this.bytes || (items === 1 && this.bytes * 2 >= this.#windowBytes)
  }
}

/** Whether so much is worth a grant. */
export function isWorthGranting(used: number, window: number): boolean {
  return used * 2 >= window
}
