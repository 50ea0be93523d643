import { constants } from 'node:buffer'
import { StringDecoder } from 'node:string_decoder'

import type { GuardedFunction } from './guarded-function.ts'
import { wholeCharacterBytes } from './utf8-boundary.ts'

const smallestBlock = 1024

/** The first `maxBytes` bytes of what is written to it, as text, and the number of the others. */
export class CapturedText {
  readonly #maxBytes: number
  readonly #onText: GuardedFunction | undefined
  readonly #decoder = new StringDecoder('utf8')
  #block = Buffer.alloc(0)
  #length = 0
  #totalBytes = 0

  constructor(maxBytes: number, onText: GuardedFunction | undefined) {
    this.#maxBytes = Math.min(maxBytes, constants.MAX_STRING_LENGTH)
    this.#onText = onText
  }

  write(bytes: Buffer): void {
    this.#totalBytes += bytes.length
    const room = this.#maxBytes - this.#length
    if (room === 0) return
    const kept = bytes.length > room ? bytes.subarray(0, room) : bytes
    this.#reserve(this.#length + kept.length)
    kept.copy(this.#block, this.#length)
    this.#length += kept.length
    // The decoder holds back a character that is not whole yet; if it never will be, it is never told.
    if (this.#onText !== undefined) this.#tell(this.#decoder.write(kept))
  }

  /** Nothing more is written. */
  take(): { text: string; cutBytes: number } {
    const wasCut = this.#totalBytes > this.#length
    const bytes = wasCut ? wholeCharacterBytes(this.#block, this.#length) : this.#length
    if (!wasCut && this.#onText !== undefined) this.#tell(this.#decoder.end())
    this.#onText?.end()
    const text = this.#block.toString('utf8', 0, bytes)
    this.#block = Buffer.alloc(0)
    return { text, cutBytes: this.#totalBytes - bytes }
  }

  #tell(text: string): void {
    if (text !== '') this.#onText?.call(text)
  }

  #reserve(needed: number): void {
    if (needed <= this.#block.length) return
    const size = Math.min(this.#maxBytes, Math.max(smallestBlock, needed, 2 * this.#block.length))
    const block = Buffer.allocUnsafeSlow(size)
    this.#block.copy(block, 0, 0, this.#length)
    this.#block = block
  }
}
