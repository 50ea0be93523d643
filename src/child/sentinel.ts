import * as inspector from 'node:inspector'
import { parentPort, workerData } from 'node:worker_threads'

import type { Codec } from '../transport/codec.ts'
import { FrameReader, type IncomingFrame } from '../transport/frame-reader.ts'
import { FrameWriter } from '../transport/frame-writer.ts'
import { defaultLimits } from '../transport/limits.ts'
import { type Hello, type InterruptRequest, jsonBytes, readJson } from '../transport/messages.ts'
import { inheritedLane } from '../transport/pipe-transport.ts'
import { frameType, protocolVersion } from '../transport/protocol.ts'
import { endGroup } from './end-group.ts'
import { Ladder } from './ladder.ts'
import type { AliveAnswer, SentinelData } from './sentinel-messages.ts'

/**
 * The sentinel: the second thread of a worker process. It owns the control lane, so it answers while the main thread
 * spins, ends what spins, and ends the whole process group when the host is gone.
 */

const { controlFd, decision } = workerData as SentinelData
const port = parentPort
if (port === null) throw new Error('The sentinel runs in a worker thread only.')
const cells = new Int32Array(decision)

function connect(): inspector.Session | undefined {
  try {
    const session = new inspector.Session()
    session.connectToMainThread()
    return session
  } catch {
    return undefined
  }
}

/** Whether the inspector is there and allowed. Made, not connected: that would wake the main thread for nothing. */
function canConnect(): boolean {
  try {
    return typeof new inspector.Session().connectToMainThread === 'function'
  } catch {
    return false
  }
}

const lane = inheritedLane(controlFd)
const writer = new FrameWriter(lane, undefined as unknown as Codec)
const say = (type: number, message: object): void => writer.bytesFrame(type, 0, 0, 0, jsonBytes(message))

const noBytes = Buffer.alloc(0)
const waiting: InterruptRequest[] = []
let ladder: Ladder | undefined

/** One ladder at a time: two terminations under way at once can't be told apart. */
function climb(): void {
  const request = waiting.shift()
  if (request === undefined) return
  ladder = new Ladder({
    request,
    cells,
    ask: (question) => port?.postMessage(question),
    connect,
    report: (report) => say(frameType.interrupted, report),
    finished: () => {
      ladder = undefined
      climb()
    },
  })
}

function measure(measureId: number): void {
  const { user, system } = process.cpuUsage()
  const rssBytes = process.memoryUsage.rss()
  say(frameType.measured, { measureId, rssBytes, userCpuMs: user / 1000, systemCpuMs: system / 1000 })
}

function onFrame(frame: IncomingFrame): void {
  if (frame.type === frameType.interrupt) {
    waiting.push(readJson<InterruptRequest>(frame))
    if (ladder === undefined) climb()
  } else if (frame.type === frameType.measure) {
    measure(frame.id)
  } else if (frame.type === frameType.ping) {
    writer.bytesFrame(frameType.pong, 0, frame.id, 0, noBytes)
  }
}

const limits = { ...defaultLimits, maxBodyBytes: 65_536, maxAttachmentBytes: 0 }
const onDrained = (): void => writer.drained()
const reader = new FrameReader(limits, {
  onFrame,
  onProtocolError: endGroup,
  onClosed: endGroup,
  onDrained,
  deferred: false,
})
reader.start(lane)
lane.ref()

port.on('message', (answer: AliveAnswer) => ladder?.answered(answer))

const hello: Hello = {
  protocolVersion,
  pid: process.pid,
  nodeVersion: process.versions.node,
  interruptible: canConnect(),
}
say(frameType.hello, hello)
