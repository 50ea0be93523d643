import type { Transport, TransportReceiver } from './transport.ts'

// Taken before user code can replace them.
const { nextTick } = process
const { clearInterval, setInterval } = globalThis

/** A timer that does nothing holds the event loop as an open socket does. Longest delay that Node.js takes. */
const holdMs = 2 ** 31 - 1

/** What is to be known of a lane besides that it is one. */
export interface AttachOptions {
  /** Gives the receiver to a lane that somebody has started and read from before. Default: `lane.start`. */
  readonly start?: (receiver: TransportReceiver) => void
  /** The open descriptor of the lane. Default: `lane.descriptor`. */
  readonly descriptor?: () => number | undefined
}

/**
 * A lane that can be used before it exists: what is written waits until the real one is attached, and goes first.
 *
 * Until then everything written is held. `close` ends it at once if nothing waits, else after what waits was sent;
 * `destroy` and `fail` end it at once.
 */
export class DeferredTransport implements Transport {
  readonly kind: string
  readonly #onAbandoned: (() => void) | undefined
  #lane: Transport | undefined
  #startLane: ((receiver: TransportReceiver) => void) | undefined
  #descriptor: (() => number | undefined) | undefined
  #receiver: TransportReceiver | undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #hold: NodeJS.Timeout | undefined
  #isPaused = false
  #isClosing = false
  /** Over without ever having been real. */
  #isOver = false
  #closedBy: Error | undefined
  #owesDrained = false

  /** @param onAbandoned - called when the user of the lane ends it before it is real: nobody needs to make it */
  constructor(kind: string, onAbandoned?: () => void) {
    this.kind = kind
    this.#onAbandoned = onAbandoned
  }

  get descriptor(): number | undefined {
    return this.#descriptor === undefined ? this.#lane?.descriptor : this.#descriptor()
  }

  get pendingBytes(): number {
    return this.#lane === undefined ? this.#waitingBytes : this.#lane.pendingBytes
  }

  get heldBytes(): number {
    return this.#lane === undefined ? this.#waitingBytes : this.#lane.heldBytes
  }

  get unreadWriteBytes(): number | undefined {
    return this.#lane?.unreadWriteBytes
  }

  /** The real lane is there. One that comes after the end, or second, is destroyed. */
  attach(lane: Transport, options: AttachOptions = {}): void {
    if (this.#isOver || this.#lane !== undefined) {
      lane.destroy()
      return
    }
    const waiting = this.#waiting
    this.#waiting = []
    this.#waitingBytes = 0
    this.#startLane = options.start ?? ((receiver) => lane.start(receiver))
    this.#descriptor = options.descriptor
    this.#lane = lane
    if (this.#hold !== undefined) lane.ref()
    this.#letGo()
    if (waiting.length > 0 && lane.write(waiting)) nextTick(this.#tellDrained)
    if (this.#receiver !== undefined) this.#startLane(this.#receiver)
    if (this.#isPaused) lane.pause()
    if (this.#isClosing) lane.close()
  }

  /** There will be no real lane. Does nothing if there is one. */
  fail(error: Error | undefined): void {
    if (this.#lane === undefined) this.#end(error)
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver
    this.#isPaused = false
    if (this.#isOver) nextTick(() => receiver.closed(this.#closedBy))
    if (this.#startLane === undefined) return
    nextTick(this.#tellDrained)
    this.#startLane(receiver)
  }

  write(chunks: readonly Uint8Array[]): boolean {
    const lane = this.#lane
    if (lane !== undefined) {
      const hasLeft = lane.write(chunks)
      if (!hasLeft && this.#receiver === undefined) this.#owesDrained = true
      return hasLeft
    }
    if (this.#isClosing) return true
    for (const chunk of chunks) {
      if (chunk.byteLength === 0) continue
      this.#waiting.push(chunk)
      this.#waitingBytes += chunk.byteLength
    }
    if (this.#waitingBytes === 0) return true
    this.#owesDrained = true
    return false
  }

  pause(): void {
    this.#isPaused = true
    this.#lane?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#lane?.resume()
  }

  ref(): void {
    if (this.#lane !== undefined) this.#lane.ref()
    else if (!this.#isOver) this.#hold ??= setInterval(() => {}, holdMs)
  }

  unref(): void {
    this.#lane?.unref()
    this.#letGo()
  }

  close(): void {
    if (this.#lane !== undefined) {
      this.#lane.close()
      return
    }
    this.#isClosing = true
    if (this.#waitingBytes === 0) this.#abandon()
  }

  destroy(): void {
    if (this.#lane === undefined) this.#abandon()
    else this.#lane.destroy()
  }

  #abandon(): void {
    if (this.#isOver) return
    this.#end(undefined)
    this.#onAbandoned?.()
  }

  #end(error: Error | undefined): void {
    if (this.#isOver) return
    this.#closedBy = error
    this.#isClosing = true
    this.#isOver = true
    this.#waiting = []
    this.#waitingBytes = 0
    this.#letGo()
    const receiver = this.#receiver
    if (receiver !== undefined) nextTick(() => receiver.closed(error))
  }

  #letGo(): void {
    clearInterval(this.#hold)
    this.#hold = undefined
  }

  /** What the real lane can't tell: bytes that it took at once, and those that left before there was a receiver. */
  readonly #tellDrained = (): void => {
    const receiver = this.#receiver
    if (!this.#owesDrained || receiver === undefined) return
    this.#owesDrained = false
    // Else the real lane will tell.
    if (this.#lane?.pendingBytes === 0) receiver.drained()
  }
}
