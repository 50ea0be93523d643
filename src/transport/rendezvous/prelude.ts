import type { Socket } from 'node:net'
import { type AttachOptions, type DeferredTransport } from '../deferred-transport.ts'
import { socketTransport } from '../socket-transport.ts'
import type { Transport, TransportReceiver } from '../transport.ts'

// Taken before user code can replace it.
const { nextTick } = process

/**
 * What is said on a lane before it is handed to its user: messages of known lengths. Not a byte more than asked for
 * is read, so that what follows in the same packet belongs to the user; the lane holds it.
 *
 * Everything runs on a lane of the ordinary kind, so that nothing has to be made anew at the hand-over, and bytes
 * flow afterwards as on any socket.
 */
export class Prelude implements TransportReceiver {
  readonly #lane: Transport
  readonly #descriptor: () => number | undefined
  readonly #onClosed: (error: Error | undefined) => void
  /** The message under way. */
  #message = Buffer.alloc(0)
  #filled = 0
  #onMessage: ((message: Buffer) => void) | undefined
  #user: TransportReceiver | undefined
  #end: { readonly error: Error | undefined } | undefined

  /**
   * @param socket - connected and untouched: it has read nothing yet
   * @param onClosed - called if the lane ends before it is handed over
   */
  constructor(kind: string, socket: Socket, onClosed: (error: Error | undefined) => void) {
    this.#descriptor = descriptorOf(socket)
    this.#lane = socketTransport(kind, socket)
    this.#onClosed = onClosed
  }

  /** Reads a message of so many bytes, then reads no further. The first call begins to read. */
  expect(byteLength: number, onMessage: (message: Buffer) => void): void {
    const isFirst = this.#message.length === 0
    this.#message = Buffer.alloc(byteLength)
    this.#filled = 0
    this.#onMessage = onMessage
    if (isFirst) this.#lane.start(this)
    else this.#lane.resume()
  }

  write(message: Uint8Array): void {
    this.#lane.write([message])
  }

  destroy(): void {
    this.#lane.destroy()
  }

  /** The lane is the user's from now on. */
  handOver(deferred: DeferredTransport): void {
    const options: AttachOptions = { start: (user) => this.#start(user), descriptor: this.#descriptor }
    deferred.attach(this.#lane, options)
  }

  target(): Uint8Array {
    return this.#user === undefined ? this.#message.subarray(this.#filled) : this.#user.target()
  }

  received(byteLength: number): void {
    if (this.#user !== undefined) {
      this.#user.received(byteLength)
      return
    }
    this.#filled += byteLength
    if (this.#filled < this.#message.length) return
    this.#lane.pause()
    this.#onMessage?.(this.#message)
  }

  drained(): void {
    this.#user?.drained()
  }

  closed(error: Error | undefined): void {
    this.#end = { error }
    if (this.#user === undefined) this.#onClosed(error)
    else this.#user.closed(error)
  }

  #start(user: TransportReceiver): void {
    this.#user = user
    const end = this.#end
    if (end === undefined) this.#lane.resume()
    else nextTick(() => user.closed(end.error))
  }
}

/**
 * The descriptor of a socket as long as it is open: its number may be somebody else's after that. Handles have no
 * public name; `undefined` where this Node.js has none.
 */
function descriptorOf(socket: Socket): () => number | undefined {
  const { _handle: handle } = socket as unknown as { _handle?: { readonly fd?: unknown } | null }
  return () => {
    const descriptor = handle?.fd
    return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined
  }
}
