import type { ErrorContext } from '../../errors/maltster-error.ts'
import type { EncodedBody } from '../../transport/codec.ts'
import type { FrameWriter } from '../../transport/frame-writer.ts'
import type { Limits } from '../../transport/limits.ts'
import type { RequestFailure } from '../../transport/messages.ts'
import { frameType } from '../../transport/protocol.ts'
import type { Answer } from './live-object.ts'

/** What a request needs of the lane that it came by. */
export interface AnswerLane {
  readonly writer: FrameWriter
  readonly limits: Limits
  readonly place: ErrorContext
  whenRead(told: () => void): void
  failure(error: unknown): RequestFailure
  /** It has its answer, of so many bytes. */
  answered(request: ServedRequest, answerBytes: number): void
}

const tooLong: RequestFailure = {
  kind: 'encode',
  message: 'What went wrong is too long to be told.',
  path: '',
}

/** A request of the other side. */
export class ServedRequest implements Answer {
  readonly lane: AnswerLane
  readonly id: number
  readonly byteLength: number
  isOver = false
  withdrawn: (() => void) | undefined

  constructor(lane: AnswerLane, id: number, byteLength: number) {
    this.lane = lane
    this.id = id
    this.byteLength = byteLength
  }

  get limits(): Limits {
    return this.lane.limits
  }

  get place(): ErrorContext {
    return this.lane.place
  }

  whenRead(told: () => void): void {
    this.lane.whenRead(told)
  }

  reply(value: unknown, aux = 0): void {
    try {
      this.give(value, aux)
    } catch (error) {
      this.fail(error)
    }
  }

  give(value: unknown, aux = 0): void {
    if (this.isOver) return
    const before = this.lane.writer.bytesWritten
    // Getters of the value may spin, and be cut off: until the frame is there it is not answered.
    this.lane.writer.frame(frameType.reply, 0, this.id, aux, value, 'value')
    this.#over(before)
  }

  replyEncoded(body: EncodedBody, aux: number): void {
    if (this.isOver) return
    const { writer } = this.lane
    const before = writer.bytesWritten
    writer.encodedFrame(frameType.reply, 0, this.id, aux, body, 'value')
    this.#over(before)
  }

  fail(error: unknown): void {
    if (!this.isOver) this.#fail(this.lane.failure(error))
  }

  /** Nobody waits for it any more. It is answered all the same: the other side keeps its number until then. */
  withdraw(): void {
    const { withdrawn } = this
    if (this.isOver) return
    this.#fail({ kind: 'withdrawn' })
    withdrawn?.()
  }

  /** The lane is over. */
  end(): void {
    const { withdrawn } = this
    this.isOver = true
    this.withdrawn = undefined
    withdrawn?.()
  }

  #fail(failure: RequestFailure): void {
    const { writer } = this.lane
    const before = writer.bytesWritten
    try {
      writer.frame(frameType.failure, 0, this.id, 0, failure, 'error')
    } catch {
      writer.frame(frameType.failure, 0, this.id, 0, tooLong, 'error')
    }
    this.#over(before)
  }

  #over(bytesBefore: number): void {
    this.isOver = true
    this.withdrawn = undefined
    this.lane.answered(this, this.lane.writer.bytesWritten - bytesBefore)
  }
}
