import PQueue from 'p-queue'

import { BackpressureError } from '../errors/call-errors.ts'
import type { EncodedBody } from '../transport/codec.ts'
import { encodedBytes } from '../transport/frame-writer.ts'
import { headerBytes } from '../transport/protocol.ts'
import type { ErrorPlace } from './remote-error.ts'
import { Turns } from './turns.ts'

/** The bounds of a mailbox, and how many of its calls the worker gets at once. */
export interface MailboxBounds {
  readonly maxCalls: number
  readonly maxBytes: number
  readonly concurrency: number
}

/** What waits for a worker in the host, within two bounds: calls and bytes. */
export class Mailbox {
  readonly #bounds: MailboxBounds
  readonly #queue: PQueue | undefined
  readonly #pendingBytes: () => number
  readonly #place: () => ErrorPlace
  readonly #turns = new Turns()
  #heldBytes = 0

  constructor(bounds: MailboxBounds, pendingBytes: () => number, place: () => ErrorPlace) {
    this.#bounds = bounds
    this.#pendingBytes = pendingBytes
    this.#place = place
    const { concurrency } = bounds
    this.#queue = concurrency === Infinity ? undefined : new PQueue({ concurrency })
  }

  /** Whether such a call takes turns, now. What has the worker to itself still has it beside the background. */
  holds(isBackground: boolean): boolean {
    return this.#queue !== undefined || (!isBackground && this.#turns.isTaken)
  }

  /** Whether something has the worker to itself, or is about to. */
  get isTaken(): boolean {
    return this.#turns.isTaken
  }

  /** Gives the worker to one task alone, when these and all that was held before are done. */
  exclusive<T>(before: readonly Promise<void>[], task: () => Promise<T>): Promise<T> {
    return this.#turns.exclusive(async () => {
      await Promise.all(before)
      return task()
    })
  }

  /** @throws {BackpressureError} if there is no room for one more call */
  checkCalls(calls: number): void {
    const { maxCalls } = this.#bounds
    if (calls >= maxCalls) throw this.#full(`${calls} calls wait; \`mailbox.maxCalls\` is ${maxCalls}`)
  }

  /**
   * To be asked when the size of a message is known and nothing of it has been given away.
   * @throws {BackpressureError} if others wait and there is no room for it
   */
  readonly admit = (byteLength: number): void => {
    const { maxBytes } = this.#bounds
    const waiting = this.#pendingBytes() + this.#heldBytes
    if (waiting === 0 || waiting + byteLength <= maxBytes) return
    throw this.#full(`${waiting} bytes wait, ${byteLength} more would; \`mailbox.maxBytes\` is ${maxBytes}`)
  }

  /**
   * Keeps an encoded call until it is its turn.
   * @param kept - a body that stays good: see `keepBody`
   * @param send - called then, which may be at once; the turn lasts until its promise settles
   */
  hold(kept: EncodedBody, isBackground: boolean, send: (kept: EncodedBody) => Promise<void>): void {
    const byteLength = encodedBytes(kept)
    // The caller may change the binary long before it is sent.
    kept.attachments = kept.attachments.map((one) => new Uint8Array(one))
    this.#heldBytes += byteLength
    const begin = (): Promise<void> => {
      this.#heldBytes -= byteLength
      return send(kept)
    }
    const turn = (): Promise<void> => (isBackground ? begin() : this.#turns.shared(begin))
    if (this.#queue === undefined) void turn()
    else void this.#queue.add(turn)
  }

  #full(why: string): BackpressureError {
    const place = this.#place()
    const advice = 'Nothing was sent. Await earlier calls first, or raise the bound.'
    return new BackpressureError(`The mailbox of worker ${place.worker} is full: ${why}. ${advice}`, place)
  }
}

/** An encoded body that stays good: the encoder uses its own again. */
export function keepBody(body: EncodedBody): EncodedBody {
  const buffer = Buffer.allocUnsafeSlow(headerBytes + body.end - body.start)
  body.buffer.copy(buffer, headerBytes, body.start, body.end)
  return {
    buffer,
    start: headerBytes,
    end: buffer.length,
    flags: body.flags,
    attachments: [...body.attachments],
  }
}
