import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import type { Socket } from 'node:net'

/** Opcode of the frame by which a WebSocket is closed. */
const closing = 8
const lastFragment = 0x80

/**
 * Attaches to an inspector as debuggers do, over a WebSocket, and lets go when it is asked to. Enough for messages of
 * under 126 bytes; what comes is not read, only looked at for the end.
 */
export class DebuggerClient {
  readonly #socket: Socket
  #lastId = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    let unread = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => {
      unread = Buffer.concat([unread, bytes])
      for (let length = frameBytes(unread); length <= unread.length; length = frameBytes(unread)) {
        if ((unread[0]! & 15) === closing) this.#close()
        unread = unread.subarray(length)
      }
    })
  }

  /** @throws {Error} if nothing listens there */
  static async attach(debugUrl: string): Promise<DebuggerClient> {
    const handshake = request(debugUrl.replace('ws:', 'http:'), {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
    })
    handshake.end()
    const [, socket] = (await once(handshake, 'upgrade')) as [unknown, Socket]
    return new DebuggerClient(socket)
  }

  send(method: string): void {
    this.#write(1, Buffer.from(JSON.stringify({ id: ++this.#lastId, method })))
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #close(): void {
    this.#write(closing, Buffer.alloc(0))
    this.#socket.end()
  }

  /** A client masks what it sends; the mask is zero. */
  #write(opcode: number, body: Buffer): void {
    this.#socket.write(
      Buffer.concat([Buffer.from([lastFragment | opcode, 0x80 | body.length, 0, 0, 0, 0]), body]),
    )
  }
}

/** Bytes of the first frame, or Infinity where its head is not there yet. */
function frameBytes(bytes: Buffer): number {
  if (bytes.length < 2) return Infinity
  const short = bytes[1]! & 127
  if (short < 126) return 2 + short
  if (short === 126) return bytes.length < 4 ? Infinity : 4 + bytes.readUInt16BE(2)
  return bytes.length < 10 ? Infinity : 10 + Number(bytes.readBigUInt64BE(2))
}
