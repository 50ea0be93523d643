import type { EncodedBody } from '../codec.ts'

/** Bytes of a batch at most, its head included: a frame of it always fits into the writer's slab, and is copied. */
export const maxBatchBytes = 32 * 1024

/** Behind the byte 0xdd the number of values, in four bytes: an array of any length has a head of this size. */
const headBytes = 5

/** Texts up to this length are written byte by byte; a call into the system's own writer costs more. */
const maxShortText = 64

/** The most bytes that a value takes which `addPrimitive` takes. */
const maxPrimitiveBytes = maxShortText + 2

/**
 * Values that travel in one frame: the body is one array, which grows by what each of them is encoded to, at once, so
 * that what changes later does not show. Used again when it has been written.
 */
export class ItemBatch {
  /** Values in it. */
  count = 0
  readonly #bytes = Buffer.allocUnsafeSlow(maxBatchBytes)
  readonly #view = new DataView(this.#bytes.buffer)
  #end = headBytes
  #lastStart = headBytes

  /** What the body has so far. */
  get byteLength(): number {
    return this.#end
  }

  /** Whether a value of so many bytes has room. */
  fits(byteLength: number): boolean {
    return this.#end + byteLength <= maxBatchBytes
  }

  /** Whether the next primitive is sure to have room. */
  get isFull(): boolean {
    return this.#end + maxPrimitiveBytes > maxBatchBytes
  }

  /** Adds a number, a truth value, null, undefined or a short text. Answers false, and does nothing, for anything else. */
  addPrimitive(value: unknown): boolean {
    const start = this.#end
    const end = this.#primitive(value, start)
    if (end === start) return false
    this.#lastStart = start
    this.#end = end
    this.count++
    return true
  }

  /** Adds a value that the codec has encoded as plain and without attachments. */
  addEncoded({ buffer, start, end }: EncodedBody): void {
    const at = this.#end
    buffer.copy(this.#bytes, at, start, end)
    this.#lastStart = at
    this.#end = at + end - start
    this.count++
  }

  /** Takes the value that was added last out again. */
  takeLast(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(this.#lastStart, this.#end))
    this.#end = this.#lastStart
    this.count--
    return taken
  }

  /** The whole body. Good until the next change. */
  body(): Buffer {
    this.#bytes[0] = 0xdd
    this.#view.setUint32(1, this.count)
    return this.#bytes.subarray(0, this.#end)
  }

  clear(): void {
    this.count = 0
    this.#end = headBytes
  }

  #primitive(value: unknown, at: number): number {
    switch (typeof value) {
      case 'number':
        return this.#number(value, at)
      case 'string':
        return this.#text(value, at)
      case 'boolean':
        this.#bytes[at] = value ? 0xc3 : 0xc2
        return at + 1
      case 'undefined':
        this.#bytes[at] = 0xd4
        this.#bytes[at + 1] = 0
        this.#bytes[at + 2] = 0
        return at + 3
      default:
        if (value !== null) return at
        this.#bytes[at] = 0xc0
        return at + 1
    }
  }

  #number(value: number, at: number): number {
    const bytes = this.#bytes
    if ((value | 0) !== value) {
      bytes[at] = 0xcb
      this.#view.setFloat64(at + 1, value)
      return at + 9
    }
    if (value >= -32 && value < 128) {
      // Plain encoding has no -0.
      if (value === 0 && Object.is(value, -0)) return at
      bytes[at] = value
      return at + 1
    }
    bytes[at] = 0xd2
    this.#view.setInt32(at + 1, value)
    return at + 5
  }

  /** Texts of which each character is one byte. */
  #text(text: string, at: number): number {
    const { length } = text
    if (length > maxShortText) return at
    const bytes = this.#bytes
    let to = at
    if (length < 32) bytes[to++] = 0xa0 | length
    else {
      bytes[to++] = 0xd9
      bytes[to++] = length
    }
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      if (code > 127) return at
      bytes[to++] = code
    }
    return to
  }
}
