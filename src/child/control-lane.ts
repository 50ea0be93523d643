import type { Codec } from '../transport/codec.ts'
import { FrameReader, type IncomingFrame } from '../transport/frame-reader.ts'
import { FrameWriter } from '../transport/frame-writer.ts'
import { defaultLimits } from '../transport/limits.ts'
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
import { frameType, protocolVersion } from '../transport/protocol.ts'
import type { Transport } from '../transport/transport.ts'
import { MemoryWatch } from './memory-watch.ts'

// Taken before user code can replace them: where there is no second thread this runs beside it.
const { setTimeout } = globalThis

/** Bodies here are JSON: the lane needs no codec. */
const noCodec = undefined as unknown as Codec

/** How long last words may take to leave. */
const lastWordsMs = 50

/** What the owner of the control lane does with it. */
export interface ControlLaneOptions {
  readonly lane: Transport
  readonly interruptible: boolean
  readonly onInterrupt: (request: InterruptRequest) => void
  /** The host, or the lane to it, is out of its mind, or this process is over its limits: end. */
  readonly onEnd: () => void
  /** The host, or the lane to it, is gone: end. Default: `onEnd`. */
  readonly onHostGone?: () => void
  /** What this worker uses. Default: what the process does. */
  readonly measure?: () => Omit<Measurement, 'measureId'>
  /** What is known of the main thread. Default: it is the one that answers, so it is not silent. */
  readonly pong?: () => Pong
}

/**
 * Opens the worker's end of the control lane and says hello. Answers pings and measurements by itself, watches the
 * memory if the host asks for that, and calls `onEnd` when the lane ends: then the host is gone.
 * @returns sends the report of an interrupt
 */
export function openControlLane(options: ControlLaneOptions): (report: InterruptReport) => void {
  const { lane, onEnd, onHostGone = onEnd, measure = processMeasurement, pong = awake } = options
  const writer = new FrameWriter(lane, noCodec)
  const say = (type: number, message: object, id = 0): void =>
    writer.bytesFrame(type, 0, id, 0, jsonBytes(message))
  let isLeaving = false
  let isOver = false
  const endBy = (how: () => void): void => {
    if (isOver) return
    isOver = true
    memory.limit(null)
    how()
  }
  const end = (): void => endBy(onEnd)
  const leave = (words: DyingWords): void => {
    say(frameType.dying, words)
    writer.flush()
    isLeaving = true
    if (lane.pendingBytes === 0) end()
    else setTimeout(end, lastWordsMs)
  }
  const memory = new MemoryWatch(leave)
  const onFrame = (frame: IncomingFrame): void => {
    if (frame.type === frameType.interrupt) options.onInterrupt(readJson<InterruptRequest>(frame))
    else if (frame.type === frameType.measure)
      say(frameType.measured, { measureId: frame.id, ...measure() } satisfies Measurement)
    else if (frame.type === frameType.ping) say(frameType.pong, pong(), frame.id)
    else if (frame.type === frameType.watch) memory.limit(readJson<Watch>(frame).maxRssBytes)
  }
  const reader = new FrameReader(
    { ...defaultLimits, maxBodyBytes: 65_536, maxAttachmentBytes: 0 },
    {
      onFrame,
      onProtocolError: end,
      onClosed: () => endBy(isLeaving ? onEnd : onHostGone),
      onDrained: () => {
        writer.drained()
        if (isLeaving && lane.pendingBytes === 0) end()
      },
      deferred: false,
    },
  )
  reader.start(lane)
  const hello: Hello = {
    protocolVersion,
    pid: process.pid,
    nodeVersion: process.versions.node,
    interruptible: options.interruptible,
  }
  say(frameType.hello, hello)
  return (report) => say(frameType.interrupted, report)
}

function awake(): Pong {
  return { mainSilentMs: 0 }
}

function processMeasurement(): Omit<Measurement, 'measureId'> {
  const { user, system } = process.cpuUsage()
  const rssBytes = process.memoryUsage.rss()
  return { rssBytes, userCpuMs: user / 1000, systemCpuMs: system / 1000 }
}
