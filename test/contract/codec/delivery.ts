import { expect } from 'vitest'
import { EncodeError } from '../../../src/errors/data-errors.ts'
import type { Codec, EncodedBody, IncomingBody } from '../../../src/transport/codec.ts'

/** The body as it arrives: other memory, attachments of their own. */
export function deliver(encoded: EncodedBody): IncomingBody & { buffer: Buffer } {
  const { buffer, start, end, flags, attachments } = encoded
  const received = Buffer.alloc(end - start + 24, 0x55)
  buffer.copy(received, 8, start, end)
  return {
    buffer: received,
    start: 8,
    end: 8 + end - start,
    flags,
    attachments: attachments.map((bytes) => new Uint8Array(bytes).buffer),
  }
}

/** There and back; the receive buffer is overwritten before the value is handed out. */
export function roundTrip(codec: Codec, value: unknown): unknown {
  const body = deliver(codec.encode(value, 'args', Buffer.allocUnsafeSlow(65_536), 0, 16))
  const decoded = codec.decode(body)
  body.buffer.fill(0x77)
  return decoded
}

/** The error with which a value is refused. */
export function refusal(codec: Codec, value: unknown): EncodeError {
  try {
    codec.encode(value, 'args', Buffer.alloc(65_536), 0, 16)
  } catch (error) {
    expect(error).toBeInstanceOf(EncodeError)
    return error as EncodeError
  }
  throw new Error('was not refused')
}
