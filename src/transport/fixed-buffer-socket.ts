import { Socket, type SocketConstructorOpts } from 'node:net'

/**
 * How a socket reads: always to the same memory.
 *
 * Node.js could also ask for other memory before each read, and then it would not have to be copied. But it takes
 * note of the answer only after the ticks that follow the read, and not at all if one of these throws or is
 * terminated; then the next read goes to the memory of the last one, whatever that is by now.
 */
export interface FixedBufferRead {
  readonly buffer: Uint8Array
  /** The first `byteLength` bytes of `buffer` have come. */
  readonly callback: (byteLength: number) => boolean
}

/** What a socket is made of: an open descriptor, or the handle of another socket, which lets go of it. */
export type SocketSource = { readonly fd: number } | { readonly handle: object }

/** Makes a socket that allocates nothing for a read. */
export function openSocket(source: SocketSource, onread: FixedBufferRead): Socket {
  // The types don't know `onread` here. `handle` is an option of every Node.js so far, documented in none.
  const options = { ...source, readable: true, writable: true, onread }
  return new Socket(options satisfies SocketConstructorOpts)
}

/**
 * Makes such a socket of the handle of one that somebody else made (`child_process`, a server). The old object stays
 * as an empty shell. Handles have no public name: `undefined` where this Node.js has none, or the socket is no longer
 * untouched.
 */
export function adoptSocket(socket: Socket, onread: FixedBufferRead): Socket | undefined {
  const shell = socket as unknown as { _handle?: Record<string, unknown> | null }
  const handle = shell._handle
  if (handle === null || typeof handle !== 'object') return undefined
  if (typeof handle['useUserBuffer'] !== 'function' || typeof handle['readStart'] !== 'function')
    return undefined
  const isUntouched = !socket.connecting && !socket.destroyed && socket.readable && socket.writable
  if (!isUntouched || socket.readableLength > 0 || socket.writableLength > 0) return undefined
  const adopted = openSocket({ handle }, onread)
  shell._handle = null
  return adopted
}
