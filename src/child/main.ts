import { messageCodec } from '../transport/codec/message-codec.ts'
import type { Codec } from '../transport/codec.ts'
import { FrameReader, type IncomingFrame } from '../transport/frame-reader.ts'
import { FrameWriter } from '../transport/frame-writer.ts'
import { defaultLimits } from '../transport/limits.ts'
import { type Configure, type Hello, jsonBytes } from '../transport/messages.ts'
import { inheritedLane, laneDescriptor } from '../transport/pipe-transport.ts'
import { frameType, protocolVersion } from '../transport/protocol.ts'
import { CallRunner } from './call-runner.ts'
import { CallTable } from './call-table.ts'
import { endGroup } from './end-group.ts'
import { startInterruption } from './interruption.ts'
import { exitInOrder, flushAtExit, sayLastWords } from './last-words.ts'
import { startSentinel } from './sentinel-port.ts'
import { type WorkerContext, workerContextSymbol } from './worker-context.ts'

/** The main thread of a worker process: the entry of the bundled child file. It owns the data lane. */

const { data: dataFd, control: controlFd } = laneDescriptor

// First of all: from here on this process ends when its host does, whatever the main thread gets to run.
const decisionMemory = new SharedArrayBuffer(8)
const sentinel = startSentinel({ controlFd, decision: decisionMemory })

// Without a listener SIGUSR1 opens a debugger port to every user of this machine.
process.on('SIGUSR1', () => {})
process.on('uncaughtExceptionMonitor', (error) => sayLastWords(controlFd, error))

const table = new CallTable()
const lane = inheritedLane(dataFd)
const greeter = new FrameWriter(lane, undefined as unknown as Codec)
let writer: FrameWriter | undefined
let runner: CallRunner | undefined

function configure(frame: IncomingFrame): void {
  const configuration = messageCodec(defaultLimits).decode(frame) as Configure
  const codec = messageCodec(configuration.limits)
  const answers = new FrameWriter(lane, codec)
  writer = answers
  runner = new CallRunner(table, codec, answers, () => interruption.recoverIfCut())
  const { name, path, incarnation } = configuration
  const identity = Object.freeze({ name, path, incarnation })
  const context: WorkerContext = {
    currentCall() {
      const call = table.current()
      if (call === undefined) return undefined
      call.controller ??= new AbortController()
      return { id: call.id, signal: call.controller.signal, worker: identity }
    },
    exitWith(info, exitCode) {
      answers.frame(frameType.goodbye, 0, 0, 0, { info }, 'info')
      process.exit(exitCode)
    },
  }
  Object.defineProperty(globalThis, Symbol.for(workerContextSymbol), { value: context })
  answers.frame(frameType.ready, 0, 0, 0, { token: configuration.token }, 'ready')
}

function onFrame(frame: IncomingFrame): void {
  interruption.recoverIfCut()
  if (frame.type === frameType.call) runner?.call(frame)
  else if (frame.type === frameType.define) runner?.define(frame)
  else if (frame.type === frameType.configure) configure(frame)
  else if (frame.type === frameType.exit) exitInOrder()
}

// The host's own writer has checked its limits; what is announced here is only bounded by what a header can say.
const limits = { ...defaultLimits, maxBodyBytes: 2 ** 32 - 1, maxAttachmentBytes: Number.MAX_SAFE_INTEGER }
const reader = new FrameReader(limits, {
  onFrame,
  onProtocolError: endGroup,
  onClosed: endGroup,
  onDrained: () => writer?.drained(),
  deferred: true,
})

const interruption = startInterruption({
  table,
  sentinel,
  cells: new Int32Array(decisionMemory),
  runtimeFile: __filename,
  recover: () => {
    writer?.recover()
    reader.resume()
  },
  follow: (call) => runner?.follow(call),
  mustNotCut: () => runner?.isDefining === true,
  endAsCollateral: (call, at) => runner?.endAsCollateral(call, at),
})

// What has been answered is not lost when the process exits.
process.on('exit', () => {
  if (writer !== undefined) flushAtExit(dataFd, lane, writer)
})

reader.start(lane)
lane.ref()
const hello: Hello = { protocolVersion, pid: process.pid, nodeVersion: process.versions.node }
greeter.bytesFrame(frameType.hello, 0, 0, 0, jsonBytes(hello))
greeter.flush()
