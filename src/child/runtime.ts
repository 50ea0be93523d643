import { messageCodec, messageCodecWith } from '../transport/codec/message-codec.ts'
import {
  classesOfProcess,
  newClassTable,
  processClasses,
  RegisteredClasses,
} from '../transport/codec/registered-classes.ts'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Codec } from '../transport/codec.ts'
import type { LiveLane } from '../movement/flow/live-lane.ts'
import { InterruptedError } from '../errors/call-errors.ts'
import { cleanStack } from '../movement/session/clean-stack.ts'
import { thrownData } from '../movement/thrown-data.ts'
import { workerLane } from './worker-lane.ts'
import { FrameReader, type IncomingFrame } from '../transport/frame-reader.ts'
import { FrameWriter } from '../transport/frame-writer.ts'
import { defaultLimits } from '../transport/limits.ts'
import { type Configure, type Hello, jsonBytes, readJson, type Ready } from '../transport/messages.ts'
import { frameType, isLiveFrame, protocolVersion } from '../transport/protocol.ts'
import type { ConnectOffer } from '../transport/rendezvous/offer.ts'
import type { Transport } from '../transport/transport.ts'
import type { PreloadStep } from '../movement/preload-step.ts'
import { CallRunner } from './call-runner.ts'
import type { CallTable } from './call-table.ts'
import { startInterruption } from './interruption.ts'
import type { OutputHold } from './output-hold.ts'
import { afterOwnTime } from './own-time.ts'
import { preload, PreloadFailure } from './preload.ts'
import type { RuntimeFunctions } from './runtime-functions.ts'
import { whyNotSendable } from '../movement/sendable.ts'
import { cell, streamsEndMs } from './sentinel-messages.ts'
import type { SentinelPort } from './sentinel-port.ts'
import {
  type CurrentCall,
  type WorkerContext,
  workerContexts,
  type WorkerIdentity,
} from './worker-context.ts'
import { monotonicMs } from '../transport/monotonic.ts'

/** What is different between a worker that is a process and one that is a guest in its host's process. */
export interface RuntimeSurroundings {
  /** The data lane, or where the host says where that is. */
  readonly lane: Transport
  readonly table: CallTable
  readonly sentinel: SentinelPort
  readonly decision: SharedArrayBuffer
  /** Holds code that prints; undefined where nothing can be cut off. */
  readonly output: OutputHold | undefined
  /** The file of this code, to know its frames in stacks; undefined where nothing can be cut off. */
  readonly runtimeFile: string | undefined
  /** Where the runtime's code is, for stacks that show none of it: files, and directories with a slash at the end. */
  readonly runtimeFiles: readonly string[]
  /** Makes the functions that the host calls by name, given what tells why a value can't be sent. */
  functions(whyNotSendable: (value: unknown) => string | undefined): RuntimeFunctions
  /** Whether this worker is the whole process. */
  readonly isProcess: boolean
  /** Set where no running code can be cut off, which is known from the start. */
  readonly isRestricted?: boolean
  /** Opens the data lane that the host offers elsewhere. */
  connect(offer: ConnectOffer): Transport
  /** Opens an inspector on loopback and tells its URL; undefined where there is none of its own. */
  openDebugger(): string | undefined
  /** The host, or the lane to it, is gone, or out of its mind. */
  end(): void
  /** Ends the worker when all that it said is on its way. */
  exitInOrder(exitCode: number): void
  /** Ends the worker here and now. */
  exit(exitCode: number): never
}

// The host's own writer has checked its limits; what is announced here is only bounded by what a header can say.
const limits = { ...defaultLimits, maxBodyBytes: 2 ** 32 - 1, maxAttachmentBytes: Number.MAX_SAFE_INTEGER }
const noCodec = undefined as unknown as Codec

// Taken before user code can replace them.
const { setTimeout } = globalThis
const { store } = Atomics

/** How long the reason of a failed boot may take to leave. */
const lastWordsMs = 2_000

const isCall = (type: number): boolean =>
  type === frameType.call || type === frameType.stream || type === frameType.keep

/** Whether a frame is about what functions refer to. */
const isHeld = (type: number): boolean =>
  type === frameType.code ||
  type === frameType.content ||
  type === frameType.bind ||
  type === frameType.forget

