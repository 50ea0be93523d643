import { stoppedError } from '../../actors/end-errors.ts'
import type { EventStream } from '../../actors/events.ts'
import type { Seams } from '../../actors/seams.ts'
import type { Worker } from '../../actors/worker.ts'
import type { WorkerState } from '../../actors/worker-machine.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import { WorkerUnavailableError } from '../../errors/supervision-errors.ts'
import type { CapturePolicy } from '../../movement/capture-policy.ts'
import type { Clock } from '../../transport/clock.ts'
import type { Limits } from '../../transport/limits.ts'
import type { HostProcess } from '../host-processes.ts'
import { type ChildPlace, type ChildState, type ChildStatus, settledStates } from '../tree/child-run.ts'
import { CallKeeper } from './call-keeper.ts'
import { WaitingCalls } from './waiting-calls.ts'

/** The state of a place in the tree: that of its process while there is one, else what its supervisor has in mind. */
export type HandleState = WorkerState | Exclude<ChildState, 'starting' | 'up' | 'stopping'>

/** What a follower takes from the options of its worker. */
export interface FollowerBounds {
  readonly maxCalls: number
  readonly maxBytes: number
  readonly limits: Limits
  readonly capture: CapturePolicy
}

const noPlaceYet: ChildStatus = { state: 'waiting', incarnation: 0, retryAtMs: undefined }

/** Follows a place in the tree from incarnation to incarnation, and keeps the calls that wait for the next one. */
export class Follower {
  readonly id: string
  readonly clock: Clock
  readonly events: EventStream
  readonly waiting: WaitingCalls
  readonly keeper: CallKeeper
  #place: ChildPlace | undefined
  #watching: Disposable | undefined
  /** What the place has said last: to ask it takes a while, and each call asks. */
  #isUp = false
  /** Of the newest incarnation, from its start on. */
  #process: HostProcess | undefined
  #lastExit: ExitReason | undefined
  /** What its place was lost for. */
  #failure: Error | undefined
  readonly #refusalWatchers = new Set<() => void>()

  constructor(id: string, bounds: FollowerBounds, { clock, events }: Pick<Seams, 'clock' | 'events'>) {
    this.id = id
    this.clock = clock
    this.events = events
    this.keeper = new CallKeeper(bounds.limits, bounds.capture)
    this.waiting = new WaitingCalls(bounds, clock, () => this.path)
  }

  get path(): string {
    return this.#place?.path ?? this.id
  }

  get place(): ChildPlace | undefined {
    return this.#place
  }

  get status(): ChildStatus {
    return this.#place?.status ?? noPlaceYet
  }

  attach(place: ChildPlace): void {
    this.#watching?.[Symbol.dispose]()
    this.#place = place
    // It has not been started there.
    this.#isUp = false
    this.#failure = undefined
    this.#watching = place.subscribe((status) => this.#changed(status))
  }

  /** Another incarnation has been started. It takes calls once its place says so. */
  started(process: HostProcess): void {
    this.#process = process
    void process.incarnation.exited.then((reason) => {
      this.#lastExit = reason
    })
  }

  /** The newest incarnation, in whatever state. */
  get newest(): Worker | undefined {
    return this.#process?.worker
  }

  /** The newest incarnation, if its place is up. It may be about to end; then it refuses. */
  get up(): Worker | undefined {
    return this.#isUp ? this.#process?.worker : undefined
  }

  /** The incarnation that takes calls now. Its supervisor may not know yet that it is about to end. */
  get current(): Worker | undefined {
    const worker = this.newest
    if (worker === undefined || this.status.state !== 'up') return undefined
    const { state } = worker
    return state === 'stopping' || state === 'dead' ? undefined : worker
  }

  get state(): HandleState {
    const { state } = this.status
    if (state === 'starting') return 'booting'
    if (state !== 'up' && state !== 'stopping') return state
    return this.newest?.state ?? 'dead'
  }

