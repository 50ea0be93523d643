import type { ExitReason } from './exit-reason.ts'
import { brand, type ErrorContext, type Executed, MaltsterError } from './maltster-error.ts'

/** The process could not be started, or ended before it was ready. `reason` has exit code, signal, stderr. */
export class SpawnError extends MaltsterError {
  /** Why there is no process. */
  readonly reason: ExitReason

  constructor(message: string, context: ErrorContext & { reason: ExitReason }) {
    super(message, context)
    this.reason = context.reason
  }
}
brand(SpawnError, 'ERR_MALTSTER_SPAWN')

/** The process started and was not ready within `timeoutMs`; it has been killed. */
export class BootTimeoutError extends MaltsterError {
  /** The limit, in milliseconds. */
  readonly timeoutMs: number
  /** Why the process ended. */
  readonly reason: ExitReason

  constructor(message: string, context: ErrorContext & { timeoutMs: number; reason: ExitReason }) {
    super(message, context)
    this.timeoutMs = context.timeoutMs
    this.reason = context.reason
  }
}
brand(BootTimeoutError, 'ERR_MALTSTER_BOOT_TIMEOUT')

/** The worker died while, or before, the call was with it. */
export class WorkerDiedError extends MaltsterError {
  /** Why the process ended. */
  readonly reason: ExitReason
  /** Whether the function may have run. */
  readonly executed: Executed

  constructor(message: string, context: ErrorContext & { reason: ExitReason; executed: Executed }) {
    super(message, context)
    this.reason = context.reason
    this.executed = context.executed
  }
}
brand(WorkerDiedError, 'ERR_MALTSTER_WORKER_DIED')

/** The worker was stopped on purpose: by `stop()` or disposal. */
export class WorkerStoppedError extends MaltsterError {
  /** Whether the function may have run. */
  readonly executed: Executed

  constructor(message: string, context: ErrorContext & { executed: Executed }) {
    super(message, context)
    this.executed = context.executed
  }
}
brand(WorkerStoppedError, 'ERR_MALTSTER_WORKER_STOPPED')

/**
 * The other end of a `uds` or `tcp` lane could not prove that it knows the secret of this worker. For a worker that
 * is starting: somebody else on this machine tried to take its place, and was refused.
 */
export class AuthenticationError extends MaltsterError {}
brand(AuthenticationError, 'ERR_MALTSTER_AUTHENTICATION')
