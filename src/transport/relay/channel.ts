import type { Transport, TransportReceiver } from '../transport.ts'
import { maxPieceBytes } from './piece.ts'

/** So many bytes may be under way to a receiver that does not take them. */
export const windowBytes = 256 * 1024
/** The writer is told of bytes that were taken when there are so many, or nothing is left to take. */
const creditBytes = windowBytes / 4

/** What a channel asks of the stream that it shares. */
export interface ChannelCarrier {
  /** Sends what the channels have, as far as the stream takes it. */
  pump(): void
  credit(channel: number, count: number): void
  end(channel: number): void
  /** How many bytes of the whole stream have left. */
  readonly leftBytes: number
  hold(channel: number, isHeld: boolean): void
  channelOver(): void
}

/** A part of a write that the stream has been given, and where in the stream it ends. */
interface Given {
  readonly endsAt: number
  readonly byteLength: number
}

/**
 * One lane of a multiplexed stream. Each direction has a window of its own, so that a channel that nobody reads holds
 * up no other, and keeps no more than that here.
 */
export class Channel implements Transport {
  readonly kind = 'relay'
  readonly #number: number
  readonly #carrier: ChannelCarrier
  #receiver: TransportReceiver | undefined
  #outgoing: Uint8Array[] = []
  #outgoingBytes = 0
  #writtenBytes = 0
  #startedBytes = 0
  #given: Given[] = []
  #credit = windowBytes
  #incoming: Buffer[] = []
  #incomingBytes = 0
  #takenBytes = 0
  #isPaused = false
  #isClosing = false
  #hasSentEnd = false
  #hasPeerEnded = false
  #isOver = false
  #error: Error | undefined
  #owesDrained = false
  #isScheduled = false

  constructor(number: number, carrier: ChannelCarrier) {
    this.#number = number
    this.#carrier = carrier
  }

  get pendingBytes(): number {
    const { leftBytes } = this.#carrier
    this.#given = this.#given.filter(({ endsAt }) => endsAt > leftBytes)
    return this.#given.reduce((sum, { byteLength }) => sum + byteLength, this.#outgoingBytes)
  }

  get heldBytes(): number {
    return this.#writtenBytes - this.#startedBytes
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether something was written that the stream has not been given. */
  get isWaiting(): boolean {
    return this.#outgoingBytes > 0
  }

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver
    this.#later()
  }

  write(chunks: readonly Uint8Array[]): boolean {
    for (const chunk of chunks) this.#writtenBytes += chunk.byteLength
    if (this.#isClosing || this.#hasPeerEnded) return true
    for (const chunk of chunks) {
      if (chunk.byteLength === 0) continue
      this.#outgoing.push(chunk)
      this.#outgoingBytes += chunk.byteLength
    }
    this.#carrier.pump()
    if (this.pendingBytes === 0) return true
    this.#owesDrained = true
    return false
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#later()
  }

  ref(): void {
    if (!this.#isOver) this.#carrier.hold(this.#number, true)
  }

  unref(): void {
    this.#carrier.hold(this.#number, false)
  }

  close(): void {
    if (this.#isClosing) return
    this.#isClosing = true
    // What still comes is dropped, so that the other side gets to its end.
    this.#takenBytes += this.#incomingBytes
    this.#dropIncoming()
    this.#giveCredit()
    this.#endIfDone()
  }

  destroy(): void {
    if (this.#isOver) return
    this.#isClosing = true
    this.#end()
  }

  /** The next part to send, if there is any that may be sent now. */
  take(): Uint8Array | undefined {
    const first = this.#outgoing[0]
    if (first === undefined || this.#credit === 0) return undefined
    const part = first.subarray(0, Math.min(maxPieceBytes, this.#credit))
    if (part.byteLength === first.byteLength) this.#outgoing.shift()
    else this.#outgoing[0] = first.subarray(part.byteLength)
    this.#outgoingBytes -= part.byteLength
    this.#credit -= part.byteLength
    this.#startedBytes += part.byteLength
    return part
  }

  /** The part that was taken ends there in the stream. */
  gave(byteLength: number, endsAt: number): void {
    this.#given.push({ endsAt, byteLength })
  }

  /** More has left, or may. */
  moved(): void {
    if (this.#owesDrained && this.pendingBytes === 0) {
      this.#owesDrained = false
      if (!this.#isOver) this.#receiver?.drained()
    }
    this.#endIfDone()
  }

  /** @throws {Error} if the other side sends more than it may */
  arrived(bytes: Buffer): void {
    if (this.#hasPeerEnded) throw new Error('bytes came on a channel after its end')
    if (this.#incomingBytes + bytes.length > windowBytes) throw new Error('more came than was asked for')
    if (this.#isOver) return
    if (this.#isClosing) {
      this.#takenBytes += bytes.length
      this.#giveCredit()
      return
    }
    this.#incoming.push(bytes)
    this.#incomingBytes += bytes.length
    // What waits for its own turn may not be overtaken.
    if (!this.#isScheduled) this.#deliver()
  }

  credited(count: number): void {
    this.#credit += count
    if (this.#credit > windowBytes) throw new Error('more was taken than was sent')
    this.#carrier.pump()
  }

  /** The other side is done with this channel, or the stream is over. */
  peerEnded(error?: Error): void {
    this.#error ??= error
    this.#hasPeerEnded = true
    this.#dropOutgoing()
    if (!this.#isScheduled) this.#deliver()
  }

  #later(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    while (this.#receiver !== undefined && !this.#isPaused && this.#incoming.length > 0) {
      this.#deliverOne(this.#receiver)
    }
    this.#giveCredit()
    this.#endIfDone()
    if (this.#isOver) this.#tellOver()
  }

  #deliverOne(receiver: TransportReceiver): void {
    const target = receiver.target()
    const first = this.#incoming[0]!
    const byteLength = first.copy(target)
    if (byteLength === first.length) this.#incoming.shift()
    else this.#incoming[0] = first.subarray(byteLength)
    this.#incomingBytes -= byteLength
    this.#takenBytes += byteLength
    try {
      receiver.received(byteLength)
    } catch (error) {
      // The rest of the bytes is not to be lost by it.
      setImmediate(() => {
        throw error
      })
    }
  }

  #giveCredit(): void {
    if (this.#takenBytes === 0 || this.#hasPeerEnded || this.#isOver) return
    if (this.#takenBytes < creditBytes) return
    const count = this.#takenBytes
    this.#takenBytes = 0
    this.#carrier.credit(this.#number, count)
  }

  #dropOutgoing(): void {
    this.#outgoing = []
    this.#outgoingBytes = 0
  }

  #dropIncoming(): void {
    this.#incoming = []
    this.#incomingBytes = 0
  }

  #endIfDone(): void {
    if (this.#isOver) return
    if (this.#hasPeerEnded && this.#incomingBytes === 0) this.#end()
    else if (this.#isClosing && this.#outgoingBytes === 0) this.#sendEnd()
  }

  #sendEnd(): void {
    if (this.#hasSentEnd) return
    this.#hasSentEnd = true
    this.#carrier.end(this.#number)
  }

  #end(): void {
    this.#isOver = true
    this.#isClosing = true
    this.#dropOutgoing()
    this.#dropIncoming()
    this.#given = []
    this.unref()
    this.#sendEnd()
    this.#carrier.channelOver()
    this.#later()
  }

  #tellOver(): void {
    const receiver = this.#receiver
    if (receiver === undefined) return
    this.#receiver = undefined
    receiver.closed(this.#error)
  }
}
