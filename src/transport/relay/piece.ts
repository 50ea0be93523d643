/**
 * What a multiplexed stream is made of. A piece is a head of 8 bytes, and as many bytes as the head says:
 * kind (1), channel (1), two zeros, a number (4, little-endian).
 */
export const pieceKind = {
  /** Bytes of a channel; the number says how many follow. */
  bytes: 1,
  /** The receiver of a channel has taken that many bytes: as many more may be sent. Nothing follows. */
  credit: 2,
  /** No more bytes come on this channel, and none are wanted. Nothing follows. */
  end: 3,
  /** One message, as JSON; the number says how many bytes follow. */
  message: 4,
} as const

const headBytes = 8
/** The most bytes of one piece: what is urgent waits for no more than that. */
export const maxPieceBytes = 64 * 1024
/** The most bytes of a message: an environment and a command line fit. */
const maxMessageBytes = 16 * 2 ** 20

/** The head of a piece. */
export function encodeHead(kind: number, channel: number, count: number): Buffer {
  const head = Buffer.alloc(headBytes)
  head[0] = kind
  head[1] = channel
  head.writeUInt32LE(count, 4)
  return head
}

/** Takes pieces as they come. */
export interface PieceListener {
  /** Some bytes of a channel; a piece may come in several parts. */
  bytes(channel: number, bytes: Buffer): void
  credit(channel: number, count: number): void
  end(channel: number): void
  message(message: unknown): void
}

/** Cuts a stream into pieces, however it arrives. Keeps nothing but a head and a message that are not complete. */
export class PieceReader {
  readonly #listener: PieceListener
  #head = Buffer.alloc(0)
  #kind = 0
  #channel = 0
  #left = 0
  #message: Buffer[] = []

  constructor(listener: PieceListener) {
    this.#listener = listener
  }

  /** @throws {Error} if this is not such a stream */
  read(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) rest = this.#left > 0 ? this.#readBody(rest) : this.#readHead(rest)
  }

  #readHead(chunk: Buffer): Buffer {
    const wanted = headBytes - this.#head.length
    this.#head = Buffer.concat([this.#head, chunk.subarray(0, wanted)])
    if (this.#head.length === headBytes) {
      const head = this.#head
      this.#head = Buffer.alloc(0)
      this.#begin(head[0]!, head[1]!, head.readUInt16LE(2), head.readUInt32LE(4))
    }
    return chunk.subarray(wanted)
  }

  #begin(kind: number, channel: number, zero: number, count: number): void {
    if (zero === 0) {
      if (kind === pieceKind.credit) return this.#listener.credit(channel, count)
      if (kind === pieceKind.end && count === 0) return this.#listener.end(channel)
      const most = kind === pieceKind.bytes ? maxPieceBytes : kind === pieceKind.message ? maxMessageBytes : 0
      if (count > 0 && count <= most) {
        this.#kind = kind
        this.#channel = channel
        this.#left = count
        return
      }
    }
    throw new Error(`a piece of kind ${kind} with the number ${count} is none of the relay's`)
  }

  #readBody(chunk: Buffer): Buffer {
    const part = chunk.subarray(0, this.#left)
    this.#left -= part.length
    if (this.#kind === pieceKind.bytes) this.#listener.bytes(this.#channel, part)
    else {
      this.#message.push(part)
      if (this.#left === 0) {
        const text = Buffer.concat(this.#message).toString('utf8')
        this.#message = []
        this.#listener.message(JSON.parse(text))
      }
    }
    return chunk.subarray(part.length)
  }
}
