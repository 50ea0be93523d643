import { BackpressureError } from '../../errors/call-errors.ts'
import type { Codec } from '../../transport/codec.ts'
import type { IncomingFrame } from '../../transport/frame-reader.ts'
import type { Exports } from './exports.ts'
import { releasedError } from './request-failures.ts'
import { type AnswerLane, ServedRequest } from './served-request.ts'

// Taken before user code can replace it.
const { Map } = globalThis

/** Requests of the other side that wait for their answer. A faulty worker could else fill the host's memory. */
const maxServed = { count: 16_384, bytes: 256 * 2 ** 20 }

/** What requests are served by: their lane, and what lives on this side of it. */
export interface ServingLane extends AnswerLane {
  readonly codec: Codec
  readonly exports: Exports
}

/**
 * The requests of the other side of a lane until they have their answers. One that asks for too much at once, or does
 * not read its answers, is refused.
 */
export class ServedRequests {
  readonly #lane: ServingLane
  readonly #stray: () => void
  readonly #serving = new Map<number, ServedRequest>()
  #servingBytes = 0
  /** Bytes of answers since the other side had read all that was written. */
  #unreadAnswerBytes = 0
  /** Requests that were refused since then, because the answers of others are not read. */
  #refused = 0
  /** The request whose user code is on the stack. */
  #current: ServedRequest | undefined

  /** @param stray - a frame has come that belongs to nothing, and is no race */
  constructor(lane: ServingLane, stray: () => void) {
    this.#lane = lane
    this.#stray = stray
  }

  /** Takes a frame of the type `request`. */
  serve(frame: IncomingFrame): void {
    const { id, aux } = frame
    // Refusals are answers, too.
    const isDeaf = this.#refused > maxServed.count && !this.#isRead()
    if (id === 0 || this.#serving.has(id) || isDeaf) {
      this.#stray()
      return
    }
    const request = new ServedRequest(this.#lane, id, bytesOf(frame))
    this.#serving.set(id, request)
    this.#servingBytes += request.byteLength
    this.#current = request
    try {
      const [operation, ...args] = this.#lane.codec.decode(frame) as unknown[]
      const exported = this.#lane.exports.get(aux)
      if (exported === undefined) throw releasedError(this.#lane.place)
      this.#admit(request.byteLength)
      exported.served.request(operation, args, request)
    } catch (error) {
      request.fail(error)
    }
    this.#current = undefined
  }

  /** Whether the other side reads its answers. One that only asks would fill the memory here with them. */
  #isRead(): boolean {
    const { pendingBytes } = this.#lane.writer
    if (pendingBytes === 0) this.#unreadAnswerBytes = 0
    const isRead = Math.min(pendingBytes, this.#unreadAnswerBytes) <= maxServed.bytes
    if (isRead) this.#refused = 0
    return isRead
  }

  #admit(byteLength: number): void {
    const { count, bytes } = maxServed
    const { place } = this.#lane
    if (!this.#isRead()) {
      this.#refused++
      const message = `Over ${bytes} bytes of answers have not been read. Ask for less at once: await earlier ones first.`
      throw new BackpressureError(message, place)
    }
    const isFull = this.#serving.size > count || this.#servingBytes > Math.max(bytes, byteLength)
    if (!isFull) return
    const message = `Over ${count} requests, or ${bytes} bytes of them, wait for their answer. Await earlier ones first.`
    throw new BackpressureError(message, place)
  }

  /** Nobody waits for it any more; it may have been answered meanwhile. */
  withdraw(id: number): void {
    this.#serving.get(id)?.withdraw()
  }

  /** It has its answer, of so many bytes. */
  answered({ id, byteLength }: ServedRequest, answerBytes: number): void {
    this.#unreadAnswerBytes += answerBytes
    if (this.#serving.delete(id)) this.#servingBytes -= byteLength
  }

  /** After an execution was terminated: what it was answering is answered. */
  recover(interrupted: () => Error): void {
    const current = this.#current
    this.#current = undefined
    if (current !== undefined) current.fail(interrupted())
  }

  /** There is no other side any more. */
  end(): void {
    const served = [...this.#serving.values()]
    this.#serving.clear()
    for (const request of served) request.end()
  }
}

function bytesOf({ start, end, attachments }: IncomingFrame): number {
  let byteLength = end - start
  for (const attachment of attachments) byteLength += attachment.byteLength
  return byteLength
}
