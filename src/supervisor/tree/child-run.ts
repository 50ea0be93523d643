import type { ExitReason } from '../../errors/exit-reason.ts'
import type { SupervisorActor } from './supervisor-actor.ts'

/** Which life of which place. */
export interface ChildIdentity {
  readonly id: string
  /** Place in the tree: `app/jobs/parser`. */
  readonly path: string
  /** Counts the lives of this place from 1; a number is never used twice, whatever is restarted above it. */
  readonly incarnation: number
  /** `seq` of the event that led to it, such as the end of the life before. */
  readonly cause?: number | undefined
}

/** What a run tells its supervisor. Each at most once; `exited` exactly once, also after `failed` and `skipped`. */
export interface ChildListener {
  /** "start returned": after preload and init. */
  ready(): void
  /** Init returned 'skip' (OTP's `ignore`). Followed by `exited`. */
  skipped(): void
  /** It could not be started. Followed by `exited` when the process is gone. */
  failed(error: Error): void
  /** @param cause - `seq` of the event that told of it */
  exited(reason: ExitReason, cause?: number): void
}

/** One life of a child. */
export interface ChildRun {
  readonly pid: number | undefined
  /**
   * Asks it to end; may be called again with less time, and counts from then.
   * @param shutdownMs - how long it may take; 0 kills at once, Infinity waits for ever
   */
  stop(shutdownMs: number): void
}

/**
 * What a supervisor knows of a child, in one word.
 *
 * `waiting`: for its turn, or for room among the boots. `backing-off`: until `retryAtMs`. `stopped`: on purpose, and it
 * stays so. `finished`: it ended by itself and its restart type leaves it so. `skipped`: init said so. `removed`: it has
 * no place in the tree any more.
 */
export type ChildState =
  | 'waiting'
  | 'starting'
  | 'up'
  | 'stopping'
  | 'backing-off'
  | 'stopped'
  | 'finished'
  | 'skipped'
  | 'removed'

/** Nobody starts it again by itself. */
export const settledStates: ReadonlySet<ChildState> = new Set(['stopped', 'finished', 'skipped', 'removed'])

/** A place is ending for good: nobody is started there again. */
export interface Leaving {
  /** Why; undefined if it is on request. */
  readonly failure: Error | undefined
}

/** A child as it is now. */
export interface ChildStatus {
  readonly state: ChildState
  /** The life that is, or the last one that was; 0 before the first. */
  readonly incarnation: number
  /** When a child that is backing off, or waits for one that is, is tried again, on the clock of the tree; else undefined. */
  readonly retryAtMs: number | undefined
  /** It is ending for good, by itself or with all that is above it. Told by `ChildPlace.status` only. */
  readonly leaving?: Leaving | undefined
}

/** The place of a child in the tree: what a handle that follows incarnations sees and may do. */
export interface ChildPlace {
  readonly id: string
  readonly path: string
  readonly status: ChildStatus
  /** Called on each change of status, in the turn of the change; the last is `removed`. */
  subscribe(listener: (status: ChildStatus) => void): Disposable
  /** Stops it for good: as `Supervisor.terminateChild`. Resolves when it is gone. */
  terminate(): Promise<void>
  /** As `Supervisor.restartChild`. */
  restart(): Promise<void>
}

/**
 * What is behind one child spec: made once, when the spec is read, and started anew for each incarnation, also when the
 * supervisor itself was restarted.
 */
export interface ChildKind {
  readonly kind: 'worker' | 'supervisor' | 'pool'
  /** What looking the child up gives: a WorkerHandle, a Supervisor, a Pool. It outlives incarnations. */
  readonly handle?: unknown
  /** What has the children below it, if it may have any: the incarnation that is, or the last one that was. */
  readonly current?: SupervisorActor | undefined
  /** What `tree()` shows of it besides what its supervisor knows; plain data, and nothing that has to be waited for. */
  describe?(): Readonly<Record<string, unknown>>
  /** Called before the first start in a place, and again when a restarted supervisor gives it a new one. */
  attach?(place: ChildPlace): void
  start(identity: ChildIdentity, listener: ChildListener): ChildRun
}
