import { ProtocolError } from '../errors/data-errors.ts'
import { paddingAfter, readDescriptor, readAttachmentCount, readU32 } from './frame-header.ts'
import type { Limits } from './limits.ts'
import { descriptorBytes } from './protocol.ts'

/** From here on it pays to have the transport put bytes in place; fewer come along with a full scratch. */
const inPlaceBytes = 1024

/** Below this, zeroed memory costs nothing. */
const smallBytes = 4096

/**
 * A frame that gets memory of its own: its body is large and did not arrive in one piece, or it has attachments.
 *
 * It is filled part by part (body, descriptors, each attachment, and their padding), either by copying bytes that
 * came in a scratch, or in place: `rest()` is where the transport may put them. Memory for a part is taken when
 * the first byte of it can come, and after its length has been checked against the limits.
 */
export class LargeFrame {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly aux: number
  readonly bodyBytes: number
  /** The body and its padding; `bodyBytes` of it count. */
  readonly body: Buffer
  readonly attachments: ArrayBuffer[] = []

  readonly #limits: Limits
  readonly #attachmentCount: number
  #descriptors: Uint8Array | undefined
  #part: Uint8Array
  #filled = 0
  #isPadding = false
  #isComplete = false

  /**
   * @param bytes - holds the header of the frame at `at`; the body's length has been checked against the limits
   * @throws {ProtocolError} if there is no memory for it
   */
  constructor(bytes: Uint8Array, at: number, limits: Limits) {
    this.bodyBytes = readU32(bytes, at)
    this.type = bytes[at + 4]!
    this.flags = bytes[at + 5]!
    this.#attachmentCount = readAttachmentCount(bytes, at)
    this.id = readU32(bytes, at + 8)
    this.aux = readU32(bytes, at + 12)
    this.#limits = limits
    this.body = allocate(this.bodyBytes + paddingAfter(this.bodyBytes))
    this.#part = this.body
    this.#advance()
  }

  /** All bytes of it are here, the last padding included. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Takes over what it still lacks from `source`, `start` to `end`. Answers how many bytes it took. */
  take(source: Uint8Array, start: number, end: number): number {
    let at = start
    while (!this.#isComplete && at < end) {
      const count = Math.min(end - at, this.#part.length - this.#filled)
      this.#part.set(source.subarray(at, at + count), this.#filled)
      at += count
      this.filled(count)
    }
    return at - start
  }

  /** The memory the next bytes belong in, if there is enough of it to be worth filling directly. */
  rest(): Uint8Array | undefined {
    if (this.#part.length - this.#filled < inPlaceBytes) return undefined
    return this.#filled === 0 ? this.#part : this.#part.subarray(this.#filled)
  }

  /**
   * `byteLength` bytes have been put to the start of `rest()`.
   * @throws {ProtocolError} if padding is not zero, or the attachments are over their limit
   */
  filled(byteLength: number): void {
    this.#filled += byteLength
    this.#advance()
  }

  #advance(): void {
    while (!this.#isComplete && this.#filled === this.#part.length) {
      const next = this.#nextPart()
      this.#filled = 0
      if (next === undefined) this.#isComplete = true
      else this.#part = next
    }
  }

  #nextPart(): Uint8Array | undefined {
    if (this.#descriptors === undefined) {
      checkPadding(this.body, this.bodyBytes)
      this.#descriptors = allocate(this.#attachmentCount * descriptorBytes)
      return this.#descriptors
    }
    if (this.#part === this.#descriptors) this.#checkAttachmentBytes(this.#descriptors)
    else if (this.#isPadding) checkPadding(this.#part, 0)
    else {
      this.#isPadding = true
      return new Uint8Array(paddingAfter(this.#part.length))
    }
    this.#isPadding = false
    return this.#nextAttachment(this.#descriptors)
  }

  #nextAttachment(descriptors: Uint8Array): Uint8Array | undefined {
    const index = this.attachments.length
    if (index === this.#attachmentCount) return undefined
    const byteLength = readDescriptor(descriptors, index * descriptorBytes)
    const part = byteLength < smallBytes ? new Uint8Array(byteLength) : allocate(byteLength)
    // Never shared: both ways to allocate give a buffer of exactly this part.
    this.attachments.push(part.buffer as ArrayBuffer)
    return part
  }

  #checkAttachmentBytes(descriptors: Uint8Array): void {
    let total = 0
    for (let at = 0; at < descriptors.length; at += descriptorBytes) total += readDescriptor(descriptors, at)
    const limit = this.#limits.maxAttachmentBytes
    if (total > limit) {
      throw new ProtocolError(`A frame announces ${total} bytes of attachments; the limit is ${limit}`)
    }
  }
}

/** Whether the bytes `start` to `end` are all zero. */
export function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false
  return true
}

/** Refused, because the two sides have lost step, or the other one lets stale memory out. */
function checkPadding(part: Uint8Array, start: number): void {
  if (!isZero(part, start, part.length)) throw new ProtocolError('The padding of a frame is not zero')
}

function allocate(byteLength: number): Buffer {
  try {
    // Not zeroed and not pooled: each byte is overwritten by what arrives before anyone sees it.
    return Buffer.allocUnsafeSlow(byteLength)
  } catch (cause) {
    throw new ProtocolError(`No memory for a frame part of ${byteLength} bytes`, { cause })
  }
}
