import type { Socket } from 'node:net'

type WriteCallback = (error?: Error | null) => void

/**
 * Lets a socket outlive its writing half. An ordinary one is destroyed by the first write that fails, and with it
 * everything the other side said last and we have not read: the reply, or why it ended. Guarded, a failed write is
 * remembered, what follows is dropped, and the reading goes on to its own end.
 */
export class WriteGuard {
  /** Why the writing half is over before the reading one, if it is. */
  brokenBy: Error | undefined
  /**
   * Bytes of all writes that were begun: some of the last one may not have left. What is dropped is never begun, nor is
   * what the system refused at once, as it does when the other side is gone: then it has taken no byte.
   */
  startedBytes = 0
  /** Bytes of the last write that the system took. */
  lastWriteBytes = 0
  /** Of `_write` and `_writev` a stream calls one at a time, so that one place for the callback is enough. */
  #callback: WriteCallback | undefined
  /** Bytes of the write that is being handed to the system; 0 once it has been. */
  #handing = 0

  constructor(socket: Socket) {
    const write = socket._write.bind(socket)
    const writev = socket._writev?.bind(socket)
    socket._write = (chunk, encoding, callback) => {
      if (!this.#admits((chunk as Uint8Array).length, callback)) return
      write(chunk, encoding, this.#written)
      this.#handedOver((chunk as Uint8Array).length)
    }
    if (writev === undefined) return
    socket._writev = (chunks, callback) => {
      const byteLength = chunks.reduce((sum, { chunk }) => sum + (chunk as Uint8Array).length, 0)
      if (!this.#admits(byteLength, callback)) return
      writev(chunks, this.#written)
      this.#handedOver(byteLength)
    }
  }

  #handedOver(byteLength: number): void {
    this.#handing = 0
    if (this.brokenBy === undefined) this.lastWriteBytes = byteLength
  }

  #admits(byteLength: number, callback: WriteCallback): boolean {
    if (this.brokenBy !== undefined) {
      callback()
      return false
    }
    this.#callback = callback
    this.startedBytes += byteLength
    this.#handing = byteLength
    return true
  }

  readonly #written = (error?: Error | null): void => {
    const callback = this.#callback
    this.#callback = undefined
    if (error == null || !isGone(error)) {
      callback?.(error)
      return
    }
    this.brokenBy ??= error
    this.startedBytes -= this.#handing
    this.#handing = 0
    callback?.()
  }
}

/** The other side is gone, so that the reading half is sure to end too. */
function isGone(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EPIPE' || code === 'ECONNRESET'
}
