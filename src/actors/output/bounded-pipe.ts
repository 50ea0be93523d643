import { Readable } from 'node:stream'

import { ByteRing } from './byte-ring.ts'
import type { OutputSink } from './output-sink.ts'

/** What the Readable itself holds, besides what waits here. */
const readAheadBytes = 16_384

/**
 * Output as a `Readable` of raw bytes that never keeps its writer waiting: a reader that is behind by more than
 * `maxBufferedBytes` loses the oldest bytes, and their number is told. After the end what is left can be read.
 */
export class BoundedPipe implements OutputSink {
  readonly stream: Readable
  readonly #waiting: ByteRing
  readonly #onDropped: ((bytes: number) => void) | undefined
  #isWanted = false
  #hasEnded = false
  #droppedBytes = 0
  #untoldBytes = 0

  constructor(maxBufferedBytes: number, onDropped?: (bytes: number) => void) {
    this.#waiting = new ByteRing(maxBufferedBytes)
    this.#onDropped = onDropped
    this.stream = new Readable({
      highWaterMark: Math.min(readAheadBytes, maxBufferedBytes),
      read: () => {
        this.#isWanted = true
        this.#pump()
      },
      destroy: (error, callback) => {
        this.#waiting.clear()
        callback(error)
      },
    })
  }

  get droppedBytes(): number {
    return this.#droppedBytes
  }

  write(bytes: Buffer): void {
    // A reader that has gone loses nothing, and the writer goes on.
    if (this.stream.destroyed || bytes.length === 0) return
    if (this.#isWanted && this.#waiting.length === 0) this.#isWanted = this.stream.push(bytes)
    else this.#dropped(this.#waiting.write(bytes))
  }

  end(): void {
    this.#hasEnded = true
    if (this.#waiting.length === 0) this.#pump()
  }

  #pump(): void {
    while (this.#isWanted && this.#waiting.length > 0) {
      this.#isWanted = this.stream.push(this.#waiting.read(readAheadBytes))
    }
    if (this.#hasEnded && this.#waiting.length === 0 && !this.stream.destroyed) this.stream.push(null)
  }

  #dropped(bytes: number): void {
    if (bytes === 0) return
    this.#droppedBytes += bytes
    this.#untoldBytes += bytes
    if (this.#onDropped === undefined || this.#untoldBytes > bytes) return
    // Many chunks can arrive in one turn: they are told together.
    setImmediate(() => {
      const untold = this.#untoldBytes
      this.#untoldBytes = 0
      this.#onDropped?.(untold)
    })
  }
}
