import type { Readable, Writable } from 'node:stream'

import { Channel, type ChannelCarrier } from './channel.ts'
import { encodeHead, pieceKind, PieceReader } from './piece.ts'

/** The stream is given no more than this ahead: all else waits where what is urgent can overtake it. */
const aheadBytes = 64 * 1024

const noted = (): void => {}

/** What a multiplexer tells. Nothing follows `over`, which comes once. */
export interface MultiplexerListener {
  message(message: unknown): void
  /** Every channel has come to its end. */
  channelsOver(): void
  /** The stream has ended, or broke, or carried something else. Channels tell their own end. */
  over(error: Error | undefined): void
}

/** Several lanes, and messages, over one stream of bytes each way. The lower a channel's number, the sooner it goes. */
export class Multiplexer implements ChannelCarrier {
  readonly channels: readonly Channel[]
  readonly #readable: Readable
  readonly #writable: Writable
  readonly #listener: MultiplexerListener
  readonly #reader: PieceReader
  readonly #held = new Set<number>()
  #urgent: Buffer[] = []
  #last: object | undefined
  #turn = 0
  #givenBytes = 0
  #isOpen: boolean
  #canWrite = true
  #isOver = false

  /**
   * @param isOpen - whether it may write at once; else from `open()` on
   */
  constructor(
    readable: Readable,
    writable: Writable,
    channelCount: number,
    listener: MultiplexerListener,
    isOpen = true,
  ) {
    this.#readable = readable
    this.#writable = writable
    this.#listener = listener
    this.#isOpen = isOpen
    this.channels = Array.from({ length: channelCount }, (_, number) => new Channel(number, this))
    this.#reader = new PieceReader({
      bytes: (number, bytes) => this.#channel(number).arrived(bytes),
      credit: (number, count) => this.#channel(number).credited(count),
      end: (number) => this.#channel(number).peerEnded(),
      message: (message) => listener.message(message),
    })
    writable.on('error', () => this.#stopWriting())
    readable.on('error', (error) => this.over(error))
    readable.on('end', () => this.over(undefined))
    readable.on('close', () => this.over(undefined))
  }

  get leftBytes(): number {
    return this.#canWrite ? this.#givenBytes - this.#writable.writableLength : Infinity
  }

  /** Takes bytes of the stream. */
  read(chunk: Buffer): void {
    if (this.#isOver) return
    try {
      this.#reader.read(chunk)
    } catch (error) {
      this.over(error as Error)
    }
  }

  /** Writes from here on. */
  open(): void {
    this.#isOpen = true
    this.pump()
  }

  message(message: object): void {
    const body = Buffer.from(JSON.stringify(message))
    this.#urgent.push(encodeHead(pieceKind.message, 0, body.length), body)
    this.pump()
  }

  /** Sends a message behind everything that the channels have. Once. */
  lastMessage(message: object): void {
    this.#last = message
    this.pump()
  }

  /** Sends the last message, though the other side has not taken all that was before it. */
  hurry(): void {
    const last = this.#last
    this.#last = undefined
    if (last !== undefined) this.message(last)
  }

  credit(channel: number, count: number): void {
    this.#urgent.push(encodeHead(pieceKind.credit, channel, count))
    this.pump()
  }

  end(channel: number): void {
    this.#urgent.push(encodeHead(pieceKind.end, channel, 0))
    this.pump()
  }

  hold(channel: number, isHeld: boolean): void {
    if (isHeld && !this.#isOver) this.#held.add(channel)
    else this.#held.delete(channel)
    const handle = this.#readable as { ref?(): void; unref?(): void }
    if (this.#held.size > 0) handle.ref?.()
    else handle.unref?.()
  }

  channelOver(): void {
    if (!this.#isOver && this.channels.every(({ isOver }) => isOver)) this.#listener.channelsOver()
  }

  pump(): void {
    if (!this.#isOpen || !this.#canWrite) return
    const writable = this.#writable
    if (this.#urgent.length > 0) {
      const urgent = this.#urgent
      this.#urgent = []
      writable.cork()
      for (const chunk of urgent) this.#give(chunk, this.#left)
      writable.uncork()
    }
    while (writable.writableLength < aheadBytes && this.#givePiece());
    if (this.#last !== undefined && this.channels.every(({ isWaiting }) => !isWaiting)) this.hurry()
  }

  /** Ends the writing half, after all that was given to it. */
  finish(): void {
    if (!this.#canWrite) return
    this.#canWrite = false
    this.#writable.end()
  }

  /** Ends everything; what is pending is lost. */
  over(error: Error | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#canWrite = false
    this.#urgent = []
    for (const channel of this.channels) channel.peerEnded(error)
    this.#writable.destroy()
    this.#readable.destroy()
    this.#listener.over(error)
  }

  #channel(number: number): Channel {
    const channel = this.channels[number]
    if (channel === undefined) throw new Error(`there is no channel ${number}`)
    return channel
  }

  /** Control before everything else; then one piece of each in turn. */
  #givePiece(): boolean {
    const { channels } = this
    const count = channels.length
    for (let step = 0; step < count; step++) {
      const number = step === 0 ? 0 : 1 + ((this.#turn + step) % (count - 1))
      const channel = channels[number]!
      const part = channel.take()
      if (part === undefined) continue
      this.#turn = number
      this.#writable.cork()
      this.#give(encodeHead(pieceKind.bytes, number, part.byteLength))
      this.#give(part, this.#left)
      this.#writable.uncork()
      channel.gave(part.byteLength, this.#givenBytes)
      return true
    }
    return false
  }

  #give(chunk: Uint8Array, left = noted): void {
    this.#givenBytes += chunk.byteLength
    this.#writable.write(chunk, left)
  }

  readonly #left = (): void => {
    this.pump()
    for (const channel of this.channels) channel.moved()
  }

  #stopWriting(): void {
    this.#canWrite = false
    this.#urgent = []
  }
}
