import { ProtocolError } from '../errors/data-errors.ts'
import type { ExitType } from '../errors/exit-reason.ts'
import type { Clock } from '../transport/clock.ts'
import { messageCodec } from '../transport/codec/message-codec.ts'
import { Ledger } from '../movement/graph/ledger.ts'
import type { Codec } from '../transport/codec.ts'
import { FrameReader, type IncomingFrame } from '../transport/frame-reader.ts'
import { FrameWriter } from '../transport/frame-writer.ts'
import type { LaunchedProcess, ProcessExit } from '../transport/launcher.ts'
import {
  type BootFailure,
  type Goodbye,
  type Hello,
  type InterruptRequest,
  type Ready,
  readJson,
} from '../transport/messages.ts'
import { frameType, isCallFrame, isLiveFrame } from '../transport/protocol.ts'
import type { Transport } from '../transport/transport.ts'
import type { LiveLane } from '../movement/flow/live-lane.ts'
import { beginProcess, endLaunched } from './begin-process.ts'
import { boundedExit } from './bounded-exit.ts'
import { ControlLane } from './control-lane.ts'
import { preloadError } from './end-errors.ts'
import { asProtocolError, Ending } from './ending.ts'
import { Greeting, sendConfiguration } from './greeting.ts'
import { hostLane } from './host-lane.ts'
import { launchRequest } from './launch-request.ts'
import { Meeting } from './meeting.ts'
import type { Output } from './output.ts'
import { openOutputs } from './outputs.ts'
import type { ProcessIdentity, ProcessListener } from './process-listener.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import type { Seams } from './seams.ts'

/** How long what a process wrote before it exited may take to arrive, and how long an exit after its lane's end. */
const drainMs = 100
const laneGraceMs = 500
/** More than this many frames that belong to nothing is not a race any more. */
const maxStrayFrames = 16

/**
 * One incarnation's process and its two lanes: starts it, greets it, sees its death exactly once, whatever the order of
 * exit event and end of streams.
 */
export class WorkerProcess {
  readonly codec: Codec
  /** What it has been sent of what functions refer to. */
  readonly ledger: Ledger
  /** What lives here or there, and is known on the other side. */
  readonly live: LiveLane
  readonly data: FrameWriter
  readonly control: ControlLane
  readonly stdout: Output
  readonly stderr: Output
  /** Why it ends, or has ended. */
  readonly ending = new Ending(() => ({
    wasReady: this.#greeting.wasReady,
    stderrTail: this.stderr.tail,
    uptimeMs: this.uptimeMs,
  }))
  readonly #process: LaunchedProcess
  readonly #meeting: Meeting | undefined
  readonly #dataLane: Transport
  readonly #identity: ProcessIdentity
  readonly #listener: ProcessListener
  readonly #clock: Clock
  readonly #greeting: Greeting
  readonly #startedMs: number
  #isBroken = false
  #exit: ProcessExit | undefined
  readonly #lanesOver = new Set<'data' | 'control'>()
  #isOver = false
  #drainTimer: unknown
  #laneTimer: unknown
  #strayFrames = 0
  #bytesLeft = Infinity
  #debugUrl: string | undefined
  /** Started by a program that may have started it in turn: then only the worker itself knows its number. */
  readonly #isWrapped: boolean

