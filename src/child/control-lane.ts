import type { Codec } from '../transport/codec.ts'
import { FrameReader, type IncomingFrame } from '../transport/frame-reader.ts'
import { FrameWriter } from '../transport/frame-writer.ts'
import { defaultLimits } from '../transport/limits.ts'
import {
  type Hello,
  type InterruptReport,
  type InterruptRequest,
  jsonBytes,
  readJson,
} from '../transport/messages.ts'
import { inheritedLane } from '../transport/pipe-transport.ts'
import { frameType, protocolVersion } from '../transport/protocol.ts'
import { endGroup } from './end-group.ts'

/** Bodies here are JSON: the lane needs no codec. */
const noCodec = undefined as unknown as Codec
const noBytes = Buffer.alloc(0)

/** What the owner of the control lane does with it. */
export interface ControlLaneOptions {
  readonly fd: number
  readonly interruptible: boolean
  readonly onInterrupt: (request: InterruptRequest) => void
}

/**
 * Opens the worker's end of the control lane and says hello. Answers pings and measurements by itself, and ends the
 * process group when the lane ends: then the host is gone.
 * @returns sends the report of an interrupt
 */
export function openControlLane(options: ControlLaneOptions): (report: InterruptReport) => void {
  const lane = inheritedLane(options.fd)
  const writer = new FrameWriter(lane, noCodec)
  const say = (type: number, message: object): void => writer.bytesFrame(type, 0, 0, 0, jsonBytes(message))
  const onFrame = (frame: IncomingFrame): void => {
    if (frame.type === frameType.interrupt) options.onInterrupt(readJson<InterruptRequest>(frame))
    else if (frame.type === frameType.measure) say(frameType.measured, measurement(frame.id))
    else if (frame.type === frameType.ping) writer.bytesFrame(frameType.pong, 0, frame.id, 0, noBytes)
  }
  const reader = new FrameReader(
    { ...defaultLimits, maxBodyBytes: 65_536, maxAttachmentBytes: 0 },
    {
      onFrame,
      onProtocolError: endGroup,
      onClosed: endGroup,
      onDrained: () => writer.drained(),
      deferred: false,
    },
  )
  reader.start(lane)
  lane.ref()
  const hello: Hello = {
    protocolVersion,
    pid: process.pid,
    nodeVersion: process.versions.node,
    interruptible: options.interruptible,
  }
  say(frameType.hello, hello)
  return (report) => say(frameType.interrupted, report)
}

function measurement(measureId: number): object {
  const { user, system } = process.cpuUsage()
  const rssBytes = process.memoryUsage.rss()
  return { measureId, rssBytes, userCpuMs: user / 1000, systemCpuMs: system / 1000 }
}
