import { Socket, type SocketConstructorOpts } from 'node:net'

/** How a `LaneSocket` reads: each read goes to the memory that `buffer` names just before it. */
export interface ReadInPlace {
  readonly buffer: () => Uint8Array
  readonly callback: (byteLength: number, buffer: Uint8Array) => boolean
}

/** What a `LaneSocket` is made of: an open descriptor, or the handle of another socket, which lets go of it. */
export type LaneSource = { readonly fd: number } | { readonly handle: object }

type WriteCallback = (error?: Error | null) => void

/**
 * A `net.Socket` that outlives its writing half. An ordinary one is destroyed by the first write that fails, and
 * with it everything the other side said last and we have not read: the reply, or why it ended. Here a failed
 * write is remembered, what follows is dropped, and the reading goes on to its own end.
 */
export class LaneSocket extends Socket {
  /** Why the writing half is over before the reading one, if it is. */
  brokenBy: Error | undefined
  #callback: WriteCallback | undefined
  readonly #written = (error?: Error | null): void => {
    const callback = this.#callback
    this.#callback = undefined
    if (error == null || !isGone(error)) {
      callback?.(error)
      return
    }
    this.brokenBy ??= error
    callback?.()
  }

  constructor(source: LaneSource, onread: ReadInPlace) {
    super(socketOptions(source, onread))
  }

  // Of `_write` and `_writev` a stream calls one at a time, so that one place for the callback is enough.
  override _write(chunk: unknown, encoding: BufferEncoding, callback: WriteCallback): void {
    if (this.brokenBy !== undefined) return callback()
    this.#callback = callback
    super._write(chunk, encoding, this.#written)
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: WriteCallback): void {
    if (this.brokenBy !== undefined) return callback()
    this.#callback = callback
    super._writev!(chunks, this.#written)
  }
}

function socketOptions(source: LaneSource, onread: ReadInPlace): SocketConstructorOpts {
  // The types don't know `onread` here. `handle` is an option of every Node.js so far, documented in none.
  const options = { ...source, readable: true, writable: true, onread }
  return options
}

/** The other side is gone, so that the reading half is sure to end too. */
function isGone(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EPIPE' || code === 'ECONNRESET'
}

/**
 * Makes a `LaneSocket` of the handle of a socket that somebody else made (`child_process`, a server) and that
 * therefore can't be given memory to read to. The old object stays as an empty shell. Handles have no public
 * name: `undefined` where this Node.js has none, or the socket is no longer untouched.
 */
export function adoptSocket(socket: Socket, onread: ReadInPlace): LaneSocket | undefined {
  const shell = socket as unknown as { _handle?: Record<string, unknown> | null }
  const handle = shell._handle
  if (handle === null || typeof handle !== 'object') return undefined
  if (typeof handle['useUserBuffer'] !== 'function' || typeof handle['readStart'] !== 'function')
    return undefined
  const isUntouched = !socket.connecting && !socket.destroyed && socket.readable && socket.writable
  if (!isUntouched || socket.readableLength > 0 || socket.writableLength > 0) return undefined
  const lane = new LaneSocket({ handle }, onread)
  shell._handle = null
  return lane
}
