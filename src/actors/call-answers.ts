import type { IncomingFrame } from '../transport/frame-reader.ts'
import type { CallFailure } from '../transport/messages.ts'
import { frameFlag, frameType } from '../transport/protocol.ts'
import { type CallsOptions, placeOf } from './calls-options.ts'
import { warnUnlessObserved } from './cast-failure.ts'
import type { EarlyEnds } from './early-ends.ts'
import type { EventStream } from './events.ts'
import type { PendingCall, PendingCalls } from './pending-calls.ts'
import type { References } from './references.ts'
import { callError, rejection } from './remote-error.ts'
import { undecodable } from './undecodable.ts'

/** What an answer may be about that is no call any more. */
export interface LateAnswers {
  readonly early: EarlyEnds
  readonly references: References
}

/** Takes what a worker says about calls, and settles them. */
export class CallAnswers {
  readonly #options: CallsOptions
  readonly #pending: PendingCalls
  #late!: LateAnswers

  constructor(options: CallsOptions, pending: PendingCalls) {
    this.#options = options
    this.#pending = pending
  }

  connect(late: LateAnswers): void {
    this.#late = late
  }

  /** A frame about a call has come. */
  received(frame: IncomingFrame): void {
    const { id, type, flags } = frame
    if (type === frameType.error && (flags & frameFlag.cast) !== 0) {
      this.#castFailed(id, this.#failure(frame))
      return
    }
    if (type === frameType.items) {
      this.#items(frame)
      return
    }
    const { early } = this.#late
    early.answered(id)
    const call = this.#pending.get(id)
    if (call === undefined) {
      this.#unexpected(frame)
      return
    }
    const answer = this.#read(frame)
    // Its callbacks end with the call: they may have come home with the answer, so that is read before. To read it may run
    // code of the user's, which may have ended the call.
    if (this.#pending.take(id) === undefined) return
    if (answer.error === undefined) this.#fulfil(call, answer.value)
    else this.reject(call, answer.error)
  }

  #read(frame: IncomingFrame): { readonly value?: unknown; readonly error?: Error } {
    if (frame.type === frameType.error) return { error: this.#failure(frame) }
    if ((frame.flags & frameFlag.discard) !== 0) return {}
    try {
      return { value: this.#options.process.codec.decode(frame) }
    } catch (error) {
      return { error: undecodable(error, placeOf(this.#options)) }
    }
  }

  #fulfil(call: PendingCall, value: unknown): void {
    if (call.stream === undefined) call.resolve(value)
    else call.stream.ended()
    if (this.#options.events.wantsCalls) this.#emit({ type: 'call.settled', callId: call.id, outcome: 'ok' })
  }

  readonly reject = (call: PendingCall, error: unknown): void => {
    if (call.stream === undefined) call.resolve(rejection(error))
    else call.stream.failed(error)
    if (this.#options.events.wantsCalls) {
      this.#emit({ type: 'call.settled', callId: call.id, outcome: 'failed', error })
    }
  }

  #items(frame: IncomingFrame): void {
    const stream = this.#pending.get(frame.id)?.stream
    if (stream !== undefined) stream.received(frame)
    // Of a stream that was ended here any number of items may be on the way.
    else if (!this.#late.early.mayHaveItems(frame.id)) this.#stray(frame)
  }

  #failure(frame: IncomingFrame): Error {
    const place = placeOf(this.#options)
    try {
      return callError(this.#options.process.codec.decode(frame) as CallFailure, place)
    } catch (error) {
      return undecodable(error, place)
    }
  }

  #unexpected(frame: IncomingFrame): void {
    const { id } = frame
    if (this.#late.early.wasLate(id)) {
      this.#late.references.late(frame)
      this.#emit({
        type: 'frame.dropped',
        callId: id,
        why: 'The call had been settled before its answer came.',
      })
      return
    }
    this.#stray(frame)
  }

  #stray({ id }: IncomingFrame): void {
    this.#emit({ type: 'frame.dropped', callId: id, why: 'No such call is under way.' })
    this.#options.process.strayFrame()
  }

  #castFailed(callId: number, error: Error): void {
    const { events, identity } = this.#options
    this.#emit({ type: 'cast.failed', callId, error })
    warnUnlessObserved(events, identity.path, error)
  }

  #emit(body: Parameters<EventStream['emit']>[1]): void {
    this.#options.events.emit(this.#options.identity, body)
  }
}
