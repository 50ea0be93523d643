import type { Transport, TransportReceiver } from '../../src/transport/transport.ts'

/**
 * A transport under the test's thumb: whether bytes leave at once is said by `isFast`; while it is not, chunks are
 * held as they are, not copied, until `drain()`, so that an overwritten one shows.
 */
export class RecordingTransport implements Transport {
  readonly kind = 'recording'
  isFast = true
  isPaused = false
  pauses = 0
  writes = 0
  chunkCount = 0
  receiver: TransportReceiver | undefined
  #sent: Buffer[] = []
  #held: Uint8Array[] = []

  /** All bytes that have left. */
  get sent(): Buffer {
    return Buffer.concat(this.#sent)
  }

  get heldBytes(): number {
    return this.pendingBytes
  }

  get pendingBytes(): number {
    return this.#held.reduce((sum, chunk) => sum + chunk.byteLength, 0)
  }

  start(receiver: TransportReceiver): void {
    this.receiver = receiver
  }

  write(chunks: readonly Uint8Array[]): boolean {
    this.writes++
    this.chunkCount += chunks.length
    this.#held.push(...chunks)
    if (this.isFast) this.#leave()
    return this.isFast
  }

  /** What is held leaves. */
  drain(): void {
    this.#leave()
  }

  /** All bytes that have left, and forgets them. */
  takeSent(): Buffer {
    const { sent } = this
    this.#sent = []
    return sent
  }

  /** Lets bytes in, as a read would, target by target. */
  deliver(bytes: Uint8Array): void {
    let at = 0
    while (at < bytes.length) {
      const target = this.receiver!.target()
      const part = bytes.subarray(at, at + target.length)
      target.set(part)
      at += part.length
      this.receiver!.received(part.length)
    }
  }

  pause(): void {
    this.isPaused = true
    this.pauses++
  }

  resume(): void {
    this.isPaused = false
  }

  ref(): void {}
  unref(): void {}
  close(): void {}
  destroy(): void {}

  #leave(): void {
    for (const chunk of this.#held) this.#sent.push(Buffer.from(chunk))
    this.#held = []
  }
}
