import { createActor, fromCallback } from 'xstate'

import type { ExitReason } from '../errors/exit-reason.ts'
import type { Measurement } from '../transport/messages.ts'
import { Calls } from './calls.ts'
import { bootError, deathError, spawnError, stoppedError } from './end-errors.ts'
import { directoryObstacle, findExecutable } from './executable.ts'
import { Interrupts, type InterruptResult } from './interrupts.ts'
import type { ErrorPlace } from './remote-error.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import type { Seams } from './seams.ts'
import { type ProcessIdentity, WorkerProcess } from './worker-process.ts'
import {
  type ProcessCommand,
  stateOf,
  type StopDelays,
  type WorkerEvent,
  workerMachine,
  type WorkerState,
} from './worker-machine.ts'

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
  readonly #options: ResolvedOptions
  readonly #seams: Seams
  readonly #interrupts: Interrupts
  readonly #measurements = new Map<number, (measurement: Measurement) => void>()
  #lastMeasureId = 0
  #reference: Reference = 'auto'
  #isHeld = true
  #exit: ExitReason | undefined
  #settleReady!: { resolve: () => void; reject: (error: Error) => void }
  #settleExited!: (reason: ExitReason) => void
  #sendBack!: (event: WorkerEvent) => void

  /**
   * Starts the process.
   * @throws {SpawnError} if that can't even be tried
   */
  constructor(options: ResolvedOptions, identity: ProcessIdentity, seams: Seams) {
    this.#options = options
    this.#seams = seams
    this.identity = identity
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject }
    })
    this.ready.catch(() => {})
    this.exited = new Promise((resolve) => {
      this.#settleExited = resolve
    })
    this.process = this.#startProcess()
    this.#interrupts = this.#makeInterrupts()
    this.calls = this.#makeCalls()
    this.actor = this.#makeActor()
    this.#follow()
    this.actor.start()
    this.#emit({ type: 'worker.spawned', pid: this.process.pid ?? 0 })
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

  /** Why calls are not taken now, if they aren't. */
  refusal(): Error | undefined {
    if (this.actor.getSnapshot().hasTag('accepting')) return undefined
    if (this.#exit !== undefined) return deathError(this.place, this.#exit, 'no')
    return stoppedError(this.place, 'no')
  }

  interrupt(): Promise<InterruptResult> {
    const { calls } = this
    const upToCallId = calls.pending.lastId
    calls.endHeld(upToCallId)
    const hasWork = calls.pending.foreground > 0 || calls.hasCast
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
    if (this.#exit !== undefined) return Promise.resolve(undefined)
    const measureId = ++this.#lastMeasureId
    return new Promise((resolve) => {
      const { clock } = this.#seams
      const timer = clock.setTimeout(() => {
        this.#measurements.delete(measureId)
        resolve(undefined)
      }, timeoutMs)
      this.#measurements.set(measureId, (measurement) => {
        clock.clearTimeout(timer)
        resolve(measurement)
      })
      this.process.measure(measureId)
    })
  }

  reference(reference: Reference): void {
    this.#reference = reference
    this.#applyReference(this.calls.pending.size > 0)
  }

  #applyReference(isPending: boolean): void {
    const hold = this.#isHeld || this.#reference === 'ref' || (this.#reference === 'auto' && isPending)
    if (hold) this.process.ref()
    else this.process.unref()
  }

  /** From here to the end the host waits for this process. */
  #hold(): void {
    this.#isHeld = true
    this.process.ref()
  }

  #startProcess(): WorkerProcess {
    const { cwd, execPath, env } = this.#options
    const obstacle = directoryObstacle(cwd)
    const found = findExecutable(execPath, env['PATH'] ?? process.env['PATH'] ?? '', cwd)
    const problem = obstacle ?? (typeof found === 'string' ? undefined : found)
    if (problem !== undefined) throw spawnError(this.identity.path, problem)
    try {
      return new WorkerProcess(this.#options, found as string, this.identity, this.#seams, {
        ready: () => this.#sendBack({ type: 'process.ready' }),
        exited: (reason) => this.#sendBack({ type: 'process.exited', reason }),
        callFrame: (frame) => this.calls.received(frame),
        interruptReport: (report) => this.#interrupts.reported(report),
        measured: (measurement) => {
          this.#measurements.get(measurement.measureId)?.(measurement)
          this.#measurements.delete(measurement.measureId)
        },
      })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw spawnError(this.identity.path, {
        code: code ?? 'UNKNOWN',
        message: `the system refused it: ${message}`,
        error,
      })
    }
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
      ended: (report, request) => this.calls.ended(report, request),
      kill: () => {
        this.process.intend('unresponsive')
        this.actor.send({ type: 'kill.requested' })
      },
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
        first: () => this.#applyReference(true),
        last: () => this.#applyReference(false),
      },
      endOne: (callId) => this.#interrupts.one(callId),
      refusal: () => this.refusal(),
    })
  }

  #makeActor() {
    const { clock } = this.#seams
    const process = fromCallback<ProcessCommand>(({ sendBack, receive }) => {
      this.#sendBack = sendBack
      receive((command) => this.#command(command))
    })
    const provided = workerMachine.provide({
      actors: { process },
      actions: { refuseCalls: () => this.calls.endAll((executed) => stoppedError(this.place, executed)) },
    })
    return createActor(provided, {
      input: { bootTimeoutMs: this.#options.bootTimeoutMs },
      clock: {
        // A timer of Infinity would fire at once.
        setTimeout: (callback: () => void, delayMs: number) =>
          delayMs === Infinity ? undefined : clock.setIdleTimeout(callback, delayMs),
        clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
      },
    })
  }

  #command(command: ProcessCommand): void {
    const { process } = this
    if (command.type === 'process.askExit') process.askExit()
    else if (command.type === 'process.terminate') process.signal('SIGTERM')
    else if (command.type === 'process.kill') process.kill(command.because)
    else if (command.type === 'process.suspend') process.signal('SIGSTOP')
    else process.signal('SIGCONT')
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
      this.#emit({ type: 'worker.state', from, to: state })
      if (state === 'idle' && from === 'booting') this.#becameReady()
      if (state === 'dead' && snapshot.context.exit !== undefined) this.#died(snapshot.context.exit)
    }
    // Without an error observer a fault of the machine would end the host as an uncaught exception.
    this.actor.subscribe({ next, error: (error) => this.process.kill('transport', error) })
  }

  #becameReady(): void {
    this.#emit({ type: 'worker.ready', pid: this.process.pid ?? 0, bootMs: this.process.uptimeMs })
    this.#isHeld = false
    this.#applyReference(false)
    this.#settleReady.resolve()
  }

  #died(reason: ExitReason): void {
    this.#exit = reason
    this.#emit({ type: 'worker.exited', reason })
    this.calls.endAll((executed) => deathError(this.place, reason, executed))
    this.#interrupts.processExited()
    for (const settle of this.#measurements.values()) settle(undefined as never)
    this.#measurements.clear()
    this.#settleReady.reject(bootError(this.place, reason, this.#options.bootTimeoutMs))
    this.#settleExited(reason)
  }

  #emit(body: Parameters<Seams['events']['emit']>[1]): void {
    this.#seams.events.emit(this.identity, body)
  }
}
