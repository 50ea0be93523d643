import type { Limits } from './limits.ts'
import type { LiveValues } from './live-values.ts'

/** Where a body landed: bytes `start` to `end` of `buffer`; what lies before `start` was reserved by request. */
export interface EncodedBody {
  buffer: Buffer
  start: number
  end: number
  /** Encoding flags for the frame header; the decoder is given them back. */
  flags: number
  /** Large binary that travels beside the body, by index. Not copied: don't change them before the flush. */
  attachments: readonly Uint8Array[]
}

/** Bytes of one message as they arrived. */
export interface IncomingBody {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  readonly flags: number
  readonly attachments: readonly ArrayBuffer[]
}

/**
 * Values to bytes and back: the third seam. One codec object serves one lane of one worker; it keeps no state
 * from message to message, so a message that fails leaves nothing behind.
 */
export interface Codec {
  readonly name: string
  /**
   * Encodes `value` into `slab` from `position` on, if it fits, else into a buffer of its own. `reserveBytes`
   * bytes in front of the body are left for the caller, and the reserve begins at a multiple of 8 in the buffer.
   * The returned object is reused by the next encode.
   * @param rootPath - how paths in errors begin, such as `args` or `result`
   * @throws {EncodeError} if a part can't be sent or a limit is passed; nothing is kept of it
   */
  encode(value: unknown, rootPath: string, slab: Buffer, position: number, reserveBytes: number): EncodedBody
  /**
   * Decodes a body. Nothing of the result refers to `body.buffer`, which may be overwritten afterwards;
   * attachments are taken over, not copied.
   * @throws {DecodeError} for anything that is not exactly one value within the limits, after linear time
   */
  decode(body: IncomingBody): unknown
}

/**
 * Makes a codec; given as the `codec` option of a worker.
 * @param live - tells of values that stay where they are; without it there are none
 */
export type CodecFactory = (limits: Limits, live?: LiveValues) => Codec
