import type { ExitReason } from '../errors/exit-reason.ts'
import type { Launcher } from '../transport/launcher.ts'
import type { Measurement } from '../transport/messages.ts'
import { Calls } from './calls.ts'
import type { WorkerCapabilities } from './capabilities.ts'
import { Descendants } from './descendants.ts'
import { bootError, deathError, refusedBySystem, spawnError, stoppedError } from './end-errors.ts'
import { executableOf } from './executable.ts'
import { Heartbeat } from './heartbeat.ts'
import { Interrupts, type InterruptResult } from './interrupts.ts'
import { machineActor } from './machine-actor.ts'
import { Measurements } from './measurements.ts'
import { meetingObstacle } from './meeting.ts'
import { warnUnlessObserved } from './cast-failure.ts'
import { type ErrorPlace, interruptedError } from './remote-error.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import type { RunWorker } from './run.ts'
import type { Seams } from './seams.ts'
import type { ProcessIdentity } from './process-listener.ts'
import { WorkerProcess } from './worker-process.ts'
import { stateOf, type StopDelays, type WorkerEvent, type WorkerState } from './worker-machine.ts'

type Reference = 'auto' | 'ref' | 'unref'

/**
 * One life of a worker: the machine, the process it drives, its calls and its interrupts, tied together. The snapshot
 * of the machine is the only place where the state is kept.
 */
export class Incarnation {
  readonly identity: ProcessIdentity
  readonly ready: Promise<void>
  readonly exited: Promise<ExitReason>
  readonly calls: Calls
  readonly process: WorkerProcess
  readonly actor
  /** The workers that were started in this one. */
  readonly descendants: Descendants
  /** `seq` of the event that told of its end. */
  exitSeq: number | undefined
  readonly #heartbeat: Heartbeat | undefined
  readonly #options: ResolvedOptions
  readonly #seams: Seams
  readonly #interrupts: Interrupts
  readonly #measurements: Measurements
  #interruptCount = 0
  #reference: Reference = 'auto'
  #isHeld = true
  #exit: ExitReason | undefined
  #settleReady!: { resolve: () => void; reject: (error: Error) => void }
  #settleExited!: (reason: ExitReason) => void
  /** What the process told before the machine was there to hear it. */
  readonly #early: WorkerEvent[] = []
  #sendBack = (event: WorkerEvent): void => void this.#early.push(event)

