import { EncodeError } from '../../src/errors/data-errors.ts'
import type { Codec } from '../../src/transport/codec.ts'

/** Wraps binary that shall travel as an attachment. */
export class Attached {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/**
 * The simplest codec that keeps the contract: a body is JSON, and a value `{ body, attached: Attached[] }` sends
 * binary beside it. `undefined` can't be sent.
 */
export function jsonCodec(): Codec {
  return {
    name: 'json',
    encode(value, rootPath, slab, position, reserveBytes) {
      const attachments: Uint8Array[] = []
      const text = JSON.stringify(value, (_key, part: unknown) => {
        if (!(part instanceof Attached)) return part
        attachments.push(part.bytes)
        return { attachment: attachments.length - 1 }
      })
      if (text === undefined) throw new EncodeError(`${rootPath} can't be sent`, { path: rootPath })
      const start = position + reserveBytes
      const bodyBytes = Buffer.byteLength(text)
      if (start + bodyBytes <= slab.length) {
        slab.write(text, start)
        return { buffer: slab, start, end: start + bodyBytes, flags: 0, attachments }
      }
      const buffer = Buffer.allocUnsafeSlow(reserveBytes + bodyBytes)
      buffer.write(text, reserveBytes)
      return { buffer, start: reserveBytes, end: buffer.length, flags: 0, attachments }
    },
    decode(body) {
      return JSON.parse(body.buffer.toString('utf8', body.start, body.end), (_key, part: unknown) => {
        const index = (part as { attachment?: number } | null)?.attachment
        return index === undefined ? part : body.attachments[index]
      })
    },
  }
}
