import { createHash } from 'node:crypto'
import { CaptureError, EncodeError } from '../../errors/data-errors.ts'
import type { Codec, EncodedBody } from '../../transport/codec.ts'
import { headerBytes } from '../../transport/protocol.ts'

/** A value as bytes that stay good, and what tells it from others. */
export interface Content {
  readonly body: EncodedBody
  /** Equal for equal bytes. */
  readonly key: string
}

const shortBytes = 48
const slabBytes = 1024
/** Taken while in use: a class that is registered may call a worker while it is encoded. */
let spareSlab: Buffer | undefined

/** @throws {EncodeError} if it can't be encoded */
export function contentOf(codec: Codec, value: unknown, path: string): Content {
  const slab = spareSlab ?? Buffer.allocUnsafeSlow(slabBytes)
  spareSlab = undefined
  const encoded = codec.encode(value, path, slab, 0, headerBytes)
  // The encoder uses its result again.
  const { buffer, start, end, flags, attachments } = encoded
  const isInSlab = buffer.buffer === slab.buffer
  const body = {
    // With room for the header in front.
    buffer: isInSlab ? Buffer.from(buffer.subarray(start - headerBytes, end)) : buffer,
    start: isInSlab ? headerBytes : start,
    end: isInSlab ? headerBytes + end - start : end,
    flags,
    attachments: [...attachments],
  }
  spareSlab = slab
  return { body, key: keyOf(body) }
}

/**
 * As `contentOf`, for what a function refers to.
 * @throws {CaptureError} if it can't be encoded
 */
export function capturedContent(codec: Codec, rows: unknown, path: string): Content {
  try {
    return contentOf(codec, rows, path)
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error
    const [why = error.message, ...hints] = error.message.replace(/^.*?can't be sent: /, '').split('. ')
    const inner = error.path.replace(/^.*?\[\d+\]\[\d+\]/, '')
    throw new CaptureError({ path: path + inner, why, hint: hints.join('. ') || 'Pass data', cause: error })
  }
}

function keyOf({ buffer, start, end, flags, attachments }: EncodedBody): string {
  if (attachments.length === 0 && end - start <= shortBytes) {
    return `${flags}${buffer.toString('latin1', start, end)}`
  }
  const hash = createHash('sha1').update(buffer.subarray(start, end))
  for (const attachment of attachments) hash.update(attachment)
  return `${flags}#${hash.digest('base64')}`
}
