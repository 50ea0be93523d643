import type { ExitReason } from './exit-reason.ts'
import { brand, type ErrorContext, type Executed, MaltsterError } from './maltster-error.ts'

/**
 * What is wrong with a spec, or with a request about a child, in one word. `invalid`: a field of a spec. `taken`: the name
 * has an owner who runs. `present`: it has one who does not run, but keeps its spec. `not-found`: there is no such child.
 * `running`: the child would have to be stopped first. `restarting`: it is on its way back already. `full`: `maxChildren`
 * are there. `ended`: the supervisor itself is stopping, or gone.
 */
export type SpecFault =
  | 'invalid'
  | 'taken'
  | 'present'
  | 'not-found'
  | 'running'
  | 'restarting'
  | 'full'
  | 'ended'

/**
 * A supervisor can't be made as its spec says, or can't do with a child what was asked. Nothing was started. The message
 * names the field, the value and the remedy.
 */
export class SpecError extends MaltsterError {
  /** What is wrong, in one word. */
  readonly fault: SpecFault
  /** The way to the field in the spec, such as `children[2].shutdownMs`, or the argument. */
  readonly field: string
  /** What was given there. */
  readonly value: unknown

  constructor(message: string, context: ErrorContext & { fault: SpecFault; field: string; value: unknown }) {
    super(message, context)
    this.fault = context.fault
    this.field = context.field
    this.value = context.value
  }
}
brand(SpecError, 'ERR_MALTSTER_SPEC')

/** Where a chain of supervisors that gave up has begun. */
export interface FailedLeaf {
  /** Place in the tree. */
  readonly path: string
  /** Why it ended the last time. */
  readonly reason: ExitReason
}

/**
 * A supervisor has given up: one of its children died too often. `reason` is that child's last end; if the child was a
 * supervisor that had given up itself, `cause` is its `RestartLimitError`, and so on down to `leaf`.
 */
export class RestartLimitError extends MaltsterError {
  /** Place in the tree of the child that died too often. */
  readonly child: string
  /** How it ended the last time. */
  readonly reason: ExitReason
  /** So many restarts were allowed. */
  readonly maxRestarts: number
  /** Within so many milliseconds. */
  readonly periodMs: number
  /** When the restarts within the period were, the last being that which was not made; monotonic milliseconds. */
  readonly history: readonly number[]
  /** Where it began. */
  readonly leaf: FailedLeaf

  constructor(
    message: string,
    context: ErrorContext & {
      child: string
      reason: ExitReason
      maxRestarts: number
      periodMs: number
      history: readonly number[]
    },
  ) {
    super(message, { ...context, cause: context.cause ?? context.reason.cause })
    this.child = context.child
    this.reason = context.reason
    this.maxRestarts = context.maxRestarts
    this.periodMs = context.periodMs
    this.history = context.history
    const { cause } = context.reason
    this.leaf =
      cause instanceof RestartLimitError ? cause.leaf : { path: context.child, reason: context.reason }
  }
}
brand(RestartLimitError, 'ERR_MALTSTER_RESTART_LIMIT')

/** The worker is down at the moment, and the call was not to wait for its next incarnation. */
export class WorkerUnavailableError extends MaltsterError {
  /**
   * When it is started again, in milliseconds since 1970, as `Date.now()`: the time of now if that is due, or under way.
   * Undefined if nobody starts it again, or that is not known.
   */
  readonly retryAt: number | undefined
  /** Whether the function may have run: only if it was an attempt after others for which nobody was there. */
  readonly executed: Executed

  constructor(message: string, context: ErrorContext & { retryAt: number | undefined; executed?: Executed }) {
    super(message, context)
    this.retryAt = context.retryAt
    this.executed = context.executed ?? 'no'
  }
}
brand(WorkerUnavailableError, 'ERR_MALTSTER_WORKER_UNAVAILABLE')