  /**
   * Starts the process.
   * @throws {SpawnError} if that can't even be tried
   */
  constructor(options: ResolvedOptions, identity: ProcessIdentity, seams: Seams, cause?: number) {
    this.#options = options
    this.#seams = seams
    this.identity = identity
    this.descendants = new Descendants(identity.path, (change) => seams.places.tell(change))
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject }
    })
    this.ready.catch(() => {})
    this.exited = new Promise((resolve) => {
      this.#settleExited = resolve
    })
    this.process = this.#startProcess()
    this.#measurements = new Measurements(seams.clock, (id) => this.process.control.measure(id))
    this.#interrupts = this.#makeInterrupts()
    this.calls = this.#makeCalls()
    this.actor = this.#makeActor()
    this.#heartbeat = this.#makeHeartbeat()
    this.#follow()
    this.actor.start()
    seams.events.emit({ ...identity, cause }, { type: 'worker.spawned', pid: this.process.pid ?? 0 })
  }

  get state(): WorkerState {
    return stateOf(this.actor.getSnapshot())
  }

  get place(): ErrorPlace {
    return { worker: this.identity.path, pid: this.process.pid }
  }

  get exit(): ExitReason | undefined {
    return this.#exit
  }

  get capabilities(): WorkerCapabilities {
    const isProcess = this.#launcher.isGuest !== true
    return {
      interrupt: isProcess && this.process.isInterruptible !== false,
      process: isProcess,
      stdio: isProcess,
    }
  }

  get #launcher(): Launcher {
    return this.#options.launcher ?? this.#seams.launcher
  }

  /** What running source needs of this worker. */
  get runWorker(): RunWorker {
    const { clock, random } = this.#seams
    return {
      calls: this.calls,
      process: this.process,
      exited: this.exited,
      options: this.#options,
      clock,
      random,
      hasOutput: this.capabilities.stdio,
      interrupts: () => this.#interruptCount,
      interruptedBefore: () => interruptedError(this.place, { collateral: false, executed: 'no' }),
    }
  }

  /** Why calls are not taken now, if they aren't. */
  refusal(): Error | undefined {
    if (this.actor.getSnapshot().hasTag('accepting')) return undefined
    const exit = this.#exit ?? this.process.ending.coming
    return exit === undefined ? stoppedError(this.place, 'no') : deathError(this.place, exit, 'no')
  }

  interrupt(): Promise<InterruptResult> {
    const { calls } = this
    this.#interruptCount++
    const upToCallId = calls.pending.lastId
    calls.endings.endHeld(upToCallId)
    // A call that was ended here may still spin over there.
    const hasWork = calls.pending.foreground > 0 || calls.hasCast || this.state === 'interrupting'
    if (!hasWork || this.#exit !== undefined) {
      return Promise.resolve({ outcome: 'idle', afterMs: 0 })
    }
    return this.#interrupts.upTo(upToCallId)
  }

  stop(delays: StopDelays): Promise<ExitReason> {
    const { state } = this
    if (state !== 'dead') {
      this.#hold()
      if (state !== 'stopping') this.process.intend('shutdown')
      this.actor.send({ type: 'stop.requested', busy: this.calls.pending.foreground > 0, delays })
    }
    return this.exited
  }

  kill(signal: NodeJS.Signals): void {
    if (this.state === 'dead') return
    if (signal === 'SIGSTOP') this.suspend()
    else if (signal === 'SIGCONT') this.resume()
    else if (signal === 'SIGKILL') {
      this.process.intend('killed')
      // Nothing survives it, so the host may well wait for the end.
      this.#hold()
      this.actor.send({ type: 'kill.requested' })
    } else this.process.signalByUser(signal)
  }

  suspend(): void {
    this.actor.send({ type: 'suspend.requested' })
  }

  resume(): void {
    this.actor.send({ type: 'resume.requested', busy: this.calls.pending.foreground > 0 })
  }

  /** Memory and processor time, asked of the sentinel; undefined if it does not answer in time. */
  measure(timeoutMs: number): Promise<Measurement | undefined> {
    return this.#exit === undefined ? this.#measurements.take(timeoutMs) : Promise.resolve(undefined)
  }

  reference(reference: Reference): void {
    this.#reference = reference
    this.#applyReference()
  }

  #applyReference(): void {
    const isPending = this.calls.pending.isAny || this.process.live.waits.isWaiting
    const hold = this.#isHeld || this.#reference === 'ref' || (this.#reference === 'auto' && isPending)
    if (hold) this.process.ref()
    else this.process.unref()
  }

  /** From here to the end the host waits for this process. */
  #hold(): void {
    this.#isHeld = true
    this.process.ref()
  }

  /** Looks for what would be in the way, before anything is started. */
  #executable(): string {
    const obstacle = meetingObstacle(this.#options.transport)
    if (obstacle !== undefined) throw spawnError(this.identity.path, obstacle)
    if (!this.#launcher.isLocal) return this.#options.execPath
    const found = executableOf(this.#options)
    if (typeof found === 'string') return found
    throw spawnError(this.identity.path, found)
  }

  #startProcess(): WorkerProcess {
    const execPath = this.#executable()
    try {
      return new WorkerProcess(this.#options, execPath, this.identity, this.#seams, {
        ready: () => this.#sendBack({ type: 'process.ready' }),
        exited: (reason) => this.#sendBack({ type: 'process.exited', reason }),
        callFrame: (frame) => this.calls.answers.received(frame),
        waitsChanged: () => this.#applyReference(),
        interruptReport: (report) => this.#interrupts.reported(report),
        measured: (measurement) => this.#measurements.answered(measurement),
        pong: (id, mainSilentMs) => this.#heartbeat?.pong(id, mainSilentMs),
        nestedEvent: (told) => this.#nestedEvent(told),
        strangerRefused: (why) => this.#emit({ type: 'worker.strangerRefused', why }),
        outputDropped: (stream, bytes) => this.#emit({ type: 'output.dropped', stream, bytes }),
      })
    } catch (error) {
      throw spawnError(this.identity.path, refusedBySystem(error))
    }
  }

  #nestedEvent(told: unknown): void {
    const event = this.descendants.heard(told)
    if (event === undefined) return
    const { source, body } = event
    this.#seams.events.emit(source, body)
    if (body.type === 'cast.failed') warnUnlessObserved(this.#seams.events, source.path, body.error)
  }

  #makeHeartbeat(): Heartbeat | undefined {
    const options = this.#options.heartbeat
    if (options === undefined) return undefined
    return new Heartbeat({
      ...options,
      clock: this.#seams.clock,
      ping: (id) => this.process.control.ping(id),
      emit: (body) => this.#emit(body),
      unresponsive: () => {
        if (options.onUnresponsive === 'kill') this.#killUnresponsive()
      },
    })
  }

  #killUnresponsive(): void {
    this.process.intend('unresponsive')
    this.actor.send({ type: 'kill.requested' })
  }

  #makeInterrupts(): Interrupts {
    return new Interrupts({
      process: this.process,
      graceMs: this.#options.interruptGraceMs,
      onStuck: this.#options.onStuck,
      clock: this.#seams.clock,
      started: ({ interruptId, callId }, isFirst) => {
        this.#emit({ type: 'interrupt.started', interruptId, ...(callId === 0 ? {} : { callId }) })
        if (isFirst) this.actor.send({ type: 'interrupt.started' })
      },
      finished: () => this.#tell({ type: 'interrupt.finished', busy: this.calls.pending.foreground > 0 }),
      ended: (report, request) => this.calls.endings.ended(report, request),
      kill: () => this.#killUnresponsive(),
      told: (interruptId, { outcome, afterMs }) => {
        this.#emit({ type: 'interrupt.finished', interruptId, outcome, afterMs })
      },
    })
  }

  #makeCalls(): Calls {
    return new Calls({
      options: this.#options,
      process: this.process,
      clock: this.#seams.clock,
      events: this.#seams.events,
      identity: this.identity,
      edges: {
        firstForeground: () => {
          if (this.state === 'idle') this.actor.send({ type: 'call.first' })
        },
        lastForeground: () => this.#tell({ type: 'call.last' }),
        first: () => this.#applyReference(),
        last: () => this.#applyReference(),
      },
      endOne: (callId) => this.#interrupts.one(callId),
      refusal: () => this.refusal(),
    })
  }

  #makeActor() {
    return machineActor({
      process: this.process,
      clock: this.#seams.clock,
      bootTimeoutMs: this.#options.bootTimeoutMs,
      refuseCalls: () => this.calls.endAll((executed) => stoppedError(this.place, executed)),
      connected: (sendBack) => {
        this.#sendBack = sendBack
        for (const event of this.#early.splice(0)) sendBack(event)
      },
    })
  }

  /** Tells the machine, unless it has come to its end: calls and ladders outlive it by a turn. */
  #tell(event: WorkerEvent): void {
    if (this.#exit === undefined) this.actor.send(event)
  }

  /** Tells the world of each change of state, and settles what waits for the first and the last. */
  #follow(): void {
    let before: WorkerState = 'booting'
    const next = (snapshot: { value: unknown; context: { exit: ExitReason | undefined } }): void => {
      const state = stateOf(snapshot)
      if (state === before) return
      const from = before
      before = state
      this.#emit({ type: 'worker.state', pid: this.process.pid ?? 0, from, to: state })
      if (state === 'idle' && from === 'booting') this.#becameReady()
      if (state === 'suspended') this.#heartbeat?.pause()
      else if (from === 'suspended') this.#heartbeat?.resume()
      if (state === 'dead' && snapshot.context.exit !== undefined) this.#died(snapshot.context.exit)
    }
    // Without an error observer a fault of the machine would end the host as an uncaught exception.
    this.actor.subscribe({ next, error: (error) => this.process.kill('transport', error) })
  }

  #becameReady(): void {
    this.#emit({ type: 'worker.ready', pid: this.process.pid ?? 0, bootMs: this.process.uptimeMs })
    this.#isHeld = false
    this.#applyReference()
    this.#heartbeat?.start()
    this.#settleReady.resolve()
  }

  #died(reason: ExitReason): void {
    this.#exit = reason
    this.#heartbeat?.stop()
    this.descendants.clear()
    const { pid = 0 } = this.process
    this.exitSeq = this.#seams.events.emit(this.identity, { type: 'worker.exited', pid, reason })
    this.calls.endAll((executed) => deathError(this.place, reason, executed))
    this.process.live.end(deathError(this.place, reason, 'unknown'))
    this.#interrupts.processExited()
    this.#measurements.end()
    this.#settleReady.reject(bootError(this.place, reason, this.#options.bootTimeoutMs))
    this.#settleExited(reason)
  }

  #emit(body: Parameters<Seams['events']['emit']>[1]): void {
    this.#seams.events.emit(this.identity, body)
  }
}