  /** Throws what the system says if the process can't be started at all. */
  constructor(
    options: ResolvedOptions,
    execPath: string,
    identity: ProcessIdentity,
    seams: Seams,
    listener: ProcessListener,
  ) {
    this.#listener = listener
    this.#identity = identity
    this.#clock = seams.clock
    this.#greeting = new Greeting(seams.random.token())
    this.#startedMs = seams.clock.nowMs()
    this.live = hostLane(options.limits, {
      place: () => ({ worker: identity.path, pid: this.pid }),
      stray: () => this.strayFrame(),
      waiting: () => listener.waitsChanged(),
    })
    this.codec = messageCodec(options.limits, this.live)
    this.ledger = new Ledger(this.codec)
    const launcher = options.launcher ?? seams.launcher
    const child = boundedExit(beginProcess(launcher, launchRequest(options, execPath)), launcher, seams.clock)
    this.#process = child
    this.#isWrapped = options.launcher?.isLocal === true
    try {
      child.onFailed((error) => this.#failed(error))
      child.onExit((exit) => this.#exited(exit))
      const onDropped: ProcessListener['outputDropped'] = (stream, bytes) =>
        listener.outputDropped(stream, bytes)
      const outputs = openOutputs(child, { options, name: identity.name, clock: seams.clock, onDropped })
      this.stdout = outputs.stdout
      this.stderr = outputs.stderr
      this.#meeting = options.transport === 'pipe' ? undefined : this.#meet(options.transport, seams)
      this.#dataLane = this.#meeting?.lane ?? child.data
      this.data = new FrameWriter(this.#dataLane, this.codec)
      this.live.open(this.codec, this.data)
      this.#dataReader(options).start(this.#dataLane)
      this.control = this.#controlLane(child.control)
      const { limits, preload, maxRssBytes, debug } = options
      const configuration = { ...identity, token: this.#greeting.token, limits, debug }
      sendConfiguration(this.data, configuration, preload, this.ledger)
      if (maxRssBytes !== Infinity) this.control.watch({ maxRssBytes })
    } catch (error) {
      // Whatever it still tells is of no interest: there is nobody to tell.
      this.#isOver = true
      this.#exit = { exitCode: null, signal: null }
      this.#meeting?.cancel()
      endLaunched(child)
      throw error
    }
  }

  #meet(network: 'uds' | 'tcp', { clock, random }: Seams): Meeting {
    return new Meeting({
      process: this.#process,
      network,
      identity: this.#identity,
      clock,
      random,
      onFrame: (frame) => this.#onFrameBefore(frame),
      onProtocolError: (error) => this.#broken(error),
      onRefused: (why) => this.#listener.strangerRefused(why),
    })
  }

  /** The worker's process id, once its launcher knows it. */
  get pid(): number | undefined {
    return (this.#isWrapped ? this.#greeting.pid : undefined) ?? this.#process.pid
  }

  /** Whether running code can be cut off there; undefined until the sentinel has said so. */
  get isInterruptible(): boolean | undefined {
    return this.#greeting.isInterruptible
  }

  /** Where a debugger finds the process, if it was asked for. */
  get debugUrl(): string | undefined {
    return this.#debugUrl
  }

  /** Bytes of the data lane that may have left the host when the lane, or the process, ended. */
  get bytesLeft(): number {
    return this.#bytesLeft
  }

  get uptimeMs(): number {
    return this.#clock.nowMs() - this.#startedMs
  }

  /** Ends the whole group at once. The first one to end it says why. */
  kill(because: ExitType, cause?: unknown): void {
    this.intend(because, cause)
    this.signal('SIGKILL')
  }

  /** Records why the process is about to end. */
  intend(because: ExitType, cause?: unknown): void {
    if (this.#exit === undefined) this.ending.intend(because, cause)
  }

  /** Signals the group; never after its leader's exit was seen, when the number may be somebody else's. */
  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#process.signalGroup(signal)
  }

  /** As `signal`; if the process ends by it, it was killed. */
  signalByUser(signal: NodeJS.Signals): void {
    this.ending.signalledByUser(signal)
    this.signal(signal)
  }

  askExit(): void {
    this.data.bytesFrame(frameType.exit, 0, 0, 0, Buffer.alloc(0))
  }

  interrupt(request: InterruptRequest): void {
    // What the interrupt is about goes first.
    this.data.flush()
    this.control.interrupt(request)
  }

  /** A reply that belongs to no call: late, doubled, or made up. A few are races; more break the protocol. */
  strayFrame(): void {
    if (++this.#strayFrames > maxStrayFrames)
      this.violated(`Over ${maxStrayFrames} replies belonged to no call.`)
  }

  /** The worker broke the protocol: it is ended. */
  violated(what: string): void {
    this.#broken(new ProtocolError(what, { pid: this.pid }))
  }

  ref(): void {
    this.#process.ref()
    this.#dataLane.ref()
  }

  unref(): void {
    this.#process.unref()
    this.#dataLane.unref()
  }

  #dataReader(options: ResolvedOptions): FrameReader {
    return new FrameReader(options.limits, {
      deferred: false,
      onFrame: (frame) => this.#onDataFrame(frame),
      onProtocolError: (error) => this.#broken(error),
      onDrained: () => this.data.drained(),
      onClosed: () => {
        this.#countBytesLeft()
        this.data.closed()
        this.#laneEnded('data')
      },
    })
  }

  #controlLane(lane: Transport): ControlLane {
    const listener = this.#listener
    return new ControlLane(lane, {
      greeted: (isInterruptible) => this.#greeting.controlGreeted(isInterruptible),
      interruptReport: (report) => listener.interruptReport(report),
      measured: (measurement) => listener.measured(measurement),
      pong: (id, mainSilentMs) => listener.pong(id, mainSilentMs),
      dying: (words) => this.ending.saidLast(words),
      broken: (error) => this.#broken(error),
      closed: () => this.#laneEnded('control'),
    })
  }

  /** On the lane that only says where to go a worker says hello, and nothing else; it does so again where it came to. */
  #onFrameBefore(frame: IncomingFrame): void {
    if (this.#isOver || this.#isBroken) return
    try {
      if (frame.type !== frameType.hello) {
        throw new ProtocolError(`A worker may not send frames of type ${frame.type} yet.`, { pid: this.pid })
      }
      this.#greeting.checkVersion(readJson<Hello>(frame))
    } catch (error) {
      this.#broken(error)
    }
  }

  #onDataFrame(frame: IncomingFrame): void {
    if (this.#isOver || this.#isBroken) return
    const { type } = frame
    if (isLiveFrame(type) || isCallFrame(type)) {
      if (!this.#greeting.wasReady) this.violated('The worker answered before it was ready.')
      else if (isLiveFrame(type)) this.live.received(frame)
      else this.#listener.callFrame(frame)
      return
    }
    try {
      if (type === frameType.hello) this.#greeting.hello(readJson<Hello>(frame))
      else if (type === frameType.ready) this.#becameReady(this.codec.decode(frame) as Ready)
      else if (type === frameType.event) this.#listener.nestedEvent(this.codec.decode(frame))
      else if (type === frameType.bootFailed) this.#bootFailed(this.codec.decode(frame) as BootFailure)
      else if (type === frameType.goodbye) this.ending.blame((this.codec.decode(frame) as Goodbye).info)
      else throw new ProtocolError(`A worker may not send frames of type ${type}.`, { pid: this.pid })
    } catch (error) {
      this.#broken(error)
    }
  }

  #becameReady(ready: Ready): void {
    this.#greeting.ready(ready)
    this.#debugUrl = typeof ready.debugUrl === 'string' ? ready.debugUrl : undefined
    // Nobody else is let in.
    this.#meeting?.cancel()
    this.#listener.ready()
  }

  #bootFailed({ step, failure }: BootFailure): void {
    if (this.#greeting.wasReady) throw new ProtocolError('The worker has booted long ago.', { pid: this.pid })
    this.ending.blame(preloadError(step, failure, { worker: this.#identity.path, pid: this.pid }))
  }

  #destroyLanes(): void {
    this.#meeting?.cancel()
    this.#dataLane.destroy()
    this.#process.control.destroy()
  }

  /** What came is not the protocol: from here on nothing of this process is believed. */
  #broken(error: unknown): void {
    this.#isBroken = true
    this.kill('transport', asProtocolError(error, this.pid))
    this.#destroyLanes()
  }

  /** A lane is over: usually a death whose exit event is on its way; if not, a process that nobody can reach. */
  #laneEnded(lane: 'data' | 'control'): void {
    this.#lanesOver.add(lane)
    this.#settleExit()
    if (this.#exit !== undefined || this.#laneTimer !== undefined) return
    this.#laneTimer = this.#clock.setTimeout(() => {
      this.kill('transport', new ProtocolError(`The ${lane} lane was closed.`, { pid: this.pid }))
    }, laneGraceMs)
  }

  #countBytesLeft(): void {
    if (this.#bytesLeft === Infinity) this.#bytesLeft = this.data.bytesWritten - this.data.heldBytes
  }

  #failed(error: Error): void {
    if (this.#exit !== undefined) return
    this.ending.blame(error)
    this.#exited({ exitCode: null, signal: null })
  }

  #exited(exit: ProcessExit): void {
    if (this.#exit !== undefined) return
    // What it started and left behind goes with it. The group still exists, or its number is free: either is safe.
    this.#process.signalGroup('SIGKILL')
    this.#exit = exit
    this.#clock.clearTimeout(this.#laneTimer)
    this.#countBytesLeft()
    this.#meeting?.cancel()
    this.stdout.processEnded()
    this.stderr.processEnded()
    this.#drainTimer = this.#clock.setTimeout(() => this.#finish(), drainMs)
    void Promise.all([this.stderr.ended, this.stdout.ended]).then(() => this.#settleExit())
    this.#settleExit()
  }

  /** The exit is known: done as soon as everything that was written before it has been read. */
  #settleExit(): void {
    // Its last words may be on the one lane, its last answers on the other.
    if (this.#lanesOver.size === 2 && this.stderr.hasEnded && this.stdout.hasEnded) this.#finish()
  }

  #finish(): void {
    if (this.#isOver || this.#exit === undefined) return
    this.#isOver = true
    this.#clock.clearTimeout(this.#drainTimer)
    this.#destroyLanes()
    this.stdout.stop()
    this.stderr.stop()
    if (!this.#greeting.wasReady) this.ending.blame(this.#meeting?.refused)
    this.#listener.exited(this.ending.reason(this.#exit))
  }
}
