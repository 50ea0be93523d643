/** What a relay writes first. What came before it was written by something else: a login shell, a banner. */
export const preamble = Buffer.from('\n\0maltster relay 1\0\n', 'latin1')

/** So much may come before it. */
export const maxJunkBytes = 64 * 1024

/** Looks for the preamble at the beginning of a stream. */
export class PreambleSearch {
  readonly #onJunk: (junk: Buffer) => void
  #tail = Buffer.alloc(0)
  #junkBytes = 0
  #isFound = false

  /** @param onJunk - is given what came before the preamble, in order */
  constructor(onJunk: (junk: Buffer) => void) {
    this.#onJunk = onJunk
  }

  get isFound(): boolean {
    return this.#isFound
  }

  /**
   * Takes what has come, and answers what follows the preamble, once it was found.
   * @throws {Error} if too much came without it
   */
  read(chunk: Buffer): Buffer {
    if (this.#isFound) return chunk
    const bytes = Buffer.concat([this.#tail, chunk])
    const at = bytes.indexOf(preamble)
    this.#isFound = at >= 0
    // The last bytes may be the beginning of the preamble.
    const junkEnd = this.#isFound ? at : Math.max(0, bytes.length - preamble.length + 1)
    this.#tail = bytes.subarray(junkEnd)
    const junk = bytes.subarray(0, junkEnd)
    this.#junkBytes += junk.length
    if (junk.length > 0) this.#onJunk(junk)
    if (this.#junkBytes > maxJunkBytes) {
      throw new Error(`over ${maxJunkBytes} bytes came to stdout, and no relay among them`)
    }
    return this.#isFound ? bytes.subarray(at + preamble.length) : Buffer.alloc(0)
  }

  /** The stream has ended: what was held back belongs to the junk. */
  end(): void {
    const tail = this.#tail
    this.#tail = Buffer.alloc(0)
    if (!this.#isFound && tail.length > 0) this.#onJunk(tail)
  }
}
