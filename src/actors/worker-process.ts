import { ProtocolError } from '../errors/data-errors.ts'
import type { ExitReason, ExitType } from '../errors/exit-reason.ts'
import type { Clock } from '../transport/clock.ts'
import { messageCodec } from '../transport/codec/message-codec.ts'
import type { Codec } from '../transport/codec.ts'
import { FrameReader, type IncomingFrame } from '../transport/frame-reader.ts'
import { FrameWriter } from '../transport/frame-writer.ts'
import {
  type Configure,
  type DyingWords,
  type Goodbye,
  type Hello,
  type InterruptReport,
  type InterruptRequest,
  jsonBytes,
  type Measurement,
  type Ready,
  readJson,
} from '../transport/messages.ts'
import { frameType, protocolVersion } from '../transport/protocol.ts'
import { workerEnvironment } from './environment.ts'
import { classifyExit } from './exit-classification.ts'
import { Output } from './output.ts'
import { checkedReport } from './interrupt-report.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import type { Seams } from './seams.ts'
import type { SpawnedProcess } from './spawner.ts'

/** How long what a process wrote before it exited may take to arrive, and how long an exit after its lane's end. */
const drainMs = 100
const laneGraceMs = 500
/** More than this many frames that belong to nothing is not a race any more. */
const maxStrayFrames = 16

const noBytes = Buffer.alloc(0)
const controlLimits = { maxBodyBytes: 65_536, maxAttachmentBytes: 0, maxItems: 1, maxDepth: 1 }

/** Who the process is in the tree. */
export interface ProcessIdentity {
  readonly name: string
  readonly path: string
  readonly incarnation: number
}

/** What a process tells. Each of `ready` and `exited` comes at most once, `exited` last and always. */
export interface ProcessListener {
  ready(): void
  exited(reason: ExitReason): void
  /** A frame of the data lane about a call. Good until the listener returns. */
  callFrame(frame: IncomingFrame): void
  interruptReport(report: InterruptReport): void
  measured(measurement: Measurement): void
}

/**
 * One incarnation's process and its two lanes: starts it, greets it, sees its death exactly once, whatever the order of
 * exit event and end of streams.
 */
export class WorkerProcess {
  readonly codec: Codec
  readonly data: FrameWriter
  readonly pid: number | undefined
  readonly #control: FrameWriter
  readonly #process: SpawnedProcess
  readonly #listener: ProcessListener
  readonly #clock: Clock
  readonly #token: string
  readonly #startedMs: number
  readonly #stdout: Output
  readonly #stderr: Output
  #isInterruptible: boolean | undefined
  readonly #userSignals = new Set<NodeJS.Signals>()
  #wasGreeted = false
  #wasReady = false
  #isBroken = false
  #intent: ExitType | undefined
  #cause: unknown
  #dying: DyingWords | undefined
  #exit: { code: number | null; signal: NodeJS.Signals | null } | undefined
  #dataIsOver = false
  #isOver = false
  #drainTimer: unknown
  #laneTimer: unknown
  #strayFrames = 0
  #bytesLeft = Infinity

  /** Throws what the system says if the process can't be started at all. */
  constructor(
    options: ResolvedOptions,
    execPath: string,
    identity: ProcessIdentity,
    seams: Seams,
    listener: ProcessListener,
  ) {
    this.#listener = listener
    this.#clock = seams.clock
    this.#token = seams.random.token()
    this.#startedMs = seams.clock.nowMs()
    this.codec = messageCodec(options.limits)
    const child = seams.spawner({
      execPath,
      args: [...options.execArgv, options.runtimeEntry, ...options.argv],
      cwd: options.cwd,
      env: workerEnvironment(process.env, options.inheritEnv, options.env),
    })
    this.#process = child
    this.pid = child.pid
    child.onFailed((error) => this.#failed(error))
    child.onExit((code, signal) => this.#exited(code, signal))
    this.#stdout = new Output(child.stdout, options.stdout, identity.name, process.stdout)
    this.#stderr = new Output(child.stderr, options.stderr, identity.name, process.stderr)
    this.data = new FrameWriter(child.data, this.codec)
    this.#control = new FrameWriter(child.control, this.codec)
    this.#dataReader(options).start(child.data)
    this.#controlReader().start(child.control)
    const configure: Configure = { ...identity, token: this.#token, limits: options.limits }
    this.data.frame(frameType.configure, 0, 0, 0, configure, 'configure')
  }

  /** Whether running code can be cut off there; undefined until the sentinel has said so. */
  get isInterruptible(): boolean | undefined {
    return this.#isInterruptible
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
    if (this.#intent !== undefined || this.#exit !== undefined) return
    this.#intent = because
    this.#cause ??= cause
  }

  /** Signals the group; never after its leader's exit was seen, when the number may be somebody else's. */
  signal(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#process.signalGroup(signal)
  }

  /** As `signal`; if the process ends by it, it was killed. */
  signalByUser(signal: NodeJS.Signals): void {
    this.#userSignals.add(signal)
    this.signal(signal)
  }

  askExit(): void {
    this.data.bytesFrame(frameType.exit, 0, 0, 0, noBytes)
  }

  interrupt(request: InterruptRequest): void {
    // What the interrupt is about goes first.
    this.data.flush()
    this.#control.bytesFrame(frameType.interrupt, 0, 0, 0, jsonBytes(request))
    this.#control.flush()
  }

  measure(measureId: number): void {
    this.#control.bytesFrame(frameType.measure, 0, measureId, 0, noBytes)
  }

  /** A reply that belongs to no call: late, doubled, or made up. A few are races; more break the protocol. */
  strayFrame(): void {
    if (++this.#strayFrames > maxStrayFrames) {
      this.#broken(new ProtocolError(`Over ${maxStrayFrames} replies belonged to no call.`, this.#place()))
    }
  }

  ref(): void {
    this.#process.ref()
    this.#process.data.ref()
  }

  unref(): void {
    this.#process.unref()
    this.#process.data.unref()
  }

  #place(): { pid: number | undefined } {
    return { pid: this.pid }
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
        this.#dataIsOver = true
        this.#laneEnded('data')
      },
    })
  }

