import type { ExitReason } from '../errors/exit-reason.ts'

/** Which child of a supervisor an event is about. */
export interface ChildReport {
  /** Its name among its siblings. */
  readonly id: string
  /** Its place in the tree. */
  readonly path: string
  /** What it is. */
  readonly kind: 'worker' | 'supervisor' | 'pool'
  /** Of its process, if it has one. */
  readonly pid: number | undefined
  /** Which life of its place. */
  readonly incarnation: number
  /** Which of its deaths are followed by a restart. */
  readonly restart: 'permanent' | 'transient' | 'temporary'
  /** How long it may take to end, in milliseconds. */
  readonly shutdownMs: number
}

/** How much of its restarts a supervisor has used. */
export interface RestartBudget {
  /** Restarts within the period, this one included. */
  readonly used: number
  /** So many are allowed. */
  readonly maxRestarts: number
  /** Within so many milliseconds. */
  readonly periodMs: number
}

/** What happens in a supervisor; the `path` of the event is the supervisor's. */
export type SupervisorEventBody =
  | { readonly type: 'supervisor.state'; readonly from: string; readonly to: string }
  /** OTP's progress report: a child was started. */
  | { readonly type: 'supervisor.progress'; readonly child: ChildReport; readonly bootMs: number }
  /** A child could not be started. */
  | { readonly type: 'supervisor.startError'; readonly child: ChildReport; readonly error: Error }
  /** A child has ended by itself, and what follows. */
  | {
      readonly type: 'supervisor.childTerminated'
      readonly child: ChildReport
      readonly reason: ExitReason
      readonly outcome: 'restarted' | 'finished' | 'removed' | 'stopped' | 'gaveUp' | 'shutdown'
      readonly budget: RestartBudget
    }
  /** A child is started again, but not at once. */
  | {
      readonly type: 'supervisor.backoff'
      readonly child: ChildReport
      readonly delayMs: number
      readonly retryAtMs: number
      /** How often in a row it was restarted, this time included. */
      readonly attempt: number
    }
  /** A child that was told to end did so in another way. */
  | { readonly type: 'supervisor.shutdownError'; readonly child: ChildReport; readonly reason: ExitReason }
  /** The supervisor ends, and why. */
  | {
      readonly type: 'supervisor.shutdown'
      readonly because: 'stop' | 'autoShutdown' | 'reachedMaxRestarts' | 'startFailed'
      readonly children: number
    }
  /** Too many restarts. */
  | {
      readonly type: 'supervisor.gaveUp'
      readonly child: ChildReport
      readonly reason: ExitReason
      readonly budget: RestartBudget
    }
  /** A supervisor below has given up; for this one that is the death of a child. */
  | { readonly type: 'supervisor.escalated'; readonly child: ChildReport; readonly reason: ExitReason }
  /** A new member of a pool could not run what all others have run by a broadcast; it is ended. */
  | { readonly type: 'pool.broadcastFailed'; readonly member: string; readonly error: unknown }
