const noBytes = Buffer.alloc(0)
const smallestBlock = 1024

/**
 * The newest bytes of a stream, at most `capacity`; older ones are dropped. Bytes are copied, so that a chunk of one byte
 * costs one byte and no big chunk is kept alive for its end. Memory grows as needed and is let go when nothing is left.
 */
export class ByteRing {
  readonly #capacity: number
  #block = noBytes
  #start = 0
  #length = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get length(): number {
    return this.#length
  }

  /** Answers how many bytes, older or of these, were dropped for them. */
  write(bytes: Buffer): number {
    const dropped = Math.max(0, this.#length + bytes.length - this.#capacity)
    const kept = bytes.length > this.#capacity ? bytes.subarray(bytes.length - this.#capacity) : bytes
    this.#skip(dropped - (bytes.length - kept.length))
    this.#reserve(this.#length + kept.length)
    const end = this.#length === 0 ? this.#start : (this.#start + this.#length) % this.#block.length
    const copied = kept.copy(this.#block, end)
    if (copied < kept.length) kept.copy(this.#block, 0, copied)
    this.#length += kept.length
    return dropped
  }

  /** Takes out the oldest bytes. */
  read(maxBytes: number): Buffer {
    const bytes = this.#copy(Math.min(maxBytes, this.#length))
    this.#skip(bytes.length)
    if (this.#length === 0) this.clear()
    return bytes
  }

  /** All the bytes, which stay. */
  peek(): Buffer {
    return this.#copy(this.#length)
  }

  clear(): void {
    this.#block = noBytes
    this.#start = 0
    this.#length = 0
  }

  #skip(count: number): void {
    if (count === 0) return
    this.#length -= count
    this.#start = this.#length === 0 ? 0 : (this.#start + count) % this.#block.length
  }

  #copy(length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length)
    const copied = this.#block.copy(bytes, 0, this.#start, Math.min(this.#start + length, this.#block.length))
    if (copied < length) this.#block.copy(bytes, copied, 0, length - copied)
    return bytes
  }

  #reserve(needed: number): void {
    if (needed <= this.#block.length) return
    const size = Math.min(this.#capacity, Math.max(smallestBlock, needed, 2 * this.#block.length))
    const block = Buffer.allocUnsafeSlow(size)
    this.#copy(this.#length).copy(block)
    this.#block = block
    this.#start = 0
  }
}
