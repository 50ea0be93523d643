import { deathError } from '../../actors/end-errors.ts'
import type { Incarnation } from '../../actors/incarnation.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import { SpawnError } from '../../errors/worker-errors.ts'
import type { InitOption } from '../spec/supervisor-spec.ts'
import type { ChildListener, ChildRun } from '../tree/child-run.ts'

/** What one life of a worker is made of. */
export interface WorkerRunParts {
  readonly incarnation: Incarnation
  readonly init: InitOption | undefined
  /** How long `init` may take. */
  readonly initTimeoutMs: number
  readonly listener: ChildListener
}

/** Of the time that a worker has to end, this share is for its calls to finish, and this for it to exit when asked. */
const share = { drain: 0.5, exit: 0.25 } as const

/** A worker that may take for ever: this is for the exit itself, once its calls have finished. */
const patientExitMs = 5000

/** One life of a worker in the tree: boots it, runs `init` there, and tells its supervisor. */
export class WorkerRun implements ChildRun {
  readonly #parts: WorkerRunParts
  #isBooted = false
  #isStarted = false
  #isStopping = false
  #startFailure: Error | undefined

  constructor(parts: WorkerRunParts) {
    this.#parts = parts
    const { incarnation } = parts
    void this.#start()
    void incarnation.exited.then((reason) => this.#exited(reason))
  }

  get pid(): number | undefined {
    return this.#parts.incarnation.process.pid
  }

  stop(shutdownMs: number): void {
    const { incarnation } = this.#parts
    this.#isStopping = true
    if (shutdownMs === 0) {
      // Said first: what the supervisor ends has not crashed.
      incarnation.process.intend('shutdown')
      incarnation.kill('SIGKILL')
      return
    }
    const isPatient = shutdownMs === Infinity
    void incarnation.stop({
      drainMs: shutdownMs * share.drain,
      exitMs: isPatient ? patientExitMs : shutdownMs * share.exit,
      // The last rung is its supervisor's, who asks again with no time at all when the time is over.
      termMs: Infinity,
    })
  }

  async #start(): Promise<void> {
    const { incarnation, init } = this.#parts
    try {
      await incarnation.ready
      this.#isBooted = true
      const told = init === undefined ? undefined : await this.#init(init)
      this.#started(told)
    } catch (error) {
      // The package's own errors: of the boot, or of the call.
      this.#startFailure = error as Error
      incarnation.process.kill('boot', error)
    }
  }

  #started(told: unknown): void {
    const { incarnation, listener } = this.#parts
    // It may have ended, or been told to end, meanwhile.
    if (this.#isStopping || incarnation.exit !== undefined) return
    this.#isStarted = true
    if (told === 'skip') {
      listener.skipped()
      this.stop(patientExitMs)
    } else listener.ready()
  }

  #init(init: InitOption): Promise<unknown> {
    const { incarnation, initTimeoutMs: timeoutMs } = this.#parts
    if (typeof init === 'function') return incarnation.calls.start(init, [], { timeoutMs })
    const { args = [], ...reference } = init
    return incarnation.calls.start(reference, args, { timeoutMs })
  }

  #exited(reason: ExitReason): void {
    const { listener, incarnation } = this.#parts
    if (!this.#isStarted && !this.#isStopping) listener.failed(this.#startError(reason))
    listener.exited(reason, incarnation.exitSeq)
  }

  #startError(reason: ExitReason): Error {
    const { place } = this.#parts.incarnation
    // A process that dies during `init` is known to be gone before the call says so.
    const error = this.#startFailure ?? deathError(place, reason, 'unknown')
    if (!this.#isBooted) return error
    const message = `Worker ${place.worker} could not be started: its \`init\` failed: ${error.message}`
    return new SpawnError(message, { ...place, reason, cause: error })
  }
}