/** The worker's side of the data lane: is greeted and configured, prepares itself, runs calls, ends. */
export class Runtime {
  readonly #surroundings: RuntimeSurroundings
  readonly #cells: Int32Array
  readonly #interruption
  readonly #endings: (() => Promise<unknown>)[] = []
  readonly #hostPlaces: string[] = []
  /** Whose frames are taken out of stacks. */
  readonly #shownNot: string[] = []
  /** Those of a guest; a process has one list for all. */
  readonly #classes
  /** Set in what a guest does before it is ready. */
  readonly #isPreparing = new AsyncLocalStorage<true>()
  /** What this worker is for the code in it, once it is configured. */
  context: WorkerContext | undefined
  #lane: Transport
  #reader: FrameReader
  #writer: FrameWriter | undefined
  #runner: CallRunner | undefined
  #live: LiveLane | undefined

  constructor(surroundings: RuntimeSurroundings) {
    this.#surroundings = surroundings
    this.#classes = surroundings.isProcess ? undefined : newClassTable()
    const { table, sentinel, decision, output, runtimeFile } = surroundings
    this.#cells = new Int32Array(decision)
    this.#interruption = startInterruption({
      table,
      sentinel,
      cells: this.#cells,
      output,
      runtimeFile,
      hostPlaces: this.#hostPlaces,
      recover: () => {
        this.#writer?.recover()
        this.#live?.recover(
          () => new InterruptedError('It was cut off.', { collateral: false, executed: 'unknown' }),
        )
        this.#reader.resume()
        this.#runner?.streams.recover()
      },
      follow: (call) => this.#runner?.follow(call),
      mustNotCut: () => this.#runner?.functions.isDefining === true,
      endAsCollateral: (call, at) => this.#runner?.endAsCollateral(call, at),
    })
    this.#lane = surroundings.lane
    this.#reader = this.#open(surroundings.lane)
  }

  /** The lane and its writer, with all that has to leave while the process exits; undefined before there is anything. */
  get outgoing(): { lane: Transport; writer: FrameWriter } | undefined {
    if (this.#writer === undefined) return undefined
    this.#runner?.streams.flush()
    return { lane: this.#lane, writer: this.#writer }
  }

  /** Stops handing out what comes; `resume` goes on. What runs already runs on. */
  pause(): void {
    this.#lane.pause()
  }

  resume(): void {
    this.#lane.resume()
  }

  #open(lane: Transport): FrameReader {
    const { end } = this.#surroundings
    const isCurrent = (): boolean => this.#lane === lane
    const reader = new FrameReader(limits, {
      onFrame: (frame) => this.#onFrame(frame),
      onProtocolError: end,
      // The lane that only said where to go may close.
      onClosed: () => {
        if (isCurrent()) this.#hostGone()
      },
      onDrained: () => {
        if (isCurrent()) this.#writer?.drained()
      },
      deferred: true,
    })
    reader.start(lane)
    // A guest does not hold its host's process.
    if (this.#surroundings.isProcess) lane.ref()
    const greeter = new FrameWriter(lane, noCodec)
    const hello: Hello = {
      protocolVersion,
      pid: process.pid,
      nodeVersion: process.versions.node,
      ...(this.#surroundings.isRestricted === true ? { interruptible: false } : {}),
    }
    greeter.bytesFrame(frameType.hello, 0, 0, 0, jsonBytes(hello))
    greeter.flush()
    return reader
  }

  #onFrame(frame: IncomingFrame): void {
    this.#interruption.recoverIfCut()
    if (isCall(frame.type)) this.#runner?.call(frame)
    else if (frame.type === frameType.credit) this.#runner?.streams.credit(frame)
    else if (frame.type === frameType.endStream) this.#runner?.streams.stop(frame.id)
    else if (frame.type === frameType.endCall) this.#interruption.endInOrder(frame.id)
    else if (isLiveFrame(frame.type)) this.#live?.received(frame)
    else if (frame.type === frameType.define) this.#runner?.functions.define(frame)
    else if (isHeld(frame.type)) this.#runner?.functions.hold(frame)
    else if (frame.type === frameType.configure) this.#configure(frame)
    else if (frame.type === frameType.exit) this.#exit()
    else if (frame.type === frameType.connect) this.#moveTo(readJson<ConnectOffer>(frame))
  }

  #exit(): void {
    const { exitInOrder } = this.#surroundings
    const streams = this.#runner?.streams
    if (this.#endings.length === 0 && streams?.hasAny !== true) exitInOrder(0)
    else {
      const exit = (): void => exitInOrder(0)
      void Promise.all([streams?.stopAll(streamsEndMs), ...this.#endings.map((end) => end())]).then(
        exit,
        exit,
      )
    }
  }

  /** Iterators get a moment to end themselves; the sentinel waits no longer than that. */
  #hostGone(): void {
    const { end } = this.#surroundings
    const streams = this.#runner?.streams
    if (streams?.hasAny !== true) {
      end()
      return
    }
    afterOwnTime(streamsEndMs, end)
    void streams.stopAll(streamsEndMs).then(end, end)
  }

  #moveTo(offer: ConnectOffer): void {
    const first = this.#lane
    this.#lane = this.#surroundings.connect(offer)
    this.#reader = this.#open(this.#lane)
    first.close()
  }

  #configure(frame: IncomingFrame): void {
    const configuration = messageCodec(defaultLimits).decode(frame) as Configure
    const { table, runtimeFiles } = this.#surroundings
    this.#shownNot.push(...runtimeFiles)
    const classes =
      this.#classes === undefined
        ? processClasses
        : new RegisteredClasses([this.#classes, classesOfProcess()])
    // What is only tried must not leave a trace: no numbers for what lives here.
    const trial = messageCodecWith(configuration.limits, classes)
    const live = workerLane(configuration.limits, table, (error) =>
      thrownData(
        error,
        (value) => whyNotSendable(trial, value) === undefined,
        (stack) => cleanStack(stack, this.#shownNot),
      ),
    )
    const codec = messageCodecWith(configuration.limits, classes, live)
    const functions = this.#surroundings.functions((value) => whyNotSendable(trial, value))
    const writer = new FrameWriter(this.#lane, codec)
    this.#writer = writer
    live.open(codec, writer)
    this.#live = live
    const { name, path, incarnation, token } = configuration
    this.#runner = new CallRunner({
      table,
      codec,
      classes,
      trial,
      writer,
      argumentFunctions: live.argumentFunctions,
      exports: live.exports,
      functions,
      runtimeFiles: this.#shownNot,
      recoverIfCut: () => this.#interruption.recoverIfCut(),
      countedStreams: (count) => void store(this.#cells, cell.streams, count),
    })
    this.context = this.#makeContext(Object.freeze({ name, path, incarnation }), writer, live)
    workerContexts().push(this.context)
    const debugUrl = configuration.debug ? this.#surroundings.openDebugger() : undefined
    const body: Ready = { token, ...(debugUrl === undefined ? {} : { debugUrl }) }
    const ready = (): void => writer.frame(frameType.ready, 0, 0, 0, body, 'ready')
    const steps = configuration.preload as readonly PreloadStep[]
    if (steps.length === 0) ready()
    else {
      const { makeLive } = this.#runner.functions
      const prepare = (): Promise<void> => preload(steps, functions.evaluateSource, makeLive)
      const prepared = this.#classes === undefined ? prepare() : this.#isPreparing.run(true, prepare)
      void prepared.then(ready, (failure) => this.#failBoot(failure))
    }
  }

  #failBoot(failure: unknown): void {
    const { step, error } = failure as PreloadFailure
    this.#runner?.failBoot(step, error)
    this.#writer?.flush()
    const deadlineMs = monotonicMs() + lastWordsMs
    // Nothing else tells the host why, and an exit would not wait for what the lane has not taken yet.
    const leave = (): void => {
      if (this.#lane.pendingBytes > 0 && monotonicMs() < deadlineMs) setTimeout(leave, 1)
      else this.#surroundings.exitInOrder(1)
    }
    leave()
  }

  #makeContext(
    identity: WorkerIdentity,
    writer: FrameWriter,
    channelLane: WorkerContext['channelLane'],
  ): WorkerContext {
    const { table, isProcess, exit } = this.#surroundings
    return {
      identity: isProcess ? identity : undefined,
      channelLane,
      currentCall(): CurrentCall | undefined {
        const call = table.current()
        if (call === undefined) return undefined
        call.controller ??= new AbortController()
        return { id: call.id, signal: call.controller.signal, worker: identity }
      },
      exitWith(info, exitCode) {
        writer.frame(frameType.goodbye, 0, 0, 0, { info }, 'info')
        return exit(exitCode)
      },
      report: (event) => writer.frame(frameType.event, 0, 0, 0, event, 'event'),
      ...(this.#classes === undefined
        ? {}
        : {
            classes: this.#classes,
            isCurrent: () => table.current() !== undefined || this.#isPreparing.getStore() === true,
          }),
      beforeExit: (task) => void this.#endings.push(task),
      protect: (place) => {
        this.#hostPlaces.push(place)
        this.#shownNot.push(place)
      },
    }
  }
}
