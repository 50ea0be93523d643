import { ProtocolError } from '../errors/data-errors.ts'
import { paddingAfter, readAttachmentCount, readU32 } from './frame-header.ts'
import { isZero, LargeFrame } from './large-frame.ts'
import type { Limits } from './limits.ts'
import { headerBytes } from './protocol.ts'
import { type Scratch, scratchBytes, ScratchPool, type Segment } from './scratch.ts'

/**
 * A frame that arrived in part gets memory of its own if it is larger than this. The rest of a smaller one always
 * fits behind its beginning at the start of a scratch.
 */
const largeBytes = scratchBytes / 2

/**
 * First half of reading: puts bytes where they belong, and finds the complete frames among them, by their headers
 * alone. It calls nobody, so nothing of it can be torn off by code that a frame starts.
 */
export class FrameAssembler {
  /** Complete frames, in order. */
  readonly segments: Segment[] = []

  readonly #limits: Limits
  readonly #pool = new ScratchPool()
  #scratch = this.#pool.take()
  /** Bytes `#walked` to `#filled` of the scratch are the beginning of a frame. */
  #walked = 0
  #filled = 0
  #large: LargeFrame | undefined
  #isInPlace = false

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** There is the beginning of a frame whose end has not come. */
  get isMidFrame(): boolean {
    return this.#large !== undefined || this.#filled > this.#walked
  }

  /** Where the next bytes shall be put. Asking twice changes nothing. */
  target(): Uint8Array {
    const rest = this.#large?.rest()
    this.#isInPlace = rest !== undefined
    return rest ?? this.#scratchTarget()
  }

  /**
   * `byteLength` bytes have been put to the start of the target. Frames that they complete are in `segments`.
   * @throws {ProtocolError} if the bytes are not frames within the limits; the frames before that are there
   */
  received(byteLength: number): void {
    if (this.#isInPlace) {
      this.#large!.filled(byteLength)
      this.#takeLarge()
      return
    }
    this.#filled += byteLength
    this.#walk()
  }

  /** The segment in front has been taken over, up to its end: its memory may be read into again. */
  shiftSegment(): void {
    const segment = this.segments.shift()
    if (segment === undefined || segment.large !== undefined) return
    const { scratch } = segment
    scratch.pins--
    if (scratch.pins === 0 && scratch !== this.#scratch) this.#pool.giveBack(scratch)
  }

  #scratchTarget(): Uint8Array {
    const tailBytes = this.#filled - this.#walked
    const isLow = scratchBytes - this.#filled < largeBytes
    if (this.#scratch.pins === 0 && tailBytes === 0) this.#walked = this.#filled = 0
    else if (isLow) this.#moveTail(this.#scratch.pins > 0 ? this.#pool.take() : this.#scratch, tailBytes)
    const { bytes } = this.#scratch
    return this.#filled === 0 ? bytes : bytes.subarray(this.#filled)
  }

  #moveTail(to: Scratch, tailBytes: number): void {
    this.#scratch.bytes.copy(to.bytes, 0, this.#walked, this.#filled)
    this.#scratch = to
    this.#walked = 0
    this.#filled = tailBytes
  }

  #walk(): void {
    const { bytes } = this.#scratch
    const { maxBodyBytes } = this.#limits
    const filled = this.#filled
    let at = this.#continueLarge()
    let segmentStart = at
    while (filled - at >= headerBytes) {
      const bodyBytes = readU32(bytes, at)
      const attachmentCount = readAttachmentCount(bytes, at)
      const bodyEnd = at + headerBytes + bodyBytes
      const end = bodyEnd + paddingAfter(bodyBytes)
      if (bodyBytes <= maxBodyBytes && attachmentCount === 0) {
        if (end <= filled && isZero(bytes, bodyEnd, end)) {
          at = end
          continue
        }
        if (end > filled && end - at <= largeBytes) break
      }
      // Also a frame that is here but badly padded: `LargeFrame` refuses it, the same way for both.
      this.#pushSegment(segmentStart, at)
      this.#beginLarge(at, bodyBytes)
      at = this.#continueLarge()
      segmentStart = at
    }
    this.#pushSegment(segmentStart, at)
    this.#walked = at
  }

  #beginLarge(at: number, bodyBytes: number): void {
    const limit = this.#limits.maxBodyBytes
    if (bodyBytes > limit) {
      throw new ProtocolError(`A frame announces a body of ${bodyBytes} bytes; the limit is ${limit}`)
    }
    this.#large = new LargeFrame(this.#scratch.bytes, at, this.#limits)
    this.#walked = at + headerBytes
  }

  /** Gives the large frame, if there is one, what came for it. Answers where the next frame begins. */
  #continueLarge(): number {
    const large = this.#large
    if (large === undefined) return this.#walked
    this.#walked += large.take(this.#scratch.bytes, this.#walked, this.#filled)
    this.#takeLarge()
    return this.#walked
  }

  #takeLarge(): void {
    const large = this.#large
    if (large === undefined || !large.isComplete) return
    this.segments.push({ large })
    this.#large = undefined
  }

  #pushSegment(start: number, end: number): void {
    if (end === start) return
    const scratch = this.#scratch
    const last = this.segments.at(-1)
    if (last !== undefined && last.large === undefined && last.scratch === scratch && last.end === start) {
      last.end = end
      return
    }
    scratch.pins++
    this.segments.push({ scratch, start, end })
  }
}
