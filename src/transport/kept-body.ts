import type { Codec, EncodedBody } from './codec.ts'
import { headerBytes } from './protocol.ts'

/** Where values are encoded before it is known how long they are. */
const scratch = Buffer.alloc(8192)

/**
 * Encodes a value as a body that stays good, and holds no more memory than it needs: for a frame that is written later.
 * @throws {EncodeError} if it can't be sent
 */
export function encodeToKeep(codec: Codec, value: unknown, rootPath: string): EncodedBody {
  const { buffer, start, end, flags, attachments } = codec.encode(value, rootPath, scratch, 0, headerBytes)
  const kept = Buffer.allocUnsafe(headerBytes + end - start)
  buffer.copy(kept, headerBytes, start, end)
  return {
    buffer: kept,
    start: headerBytes,
    end: kept.length,
    flags,
    attachments: attachments.map((one) => new Uint8Array(one)),
  }
}
