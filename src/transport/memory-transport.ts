import type { Transport, TransportReceiver } from './transport.ts'

/** How a `memoryTransportPair` behaves. */
export interface MemoryTransportOptions {
  /** Runs a task later, never at once, tasks in order. Default `setImmediate`. */
  readonly schedule?: (task: () => void) => void
  /** Bytes that one direction holds, as a kernel's buffer does, before the writer feels it. Default 64 KiB. */
  readonly capacityBytes?: number
  /** The most bytes of one read. Default: as many as there are, and fit the target. */
  readonly readBytes?: number
}

/**
 * Two connected lanes within this process, for everything that wants lanes without processes. They behave as
 * sockets do: bytes arrive in a later task, in pieces, and what the receiver doesn't take stays with the writer.
 * @throws {RangeError} if a bound is not at least 1
 */
export function memoryTransportPair(options: MemoryTransportOptions = {}): [Transport, Transport] {
  const {
    schedule = (task) => void setImmediate(task),
    capacityBytes = 64 * 1024,
    readBytes = Infinity,
  } = options
  if (!(capacityBytes >= 1 && readBytes >= 1)) {
    throw new RangeError(`Expected bounds of at least 1, got ${capacityBytes} and ${readBytes}`)
  }
  const there = new Direction(capacityBytes)
  const back = new Direction(capacityBytes)
  const near = new MemoryLane(schedule, readBytes, there, back)
  const far = new MemoryLane(schedule, readBytes, back, there)
  near.connect(far)
  far.connect(near)
  return [near, far]
}

/** Bytes under way one way: those that have left (copied, bounded), and those still with the writer. */
class Direction {
  readonly #capacityBytes: number
  #left: Uint8Array[] = []
  #waiting: Uint8Array[] = []
  leftBytes = 0
  waitingBytes = 0
  /** No more bytes follow. */
  isEnded = false

  constructor(capacityBytes: number) {
    this.#capacityBytes = capacityBytes
  }

  push(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      if (chunk.byteLength === 0) continue
      this.#waiting.push(chunk)
      this.waitingBytes += chunk.byteLength
    }
    this.#fill()
  }

  /** Moves bytes to `target`, at most `limit`. Answers how many. */
  take(target: Uint8Array, limit: number): number {
    const wanted = Math.min(target.byteLength, limit)
    let at = 0
    while (at < wanted && this.#left.length > 0) {
      const first = this.#left[0]!
      const part = first.subarray(0, wanted - at)
      target.set(part, at)
      at += part.byteLength
      if (part.byteLength === first.byteLength) this.#left.shift()
      else this.#left[0] = first.subarray(part.byteLength)
    }
    this.leftBytes -= at
    this.#fill()
    return at
  }

  /** Drops what is still with the writer. */
  dropWaiting(): void {
    this.#waiting = []
    this.waitingBytes = 0
  }

  /** Drops everything. */
  drop(): void {
    this.dropWaiting()
    this.#left = []
    this.leftBytes = 0
  }

  #fill(): void {
    while (this.#waiting.length > 0 && this.leftBytes < this.#capacityBytes) {
      const first = this.#waiting[0]!
      const part = new Uint8Array(first.subarray(0, this.#capacityBytes - this.leftBytes))
      this.#left.push(part)
      this.leftBytes += part.byteLength
      this.waitingBytes -= part.byteLength
      if (part.byteLength === first.byteLength) this.#waiting.shift()
      else this.#waiting[0] = first.subarray(part.byteLength)
    }
  }
}

/** A timer that does nothing holds the event loop as an open socket does. Longest delay that Node.js takes. */
const holdMs = 2 ** 31 - 1

class MemoryLane implements Transport {
  readonly kind = 'memory'
  readonly #schedule: (task: () => void) => void
  readonly #readBytes: number
  readonly #outgoing: Direction
  readonly #incoming: Direction
  #peer: MemoryLane | undefined
  #receiver: TransportReceiver | undefined
  #hold: NodeJS.Timeout | undefined
  #isPaused = false
  #isClosing = false
  #isOver = false
  #isToldOver = false
  #owesDrained = false
  #isScheduled = false

  constructor(
    schedule: (task: () => void) => void,
    readBytes: number,
    outgoing: Direction,
    incoming: Direction,
  ) {
    this.#schedule = schedule
    this.#readBytes = readBytes
    this.#outgoing = outgoing
    this.#incoming = incoming
  }

  /** Tells the two ends of each other. Part of making a pair. */
  connect(peer: MemoryLane): void {
    this.#peer = peer
  }

  get pendingBytes(): number {
    return this.#outgoing.waitingBytes
  }

  get heldBytes(): number {
    return this.#outgoing.waitingBytes
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver
    this.wake()
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#isClosing) return true
    this.#outgoing.push(chunks)
    this.#peer?.wake()
    if (this.#outgoing.waitingBytes === 0) return true
    this.#owesDrained = true
    return false
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.wake()
  }

  ref(): void {
    if (!this.#isOver) this.#hold ??= setInterval(() => {}, holdMs)
  }

  unref(): void {
    clearInterval(this.#hold)
    this.#hold = undefined
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#outgoing.isEnded = true
    this.wake()
    this.#peer?.wake()
  }

  destroy(): void {
    if (this.#isOver) return
    this.#isClosing = true
    this.#outgoing.dropWaiting()
    this.#end()
  }

  /** There may be something to do for this end: looked after in a task of its own. */
  wake(): void {
    if (this.#isScheduled || this.#isToldOver) return
    this.#isScheduled = true
    this.#schedule(() => {
      this.#isScheduled = false
      this.#work()
    })
  }

  #work(): void {
    this.#tellDrained()
    if (this.#isOver) this.#tellOver()
    else if (this.#isClosing) {
      // As with a socket: what still comes is dropped, and the lane is over once the other side is.
      this.#incoming.drop()
      this.#peer?.wake()
      if (this.#incoming.isEnded) this.#end()
    } else if (!this.#isPaused) this.#read()
  }

  #read(): void {
    const receiver = this.#receiver
    if (receiver === undefined) return
    const incoming = this.#incoming
    if (incoming.leftBytes > 0) {
      const byteLength = incoming.take(receiver.target(), this.#readBytes)
      this.#peer?.wake()
      this.wake()
      receiver.received(byteLength)
    } else if (incoming.isEnded) this.#end()
  }

  #tellDrained(): void {
    if (!this.#owesDrained || this.#outgoing.waitingBytes > 0) return
    this.#owesDrained = false
    if (!this.#isOver) this.#receiver?.drained()
  }

  #end(): void {
    this.#isOver = true
    this.#isClosing = true
    this.#outgoing.dropWaiting()
    this.#outgoing.isEnded = true
    this.#incoming.drop()
    this.unref()
    this.wake()
    this.#peer?.wake()
  }

  #tellOver(): void {
    if (this.#isToldOver || this.#receiver === undefined) return
    this.#isToldOver = true
    this.#receiver.closed(undefined)
  }
}
