import type { Codec, EncodedBody, IncomingBody } from '../../transport/codec.ts'
import { messageCodec } from '../../transport/codec/message-codec.ts'
import { encodedBytes } from '../../transport/frame-writer.ts'
import { encodeToKeep } from '../../transport/kept-body.ts'
import type { Limits } from '../../transport/limits.ts'
import { liveKind } from '../../transport/live-values.ts'
import { servedBy } from './live-object.ts'

/** A value as it was when it was sent: as bytes, or, if something in it lives somewhere, as a copy. */
export type Snapshot =
  | { readonly body: EncodedBody; readonly byteLength: number }
  | { readonly value: unknown; readonly byteLength: number }

/** Copies values as they would be sent, before it is known where to. */
export class Snapshots {
  readonly #codec: Codec
  /** Live parts of the value that is being copied. */
  #live: object[] = []

  constructor(limits: Limits) {
    this.#codec = messageCodec(limits, {
      lower: (value) =>
        servedBy(value) === undefined
          ? undefined
          : { kind: liveKind.home, number: this.#live.push(value) - 1, data: null },
      raise: ({ number }) => this.#live[number],
    })
  }

  /** @throws {EncodeError} if it can't be sent */
  take(value: unknown): Snapshot {
    // A getter of the value may send another one.
    const outer = this.#live
    this.#live = []
    try {
      return this.#take(value)
    } finally {
      this.#live = outer
    }
  }

  #take(value: unknown): Snapshot {
    const body = encodeToKeep(this.#codec, value, 'value')
    const byteLength = encodedBytes(body)
    if (this.#live.length === 0) return { body, byteLength }
    return { value: this.#codec.decode(incoming(body)), byteLength }
  }

  /** The value of a snapshot, for one who takes it here. Once: it takes over the memory. */
  read(snapshot: Snapshot): unknown {
    return 'body' in snapshot ? this.#codec.decode(incoming(snapshot.body)) : snapshot.value
  }
}

const incoming = (body: EncodedBody): IncomingBody => ({
  ...body,
  attachments: body.attachments.map(({ buffer }) => buffer as ArrayBuffer),
})
