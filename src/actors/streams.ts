import { ItemReader } from '../transport/codec/item-reader.ts'
import { writeDescriptor } from '../transport/frame-header.ts'
import type { IncomingFrame } from '../transport/frame-reader.ts'
import { descriptorBytes, frameType } from '../transport/protocol.ts'
import { type CallsOptions, placeOf } from './calls-options.ts'
import type { EarlyEnds } from './early-ends.ts'
import type { PendingCalls } from './pending-calls.ts'
import { StreamInbox, type StreamPeer } from './stream-inbox.ts'
import type { StreamWindow } from './stream-options.ts'
import { undecodable } from './undecodable.ts'

const noBytes = Buffer.alloc(0)

/** The streams of one incarnation: what they say to the worker, and what comes of them from there. */
export class Streams implements StreamPeer {
  readonly #options: CallsOptions
  readonly #pending: PendingCalls
  readonly #early: EarlyEnds
  readonly #reader: ItemReader

  constructor(options: CallsOptions, pending: PendingCalls, early: EarlyEnds) {
    this.#options = options
    this.#pending = pending
    this.#early = early
    this.#reader = new ItemReader(options.process.codec, options.options.limits)
  }

  open(window: StreamWindow): StreamInbox {
    return new StreamInbox(window, this)
  }

  read(frame: IncomingFrame): readonly unknown[] {
    return this.#reader.read(frame, frame.aux)
  }

  grant(id: number, items: number, bytes: number): void {
    const { data } = this.#options.process
    const body = Buffer.allocUnsafe(descriptorBytes)
    writeDescriptor(body, 0, bytes)
    data.bytesFrame(frameType.credit, 0, id, items, body)
    // The consumer may go on for long in this very turn, and the producer should not wait for it.
    data.flush()
  }

  end(id: number): void {
    const { process, clock, options } = this.#options
    const call = this.#pending.get(id)
    if (call?.stream === undefined) return
    const { stream } = call
    const ended = (): void => {
      stream.ended()
      const { events, identity } = this.#options
      if (events.wantsCalls) events.emit(identity, { type: 'call.settled', callId: id, outcome: 'ok' })
    }
    if (call.sentAt === 0) {
      void this.#early.abandon(call)
      ended()
      return
    }
    process.data.bytesFrame(frameType.endStream, 0, id, 0, noBytes)
    const timer = clock.setTimeout(() => {
      const ladder = this.#early.abandon(call)
      if (ladder === undefined) ended()
      else void ladder.then(ended)
    }, options.interruptGraceMs)
    const { release } = call
    call.release = () => {
      release?.()
      clock.clearTimeout(timer)
    }
  }

  undecodable(error: unknown): Error {
    return undecodable(error, placeOf(this.#options))
  }

  overrun(): void {
    this.#options.process.violated('A stream sent more than it was granted.')
  }
}
