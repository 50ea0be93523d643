import type { Shipment } from '../movement/shipment.ts'
import type { EncodedBody } from '../transport/codec.ts'
import { encodedBytes } from '../transport/frame-writer.ts'
import { frameType, headerBytes } from '../transport/protocol.ts'
import { keepBody, type Mailbox } from './mailbox.ts'
import type { WorkerProcess } from './worker-process.ts'

/** A call on its way out: what runs, how, and what with. */
export interface Outgoing {
  readonly id: number
  readonly flags: number
  readonly shipment: Shipment
  readonly body: unknown
  /** It is part of what has the worker to itself: what waits for that does not keep it out. */
  readonly isDirect?: boolean
}

const admitAll = (): void => {}

/** Puts calls on the data lane, and before each the definition of its function, where the worker has not had it. */
export class CallSender {
  readonly #process: WorkerProcess
  readonly #mailbox: Mailbox
  readonly #known = new Map<string, number>()

  constructor(process: WorkerProcess, mailbox: Mailbox) {
    this.#process = process
    this.#mailbox = mailbox
  }

  /** Writes a call at once. Throws what it is refused for; then nothing was written. */
  write({ id, flags, shipment, body, isDirect }: Outgoing): void {
    const { codec, data } = this.#process
    const admit = isDirect === true ? admitAll : this.#mailbox.admit
    const known = this.#known.get(shipment.key)
    if (known !== undefined) {
      data.frame(frameType.call, flags, id, known, body, 'args', admit)
      return
    }
    // The definition goes first, and must not go if the call can't.
    const encoded = codec.encode(body, 'args', Buffer.alloc(1024), 0, headerBytes)
    admit(encodedBytes(encoded))
    const kept = keepBody(encoded)
    data.encodedFrame(frameType.call, flags, id, this.#define(shipment), kept)
  }

  /**
   * Encodes a call now, so that later changes of the arguments don't show, and has it wait for its turn.
   * @param accepted - it will wait: nothing can refuse it any more
   * @param begin - called when it is its turn, to `send` it or not; the turn lasts until its promise settles
   */
  hold(
    outgoing: Outgoing,
    isBackground: boolean,
    accepted: () => void,
    begin: (send: () => void) => Promise<void>,
  ): void {
    const { codec } = this.#process
    const encoded = codec.encode(outgoing.body, 'args', Buffer.alloc(1024), 0, headerBytes)
    this.#mailbox.admit(encodedBytes(encoded))
    accepted()
    this.#mailbox.hold(encoded, isBackground, (kept) => begin(() => this.#send(outgoing, kept)))
  }

  #send({ id, flags, shipment }: Outgoing, kept: EncodedBody): void {
    this.#process.data.encodedFrame(frameType.call, flags, id, this.#define(shipment), kept)
  }

  /** The worker's number for a function; tells it what the function is when that is news. */
  #define(shipment: Shipment): number {
    const known = this.#known.get(shipment.key)
    if (known !== undefined) return known
    const functionId = this.#known.size + 1
    this.#process.data.frame(frameType.define, 0, 0, functionId, shipment.definition, 'fn')
    this.#known.set(shipment.key, functionId)
    return functionId
  }
}
