import { Socket } from 'node:net'

// What Node.js can do with a socket if nothing is encoded: frames of a length, a number, a kind and a spare word,
// read in place, written once a turn. Both ends of the raw peer; the floor that the others are held against.

const headerBytes = 16
const landingBytes = 64 * 1024

/** Kinds of frames: send the body back; answer a checksum of it; answer `aux` bytes; answer a row of blocks. */
export const kinds = { echo: 0, take: 1, give: 2, pour: 3 }

/** @typedef {(id: number, kind: number, aux: number, body: Buffer) => void} OnFrame */

export class RawLink {
  #onFrame
  #socket
  #landing = Buffer.allocUnsafeSlow(landingBytes)
  #filled = 0
  /** @type {{ id: number, kind: number, aux: number, body: Buffer, filled: number } | undefined} */
  #large
  #slab = Buffer.allocUnsafeSlow(landingBytes)
  #position = 0
  #isScheduled = false
  #flush = () => this.flush()

  /**
   * @param {{ fd: number } | { handle: unknown }} source
   * @param {OnFrame} onFrame
   */
  constructor(source, onFrame) {
    this.#onFrame = onFrame
    const onread = {
      buffer: () => this.#target(),
      callback: (/** @type {number} */ byteLength) => {
        this.#received(byteLength)
        return true
      },
    }
    const options = { ...source, readable: true, writable: true, onread }
    this.#socket = new Socket(options)
    this.#socket.on('error', () => this.#socket.destroy())
    this.#socket.resume()
  }

  /**
   * @param {number} id
   * @param {number} kind
   * @param {number} aux
   * @param {Uint8Array} body
   */
  send(id, kind, aux, body) {
    const isLarge = body.length > landingBytes / 4
    if (this.#position + headerBytes + body.length > this.#slab.length || isLarge) this.flush()
    const slab = this.#slab
    const at = this.#position
    slab.writeUInt32LE(body.length, at)
    slab.writeUInt32LE(id, at + 4)
    slab.writeUInt32LE(kind, at + 8)
    slab.writeUInt32LE(aux, at + 12)
    this.#position = at + headerBytes
    if (isLarge) {
      this.flush()
      this.#socket.write(body)
      return
    }
    slab.set(body, this.#position)
    this.#position += body.length
    if (this.#isScheduled) return
    this.#isScheduled = true
    process.nextTick(this.#flush)
  }

  flush() {
    this.#isScheduled = false
    if (this.#position === 0) return
    this.#socket.write(this.#slab.subarray(0, this.#position))
    if (this.#socket.writableLength > 0) this.#slab = Buffer.allocUnsafeSlow(landingBytes)
    this.#position = 0
  }

  /** Bytes that have not left. */
  get pendingBytes() {
    return this.#socket.writableLength
  }

  /** @returns {Promise<void>} when all bytes have left */
  async drained() {
    if (this.pendingBytes > 0) await new Promise((resolve) => this.#socket.once('drain', resolve))
  }

  destroy() {
    this.#socket.destroy()
  }

  #target() {
    if (this.#large !== undefined) return this.#large.body.subarray(this.#large.filled)
    return this.#filled === 0 ? this.#landing : this.#landing.subarray(this.#filled)
  }

  /** @param {number} byteLength */
  #received(byteLength) {
    const large = this.#large
    if (large !== undefined) {
      large.filled += byteLength
      if (large.filled < large.body.length) return
      this.#large = undefined
      this.#onFrame(large.id, large.kind, large.aux, large.body)
      return
    }
    this.#filled += byteLength
    this.#walk()
  }

  #walk() {
    const landing = this.#landing
    const filled = this.#filled
    let at = 0
    while (filled - at >= headerBytes) {
      const length = landing.readUInt32LE(at)
      const id = landing.readUInt32LE(at + 4)
      const kind = landing.readUInt32LE(at + 8)
      const aux = landing.readUInt32LE(at + 12)
      const start = at + headerBytes
      if (length > landingBytes / 4) {
        const body = Buffer.allocUnsafeSlow(length)
        this.#large = { id, kind, aux, body, filled: landing.copy(body, 0, start, filled) }
        at = filled
        break
      }
      if (start + length > filled) break
      at = start + length
      this.#onFrame(id, kind, aux, landing.subarray(start, at))
    }
    if (at > 0 && at < filled) landing.copy(landing, 0, at, filled)
    this.#filled = filled - at
  }
}