  /** What is known of the process and its calls, as plain data. */
  describe(): Readonly<Record<string, unknown>> {
    const waitingCalls = this.waiting.size
    const lastExit = this.#lastExit?.type
    const { worker, incarnation, memoryPeakBytes } = this.#process ?? {}
    if (worker === undefined || incarnation === undefined) return { waitingCalls, lastExit }
    const { calls, process } = incarnation
    const life =
      incarnation.exit === undefined
        ? { uptimeMs: process.uptimeMs, children: worker.children }
        : { uptimeMs: incarnation.exit.uptimeMs }
    return {
      workerState: worker.state,
      ...life,
      calls: { made: calls.made, pending: calls.pending.size },
      waitingCalls,
      bytesSent: process.data.bytesWritten,
      memoryPeakBytes,
      lastExit,
    }
  }

  /** Why no call will ever be taken here, as it looks now. */
  refusal(): Error | undefined {
    const { state, leaving } = this.status
    const isLost = settledStates.has(state)
    if (!isLost && leaving === undefined) return undefined
    const { path } = this
    const failure = isLost && state !== 'removed' ? undefined : (leaving?.failure ?? this.#failure)
    if (failure !== undefined) return lostError(path, failure)
    const wasStopped = state === 'removed' && this.#lastExit?.type === 'shutdown'
    if (!isLost || state === 'stopped' || wasStopped) {
      return stoppedError({ worker: path, pid: undefined }, 'no')
    }
    const why = {
      finished: 'has ended, and its `restart` leaves it so; `restartChild` starts it again',
      skipped: "was left out, since its `init` returned 'skip'; `restartChild` tries it again",
      removed: 'has no place in the tree any more: it was taken out, or its supervisor has ended',
    }[state as 'finished' | 'skipped' | 'removed']
    const cause = this.#lastExit?.cause
    const context = { worker: path, retryAt: undefined, ...(cause === undefined ? {} : { cause }) }
    return new WorkerUnavailableError(`Worker ${path} ${why}.`, context)
  }

  /**
   * Calls back once no call will ever be taken here, as it looks then.
   * @returns stops watching
   */
  whenRefused(callback: () => void): () => void {
    this.#refusalWatchers.add(callback)
    return () => this.#refusalWatchers.delete(callback)
  }

  /** Why a call is not taken that does not want to wait. */
  unavailable(remedy = "With `whenDown: 'wait'` the call waits for it."): WorkerUnavailableError {
    const { retryAtMs } = this.status
    const { clock, path } = this
    // Without a wait it is its turn, or will be as soon as that of others is over.
    const leftMs = retryAtMs === undefined ? 0 : retryAtMs - clock.nowMs()
    const retryAt = Math.ceil(clock.wallTimeMs() + leftMs)
    const when = retryAtMs === undefined ? 'as soon as it can be' : `at ${new Date(retryAt).toISOString()}`
    const message = `Worker ${path} is down (${this.state}). It is tried again ${when}. ${remedy}`
    return new WorkerUnavailableError(message, { worker: path, retryAt })
  }

  #changed({ state }: ChildStatus): void {
    this.#isUp = state === 'up'
    // Once it has gone nobody knows.
    this.#failure ??= this.status.leaving?.failure
    if (state === 'up') {
      const worker = this.current
      if (worker !== undefined) this.waiting.deliver(worker)
    } else {
      const refusal = this.refusal()
      if (refusal !== undefined) {
        this.waiting.refuse(() => this.refusal() ?? refusal)
        for (const callback of this.#refusalWatchers) callback()
      }
    }
    if (state !== 'removed') return
    this.#watching?.[Symbol.dispose]()
    this.#watching = undefined
  }
}

/** What is above it does not come back, and nobody has asked for that. */
const lostError = (worker: string, cause: Error): WorkerUnavailableError =>
  new WorkerUnavailableError(`Worker ${worker} does not come back: ${cause.message}`, {
    worker,
    retryAt: undefined,
    cause,
  })