  #controlReader(): FrameReader {
    return new FrameReader(controlLimits, {
      deferred: false,
      onFrame: (frame) => this.#onControlFrame(frame),
      onProtocolError: (error) => this.#broken(error),
      onDrained: () => this.#control.drained(),
      onClosed: () => {
        this.#control.closed()
        this.#laneEnded('control')
      },
    })
  }

  #onDataFrame(frame: IncomingFrame): void {
    if (this.#isOver || this.#isBroken) return
    const { type } = frame
    if (type === frameType.result || type === frameType.error) {
      if (this.#wasReady) this.#listener.callFrame(frame)
      else this.#broken(new ProtocolError('The worker answered before it was ready.', this.#place()))
      return
    }
    try {
      if (type === frameType.hello) this.#greeted(readJson<Hello>(frame))
      else if (type === frameType.ready) this.#becameReady(this.codec.decode(frame) as Ready)
      else if (type === frameType.goodbye) this.#cause ??= (this.codec.decode(frame) as Goodbye).info
      else throw new ProtocolError(`A worker may not send frames of type ${type}.`, this.#place())
    } catch (error) {
      this.#broken(error)
    }
  }

  #onControlFrame(frame: IncomingFrame): void {
    if (this.#isBroken) return
    try {
      if (frame.type === frameType.interrupted) this.#listener.interruptReport(checkedReport(readJson(frame)))
      else if (frame.type === frameType.measured) this.#listener.measured(readJson(frame))
      else if (frame.type === frameType.dying) this.#dying = readJson(frame)
      else if (frame.type === frameType.hello)
        this.#isInterruptible = readJson<Hello>(frame).interruptible === true
      else if (frame.type !== frameType.pong) {
        throw new ProtocolError(
          `A worker may not send frames of type ${frame.type} on its control lane.`,
          this.#place(),
        )
      }
    } catch (error) {
      this.#broken(error)
    }
  }

  #greeted(hello: Hello): void {
    this.#wasGreeted = true
    if (hello.protocolVersion === protocolVersion) return
    const both = `This host speaks version ${protocolVersion} of the protocol, the worker version ${String(hello.protocolVersion)}.`
    throw new ProtocolError(`${both} Both must come from the same release of maltster.`, this.#place())
  }

  #becameReady(ready: Ready): void {
    if (!this.#wasGreeted || this.#wasReady || ready?.token !== this.#token) {
      throw new ProtocolError('The worker said that it is ready in a way that does not fit.', this.#place())
    }
    this.#wasReady = true
    this.#listener.ready()
  }

  /** What came is not the protocol: from here on nothing of this process is believed. */
  #broken(error: unknown): void {
    this.#isBroken = true
    const problem =
      error instanceof ProtocolError
        ? error
        : new ProtocolError('The worker sent something that can not be read.', {
            ...this.#place(),
            cause: error,
          })
    this.kill('transport', problem)
    this.#process.data.destroy()
    this.#process.control.destroy()
  }

  /** A lane is over: usually a death whose exit event is on its way; if not, a process that nobody can reach. */
  #laneEnded(lane: string): void {
    this.#settleExit()
    if (this.#exit !== undefined || this.#laneTimer !== undefined) return
    this.#laneTimer = this.#clock.setTimeout(() => {
      this.kill('transport', new ProtocolError(`The ${lane} lane was closed.`, this.#place()))
    }, laneGraceMs)
  }

  #countBytesLeft(): void {
    if (this.#bytesLeft === Infinity) this.#bytesLeft = this.data.bytesWritten - this.data.heldBytes
  }

  #failed(error: Error): void {
    if (this.#exit !== undefined) return
    this.#cause ??= error
    this.#exited(null, null)
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#exit !== undefined) return
    // What it started and left behind goes with it. The group still exists, or its number is free: either is safe.
    this.#process.signalGroup('SIGKILL')
    this.#exit = { code, signal }
    this.#clock.clearTimeout(this.#laneTimer)
    this.#countBytesLeft()
    this.#drainTimer = this.#clock.setTimeout(() => this.#finish(), drainMs)
    void Promise.all([this.#stderr.ended, this.#stdout.ended]).then(() => this.#settleExit())
    this.#settleExit()
  }

  /** The exit is known: done as soon as everything that was written before it has been read. */
  #settleExit(): void {
    if (this.#exit === undefined || !this.#dataIsOver || !this.#stderr.hasEnded || !this.#stdout.hasEnded)
      return
    this.#finish()
  }

  #finish(): void {
    if (this.#isOver || this.#exit === undefined) return
    this.#isOver = true
    this.#clock.clearTimeout(this.#drainTimer)
    this.#process.data.destroy()
    this.#process.control.destroy()
    this.#stdout.stop()
    this.#stderr.stop()
    const { code: exitCode, signal } = this.#exit
    const reason = classifyExit({
      exitCode,
      signal,
      intent: this.#intent ?? (signal !== null && this.#userSignals.has(signal) ? 'killed' : undefined),
      wasReady: this.#wasReady,
      stderrTail: this.#stderr.tail,
      uptimeMs: this.uptimeMs,
      dying: this.#dying,
      cause: this.#cause,
    })
    this.#listener.exited(reason)
  }
}
