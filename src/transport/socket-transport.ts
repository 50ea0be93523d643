import type { Socket } from 'node:net'
import { adoptSocket, type FixedBufferRead, openSocket } from './fixed-buffer-socket.ts'
import type { Transport, TransportReceiver } from './transport.ts'
import { WriteGuard } from './write-guard.ts'

// Taken before user code can replace them.
const { nextTick } = process
const { setImmediate } = globalThis

/** Bytes of one read. */
const readBytes = 64 * 1024

/** To copy so few bytes one by one costs less than a call. */
const tinyBytes = 64

/** How a `socketTransport` reads. */
export interface SocketTransportOptions {
  /**
   * Take the socket's handle over, so that it reads without allocating (an allocation for each read is what makes
   * its slowest ones slow). It needs a property of sockets that isn't documented; where that is missing, and with
   * `false`, bytes come by 'data' events. Default `true`.
   */
  readonly adoptHandle?: boolean
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
  const mayAdopt = options.adoptHandle !== false
  return new SocketLane(kind, (onread) => (mayAdopt && adoptSocket(socket, onread)) || socket, socket)
}

/**
 * A lane over an open descriptor of this process, such as one inherited from the parent.
 * @throws if the descriptor is not open, or is no pipe or socket
 */
export function descriptorTransport(kind: string, fd: number): Transport {
  return new SocketLane(kind, (onread) => openSocket({ fd }, onread), undefined, fd)
}

class SocketLane implements Transport {
  readonly kind: string
  readonly descriptor: number | undefined
  readonly #socket: Socket
  readonly #guard: WriteGuard
  /** The socket that was given; an empty shell if its handle was taken. `child_process` waits for its close. */
  readonly #given: Socket | undefined
  #receiver: TransportReceiver | undefined
  /** Bytes that came and have not been told. */
  #held: Uint8Array | undefined
  #error: Error | undefined
  #isClosing = false
  #isPaused = true
  #isOver = false
  #owesDrained = false
  #givenBytes = 0

  constructor(kind: string, open: (onread: FixedBufferRead) => Socket, given?: Socket, descriptor?: number) {
    this.kind = kind
    this.descriptor = descriptor
    this.#given = given
    const buffer = Buffer.allocUnsafeSlow(readBytes)
    const callback = (byteLength: number): boolean => {
      this.#deliver(buffer, byteLength)
      return true
    }
    const socket = open({ buffer, callback })
    this.#socket = socket
    this.#guard = new WriteGuard(socket)
    if (socket === given) socket.on('data', (bytes: Buffer) => this.#deliver(bytes, bytes.length))
    socket.on('error', (error) => (this.#error ??= error))
    // Half a lane is no use: the end of one direction ends both.
    socket.on('end', () => socket.destroy())
    socket.on('close', () => this.#endIfClosed())
    socket.pause()
    socket.unref()
    if (socket.destroyed) nextTick(() => this.#endIfClosed())
  }

  get pendingBytes(): number {
    return this.#socket.writableLength
  }

  get heldBytes(): number {
    return this.#givenBytes - this.#guard.startedBytes
  }

  get unreadWriteBytes(): number | undefined {
    // What a unix socket says whose other end was closed with bytes in it; on the network it may mean other things.
    const error: NodeJS.ErrnoException | undefined = this.#error
    const isUnread = error?.code === 'ECONNRESET' && this.kind !== 'tcp'
    return isUnread ? this.#guard.lastWriteBytes : undefined
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver
    if (this.#isOver) nextTick(() => receiver.closed(this.#closedBy))
    else this.resume()
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const socket = this.#socket
    for (const chunk of chunks) this.#givenBytes += chunk.byteLength
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
    if (this.#held !== undefined) setImmediate(this.#deliverHeld)
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
    if (this.#guard.brokenBy !== undefined || socket.closed) {
      this.destroy()
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
    nextTick(() => this.#endIfClosed())
  }

  readonly #written = (): void => {
    if (!this.#owesDrained || this.#socket.writableLength > 0) return
    this.#owesDrained = false
    if (!this.#isOver) this.#receiver?.drained()
  }

  /** Copies what was read to the receiver's targets. */
  #deliver(bytes: Uint8Array, byteLength: number): void {
    let at = 0
    while (at < byteLength && !this.#isClosing) {
      const receiver = this.#receiver
      if (this.#isPaused || receiver === undefined || this.#held !== undefined) {
        this.#hold(bytes.subarray(at, byteLength))
        return
      }
      const target = receiver.target()
      const count = Math.min(target.length, byteLength - at)
      copy(bytes, at, target, count)
      at += count
      this.#tell(receiver, count)
    }
  }

  /** Keeps what the receiver doesn't want now, and stops reading. */
  #hold(bytes: Uint8Array): void {
    this.#held = this.#held === undefined ? Buffer.from(bytes) : Buffer.concat([this.#held, bytes])
    // Again, for somebody else may have resumed it: `child_process` does with the streams of a child that exited.
    this.#socket.pause()
  }

  readonly #deliverHeld = (): void => {
    const held = this.#held
    if (held === undefined || this.#isPaused) return
    this.#held = undefined
    this.#deliver(held, held.length)
    if (!this.#isPaused) this.#socket.resume()
    this.#endIfClosed()
  }

  #tell(receiver: TransportReceiver, byteLength: number): void {
    try {
      receiver.received(byteLength)
    } catch (error) {
      // The rest of the bytes is not to be lost by it.
      globalThis.setImmediate(() => {
        throw error
      })
    }
  }

  get #closedBy(): Error | undefined {
    return this.#error ?? this.#guard.brokenBy
  }

  /** Once the socket is closed, and what came before that has been told. */
  #endIfClosed(): void {
    if (this.#isOver || !this.#socket.closed || (this.#held !== undefined && !this.#isClosing)) return
    this.#isOver = true
    this.#isClosing = true
    this.#given?.destroy()
    this.#receiver?.closed(this.#closedBy)
  }
}

function copy(source: Uint8Array, start: number, target: Uint8Array, count: number): void {
  if (count > tinyBytes) target.set(source.subarray(start, start + count))
  else for (let at = 0; at < count; at++) target[at] = source[start + at]!
}
