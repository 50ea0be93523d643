import { BackpressureError } from '../../errors/call-errors.ts'
import type { EncodedBody } from '../../transport/codec.ts'
import { encodedBytes } from '../../transport/frame-writer.ts'
import { encodeToKeep } from '../../transport/kept-body.ts'
import { withAskedPath } from './asked-path.ts'
import type { LiveLane } from './live-lane.ts'
import type { PendingRequest } from './pending-requests.ts'

/** How much one object may be asked at once, and how much more may wait for its turn. */
export interface TurnBounds {
  readonly underWay: { readonly count: number; readonly bytes: number }
  readonly waiting: { readonly count: number; readonly bytes: number }
}

interface Waiting {
  readonly body: EncodedBody
  readonly byteLength: number
  readonly request: PendingRequest
  /** Once it has left. */
  id: number
}

const { Set } = globalThis

/**
 * Asks one object of the other side, so many requests at a time. What has to wait is encoded when it is asked, so that
 * later changes don't show, and goes in order.
 */
export class AskedInTurn {
  readonly #lane: LiveLane
  readonly #number: number
  readonly #bounds: TurnBounds
  readonly #waiting = new Set<Waiting>()
  #waitingBytes = 0
  #underWay = 0
  #underWayBytes = 0

  readonly #isOfCall: boolean
  #ended: Error | undefined

  /** @param isOfCall - it is an argument of one call, and goes with that */
  constructor(lane: LiveLane, number: number, bounds: TurnBounds, isOfCall = false) {
    this.#lane = lane
    this.#number = number
    this.#bounds = bounds
    this.#isOfCall = isOfCall
  }

  /** Why the call has ended that it is an argument of, if it was ended from outside. */
  get ended(): Error | undefined {
    return this.#ended
  }

  /** A call among whose arguments it came was ended from outside. */
  callEnded(why: Error): void {
    if (this.#isOfCall) this.#ended = why
  }

  /**
   * Asks now, or when it is its turn.
   * @returns ends the wait: what has not left is forgotten, and `request` hears no more; what has left is withdrawn
   * @throws {EncodeError} if an argument can't be sent
   * @throws {BackpressureError} if too much waits
   */
  ask(operation: string, args: readonly unknown[], request: PendingRequest): () => void {
    if (this.#waiting.size === 0 && this.#hasTurn()) {
      const { writer } = this.#lane
      const counted = this.#counted(request)
      const before = writer.bytesWritten
      const id = this.#lane.ask(this.#number, operation, args, counted.request)
      counted.begin(writer.bytesWritten - before)
      return () => this.#lane.withdraw(id)
    }
    const waiting = this.#wait([operation, ...args], request)
    return () => {
      if (this.#waiting.delete(waiting)) this.#waitingBytes -= waiting.byteLength
      else this.#lane.withdraw(waiting.id)
    }
  }

  #wait(value: unknown[], request: PendingRequest): Waiting {
    const { count, bytes } = this.#bounds.waiting
    const body = this.#encoded(value)
    const byteLength = encodedBytes(body)
    if (this.#waiting.size >= count || (this.#waiting.size > 0 && this.#waitingBytes + byteLength > bytes)) {
      throw new BackpressureError(
        `${this.#waiting.size} requests wait already, with ${this.#waitingBytes} bytes. Await earlier ones first.`,
        this.#lane.place,
      )
    }
    const waiting: Waiting = { body, byteLength, request, id: 0 }
    this.#waiting.add(waiting)
    this.#waitingBytes += byteLength
    return waiting
  }

  #encoded(value: unknown[]): EncodedBody {
    try {
      return encodeToKeep(this.#lane.codec, value, 'value')
    } catch (error) {
      throw withAskedPath(error, value[0])
    }
  }

  /** Makes room for the next one when it is answered. */
  #counted(request: PendingRequest): { request: PendingRequest; begin: (byteLength: number) => void } {
    let byteLength = 0
    const end = (): void => {
      this.#underWay--
      this.#underWayBytes -= byteLength
      byteLength = 0
      this.#next()
    }
    const begin = (bytes: number): void => {
      byteLength = bytes
      this.#underWay++
      this.#underWayBytes += bytes
    }
    const replied = (value: unknown, aux: number): void => {
      end()
      request.replied(value, aux)
    }
    const failed = (error: Error): void => {
      end()
      request.failed(error)
    }
    return { request: { replied, failed }, begin }
  }

  /** As much may be under way as the bounds say; one request always. */
  #hasTurn(): boolean {
    const { count, bytes } = this.#bounds.underWay
    if (this.#lane.ended !== undefined || this.#underWay === 0) return true
    return this.#underWay < count && this.#underWayBytes < bytes
  }

  /** Asks all that waits for its turn now: what is to come behind it is about to be said. */
  askAll(): void {
    for (const waiting of this.#waiting) this.#askWaiting(waiting)
  }

  #next(): void {
    for (const waiting of this.#waiting) {
      if (!this.#hasTurn()) return
      this.#askWaiting(waiting)
    }
  }

  #askWaiting(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    this.#waitingBytes -= waiting.byteLength
    const counted = this.#counted(waiting.request)
    counted.begin(waiting.byteLength)
    waiting.id = this.#lane.askEncoded(this.#number, waiting.body, counted.request)
  }
}
