/** A frame as a test describes it. */
export interface FrameParts {
  readonly type: number
  readonly flags: number
  readonly id: number
  readonly aux: number
  readonly body: Uint8Array
  readonly attachments: readonly Uint8Array[]
}

const padded = (bytes: Uint8Array): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)])

/** The bytes of a frame, made the slow and obvious way, from the description of the layout alone. */
export function frameBytes(frame: FrameParts): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(frame.body.length, 0)
  header.writeUInt8(frame.type, 4)
  header.writeUInt8(frame.flags, 5)
  header.writeUInt16LE(frame.attachments.length, 6)
  header.writeUInt32LE(frame.id, 8)
  header.writeUInt32LE(frame.aux, 12)
  const descriptors = frame.attachments.map((attachment) => {
    const descriptor = Buffer.alloc(8)
    descriptor.writeBigUInt64LE(BigInt(attachment.length))
    return descriptor
  })
  return Buffer.concat([header, padded(frame.body), ...descriptors, ...frame.attachments.map(padded)])
}

/** Bytes that differ from place to place and from seed to seed. */
export function patternBytes(byteLength: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(byteLength)
  let state = (seed * 2654435761) >>> 0 || 1
  for (let at = 0; at < byteLength; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}
