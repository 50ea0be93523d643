import type { Socket } from 'node:net'
import { adoptSocket, LaneSocket, type ReadInPlace } from './lane-socket.ts'
import type { Transport, TransportReceiver } from './transport.ts'

/** Where bytes go before `start`, and after `close`. */
const ownBufferBytes = 16 * 1024

/** How a `socketTransport` reads. */
export interface SocketTransportOptions {
  /**
   * Take the socket's handle over, so that bytes are read in place. It needs a property of sockets that isn't
   * documented; where that is missing, and with `false`, bytes are copied out of 'data' events. Default `true`.
   */
  readonly readInPlace?: boolean
}

/**
 * A lane over a connected socket that somebody else made: the `stdio` of a child, or one that a server accepted.
 * To be called in the turn that gave the socket, before it has read anything. The socket is the lane's from then
 * on: don't use it, don't listen to it. It is destroyed when the lane ends.
 */
export function socketTransport(
  kind: string,
  socket: Socket,
  options: SocketTransportOptions = {},
): Transport {
  const mayAdopt = options.readInPlace !== false
  return new SocketLane(kind, (onread) => (mayAdopt && adoptSocket(socket, onread)) || socket, socket)
}

/**
 * A lane over an open descriptor of this process, such as one inherited from the parent.
 * @throws if the descriptor is not open, or is no pipe or socket
 */
export function descriptorTransport(kind: string, fd: number): Transport {
  return new SocketLane(kind, (onread) => new LaneSocket({ fd }, onread))
}

class SocketLane implements Transport {
  readonly kind: string
  readonly #socket: Socket
  /** The socket that was given; an empty shell if its handle was taken. `child_process` waits for its close. */
  readonly #given: Socket | undefined
  #receiver: TransportReceiver | undefined
  #ownBuffer: Buffer | undefined
  /** Bytes that came and were not told, because the receiver paused in the middle of them. */
  #held: Uint8Array | undefined
  #error: Error | undefined
  #isClosing = false
  #isPaused = true
  #isOver = false
  #owesDrained = false

  constructor(kind: string, open: (onread: ReadInPlace) => Socket, given?: Socket) {
    this.kind = kind
    this.#given = given
    const socket = open({
      buffer: () => this.#target(),
      callback: (length, buffer) => this.#read(length, buffer),
    })
    this.#socket = socket
    if (!(socket instanceof LaneSocket))
      socket.on('data', (bytes: Buffer) => this.#deliver(bytes, bytes.length))
    socket.on('error', (error) => (this.#error ??= error))
    // Half a lane is no use: the end of one direction ends both.
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#over())
    socket.pause()
    socket.unref()
    if (socket.destroyed) process.nextTick(() => this.#over())
  }

  get pendingBytes(): number {
    return this.#socket.writableLength
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver
    if (this.#isOver) process.nextTick(() => receiver.closed(this.#closedBy))
    else this.resume()
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    if (this.#isClosing || socket.destroyed) return true
    const last = chunks.length - 1
    if (last > 0) socket.cork()
    for (let index = 0; index < last; index++) socket.write(chunks[index]!)
    if (last >= 0) socket.write(chunks[last]!, this.#written)
    if (last > 0) socket.uncork()
    if (socket.writableLength === 0) return true
    this.#owesDrained = true
    return false
  }

  pause(): void {
    this.#isPaused = true
    if (!this.#isClosing) this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#held !== undefined) process.nextTick(this.#deliverHeld)
    else if (this.#receiver !== undefined) this.#socket.resume()
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    const socket = this.#socket
    if (socket instanceof LaneSocket && socket.brokenBy !== undefined) {
      socket.destroy()
      return
    }
    socket.end()
    // What still comes is read and dropped, so that we see the other side's end. To close with unread bytes in
    // the kernel would be a reset, which takes away from the other side what it hasn't read.
    socket.resume()
  }

  destroy(): void {
    this.#isClosing = true
    this.#socket.destroy()
  }

  readonly #written = (): void => {
    if (!this.#owesDrained || this.#socket.writableLength > 0) return
    this.#owesDrained = false
    if (!this.#isOver) this.#receiver?.drained()
  }

  #target(): Uint8Array {
    if (this.#receiver === undefined || this.#isClosing)
      return (this.#ownBuffer ??= Buffer.allocUnsafe(ownBufferBytes))
    return this.#receiver.target()
  }

  #read(byteLength: number, buffer: Uint8Array): boolean {
    if (this.#isClosing || this.#receiver === undefined) return true
    // The first read after `start` still goes to the buffer that was named before it.
    if (buffer === this.#ownBuffer) this.#deliver(buffer, byteLength)
    else this.#tell(byteLength)
    return true
  }

  /** Bytes that were not read in place: copied to the receiver's targets. */
  #deliver(bytes: Uint8Array, byteLength: number): void {
    let at = 0
    while (at < byteLength && !this.#isClosing) {
      if (this.#isPaused) {
        this.#held = Buffer.from(bytes.subarray(at, byteLength))
        return
      }
      const target = this.#receiver!.target()
      const part = bytes.subarray(at, Math.min(byteLength, at + target.length))
      target.set(part)
      at += part.length
      this.#tell(part.length)
    }
  }

  readonly #deliverHeld = (): void => {
    const held = this.#held
    if (held === undefined || this.#isPaused) return
    this.#held = undefined
    this.#deliver(held, held.length)
    if (!this.#isPaused) this.#socket.resume()
  }

  #tell(byteLength: number): void {
    try {
      this.#receiver!.received(byteLength)
    } catch (error) {
      // Thrown on from here it would keep Node.js from asking for the next target, and the next read would go
      // to the last one again. So it is thrown from a task of its own.
      process.nextTick(() => {
        throw error
      })
    }
  }

  get #closedBy(): Error | undefined {
    const socket = this.#socket
    return this.#error ?? (socket instanceof LaneSocket ? socket.brokenBy : undefined)
  }

  #over(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#isClosing = true
    this.#given?.destroy()
    this.#receiver?.closed(this.#closedBy)
  }
}
