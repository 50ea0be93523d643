import { ProtocolError } from '../errors/data-errors.ts'
import type { Codec } from '../transport/codec.ts'
import { FrameReader, type IncomingFrame } from '../transport/frame-reader.ts'
import { FrameWriter } from '../transport/frame-writer.ts'
import {
  type DyingWords,
  type Hello,
  type InterruptReport,
  type InterruptRequest,
  jsonBytes,
  type Measurement,
  type Pong,
  readJson,
  type Watch,
} from '../transport/messages.ts'
import { frameType } from '../transport/protocol.ts'
import type { Transport } from '../transport/transport.ts'
import { checkedReport } from './interrupt-report.ts'

const noBytes = Buffer.alloc(0)
/** Bodies here are JSON: the lane needs no codec. */
const noCodec = undefined as unknown as Codec
const limits = { maxBodyBytes: 65_536, maxAttachmentBytes: 0, maxItems: 1, maxDepth: 1 }

/** What comes on the control lane. */
export interface ControlListener {
  /** The sentinel is there. */
  greeted(isInterruptible: boolean): void
  interruptReport(report: InterruptReport): void
  measured(measurement: Measurement): void
  pong(id: number, mainSilentMs: number): void
  dying(words: DyingWords): void
  /** What came is not the protocol. */
  broken(error: unknown): void
  closed(): void
}

/** The host's end of a worker's control lane: what the sentinel is asked, and what it answers. */
export class ControlLane {
  readonly #writer: FrameWriter
  readonly #listener: ControlListener
  #isBroken = false

  constructor(lane: Transport, listener: ControlListener) {
    this.#listener = listener
    this.#writer = new FrameWriter(lane, noCodec)
    const reader = new FrameReader(limits, {
      deferred: false,
      onFrame: (frame) => this.#onFrame(frame),
      onProtocolError: (error) => this.#broken(error),
      onDrained: () => this.#writer.drained(),
      onClosed: () => {
        this.#writer.closed()
        listener.closed()
      },
    })
    reader.start(lane)
  }

  /** Leaves at once. */
  interrupt(request: InterruptRequest): void {
    this.#writer.bytesFrame(frameType.interrupt, 0, 0, 0, jsonBytes(request))
    this.#writer.flush()
  }

  measure(measureId: number): void {
    this.#writer.bytesFrame(frameType.measure, 0, measureId, 0, noBytes)
  }

  ping(id: number): void {
    this.#writer.bytesFrame(frameType.ping, 0, id, 0, noBytes)
  }

  watch(watch: Watch): void {
    this.#writer.bytesFrame(frameType.watch, 0, 0, 0, jsonBytes(watch))
  }

  #broken(error: unknown): void {
    this.#isBroken = true
    this.#listener.broken(error)
  }

  #onFrame(frame: IncomingFrame): void {
    if (this.#isBroken) return
    const { type, id } = frame
    const listener = this.#listener
    try {
      if (type === frameType.interrupted) listener.interruptReport(checkedReport(readJson(frame)))
      else if (type === frameType.measured) listener.measured(readJson(frame))
      else if (type === frameType.dying) listener.dying(readJson(frame))
      else if (type === frameType.hello) listener.greeted(readJson<Hello>(frame).interruptible === true)
      else if (type === frameType.pong) listener.pong(id, readJson<Pong>(frame).mainSilentMs)
      else throw new ProtocolError(`A worker may not send frames of type ${type} on its control lane.`)
    } catch (error) {
      this.#broken(error)
    }
  }
}
