import type { ExitReason } from '../errors/exit-reason.ts'

/** What a worker's actor is in, with the rung of a stop. */
export type WorkerStateValue =
  | 'booting'
  | 'idle'
  | 'running'
  | 'interrupting'
  | 'suspended'
  | { readonly stopping: 'draining' | 'exiting' | 'terminating' | 'killing' }
  | 'dead'

/** One moment of a worker: what the host knows of its process. */
export interface WorkerSnapshot {
  /** The state, with the rung of a stop. */
  readonly value: WorkerStateValue
  /** `done` once the process is gone. */
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  /** What the machine remembers; `exit` once the process is gone. */
  readonly context: { readonly exit: ExitReason | undefined }
  /**
   * Whether the state has a tag.
   * @param tag - `accepting`: calls are taken; `busy`: a foreground call is in flight
   */
  hasTag(tag: 'accepting' | 'busy'): boolean
}

/** Told of every new snapshot, and of the end. */
export interface WorkerObserver {
  /**
   * Called with each new snapshot.
   * @param snapshot - the state of now
   */
  next?(snapshot: WorkerSnapshot): void
  /** Called when the process is gone. */
  complete?(): void
}

/** The xstate actor behind a worker, for reading. */
export interface WorkerActor {
  /** The snapshot of now. */
  getSnapshot(): WorkerSnapshot
  /**
   * Tells of each new snapshot until it is unsubscribed.
   * @param observer - a function for snapshots, or an object with `next` and `complete`
   */
  subscribe(observer: WorkerObserver | ((snapshot: WorkerSnapshot) => void)): { unsubscribe(): void }
}
