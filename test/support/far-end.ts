import { createHash, type Hash } from 'node:crypto'
import type { Transport, TransportReceiver } from '../../src/transport/transport.ts'
import { patternBytes } from './frame-bytes.ts'

/** What an end of a lane has seen. */
export interface EndReport {
  readonly receivedBytes: number
  /** Of all that was received, in order. */
  readonly sha256: string
  readonly drainedCount: number
  readonly closedCount: number
  /** Message of the error, `null` for none: reports travel as JSON. */
  readonly closedBy: string | null
  readonly pendingBytes: number
}

/** What the other end of a lane, which may be in another process, does on request. */
export interface FarEnd {
  /** Writes the bytes of a pattern; answers what `write` did. */
  send(byteLength: number, seed: number): Promise<boolean>
  /** Sends everything it receives back. */
  mirror(): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  close(): Promise<void>
  destroy(): Promise<void>
  /** Resolves once that many bytes have been received. */
  hasReceived(byteLength: number): Promise<EndReport>
  hasClosed(): Promise<EndReport>
  report(): Promise<EndReport>
}

/** The sha256 of the patterns that these `send`s write. */
export function patternHash(...sends: readonly (readonly [byteLength: number, seed: number])[]): string {
  const hash = createHash('sha256')
  for (const [byteLength, seed] of sends) hash.update(patternBytes(byteLength, seed))
  return hash.digest('hex')
}

/** An end of a lane in this process: a receiver that hashes and counts, and the requests on it. */
export class LaneEnd implements FarEnd, TransportReceiver {
  readonly transport: Transport
  readonly #target = Buffer.alloc(64 * 1024)
  readonly #hash: Hash = createHash('sha256')
  #isMirror = false
  #receivedBytes = 0
  #drainedCount = 0
  #closedCount = 0
  #closedBy: string | null = null
  #waiters: (() => void)[] = []

  constructor(transport: Transport, start = true) {
    this.transport = transport
    if (start) transport.start(this)
  }

  target(): Uint8Array {
    return this.#target
  }

  received(byteLength: number): void {
    const bytes = this.#target.subarray(0, byteLength)
    this.#hash.update(bytes)
    this.#receivedBytes += byteLength
    if (this.#isMirror && !this.transport.write([Buffer.from(bytes)])) this.transport.pause()
    this.#changed()
  }

  drained(): void {
    this.#drainedCount++
    if (this.#isMirror) this.transport.resume()
    this.#changed()
  }

  closed(error: Error | undefined): void {
    this.#closedCount++
    this.#closedBy = error?.message ?? null
    this.#changed()
  }

  async send(byteLength: number, seed: number): Promise<boolean> {
    const bytes = patternBytes(byteLength, seed)
    const half = Math.floor(byteLength / 2)
    return this.transport.write([bytes.subarray(0, half), bytes.subarray(half)])
  }

  async mirror(): Promise<void> {
    this.#isMirror = true
  }

  async pause(): Promise<void> {
    this.transport.pause()
  }

  async resume(): Promise<void> {
    this.transport.resume()
  }

  async close(): Promise<void> {
    this.transport.close()
  }

  async destroy(): Promise<void> {
    this.transport.destroy()
  }

  async hasReceived(byteLength: number): Promise<EndReport> {
    return this.until(() => this.#receivedBytes >= byteLength)
  }

  async hasClosed(): Promise<EndReport> {
    return this.until(() => this.#closedCount > 0)
  }

  async hasDrained(): Promise<EndReport> {
    return this.until(() => this.#drainedCount > 0)
  }

  async report(): Promise<EndReport> {
    return {
      receivedBytes: this.#receivedBytes,
      sha256: this.#hash.copy().digest('hex'),
      drainedCount: this.#drainedCount,
      closedCount: this.#closedCount,
      closedBy: this.#closedBy,
      pendingBytes: this.transport.pendingBytes,
    }
  }

  /** Resolves as soon as something happens on the lane after which the condition holds. */
  async until(isMet: () => boolean): Promise<EndReport> {
    while (!isMet()) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    return this.report()
  }

  #changed(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter()
  }
}
