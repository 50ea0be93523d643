import type { RestartBudget, SupervisorEventBody } from '../../actors/supervisor-events.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import type { Restart } from '../decision/decide.ts'
import type { Child, ChildLife } from './child.ts'
import type { EndCause, SupervisorState } from './supervisor-machine.ts'
import type { TreeSeams } from './tree-seams.ts'

type Outcome = Extract<SupervisorEventBody, { type: 'supervisor.childTerminated' }>['outcome']

/** A child has ended by itself: how, what follows, and the `seq` of the event that told of it. */
interface Termination {
  readonly reason: ExitReason
  readonly outcome: Outcome
  readonly budget: RestartBudget
  readonly cause: number | undefined
}

/** Where a supervisor is in the tree, and which life of that place it is. */
export interface SupervisorIdentity {
  /** Empty for the root. */
  readonly path: string
  readonly incarnation: number
}

/** Tells the one event stream what happens in a supervisor. */
export class SupervisorReports {
  readonly #identity: SupervisorIdentity
  readonly #seams: TreeSeams
  /** `seq` of what has led to an end, by what that is called. */
  readonly #led: Partial<Record<EndCause, number>> = {}
  /** `seq` of the event by which it told of its own end. */
  endSeq: number | undefined

  constructor(identity: SupervisorIdentity, seams: TreeSeams) {
    this.#identity = identity
    this.#seams = seams
  }

  /** Told in the midst of changes: not an event, at which somebody might change something else. */
  place({ path, state, incarnation, spec }: Child): void {
    this.#seams.places?.tell({ path, kind: spec.kind.kind, state, incarnation })
  }

  state(from: SupervisorState, to: SupervisorState): void {
    this.#emit({ type: 'supervisor.state', from, to })
  }

  progress(child: Child, life: ChildLife): void {
    const bootMs = (life.readyAtMs ?? life.startedAtMs) - life.startedAtMs
    this.#emit({ type: 'supervisor.progress', child: child.report, bootMs })
  }

  startError(child: Child, error: Error): number {
    const seq = this.#emit({ type: 'supervisor.startError', child: child.report, error })
    this.#led.startFailed = seq
    return seq
  }

  terminated(child: Child, { reason, outcome, budget, cause }: Termination): void {
    const { report } = child
    const body = { type: 'supervisor.childTerminated', child: report, reason, outcome, budget } as const
    const seq = this.#emit(body, cause)
    child.cause = seq
    this.#led.autoShutdown = seq
    if (reason.type !== 'escalated') return
    this.#emit({ type: 'supervisor.escalated', child: report, reason }, seq)
  }

  backoff(child: Child, { delayMs, attempt }: Restart): void {
    const { retryAtMs = 0, report } = child
    const body = { type: 'supervisor.backoff', child: report, delayMs, retryAtMs, attempt } as const
    child.cause = this.#emit(body, child.cause)
  }

  gaveUp(child: Child, reason: ExitReason, budget: RestartBudget): void {
    const body = { type: 'supervisor.gaveUp', child: child.report, reason, budget } as const
    this.#led.reachedMaxRestarts = this.#emit(body, child.cause)
  }

  /** A child that was told to end has done so; that is worth telling if it was in another way. */
  ended(child: Child, life: ChildLife, reason: ExitReason): void {
    const { type, exitCode } = reason
    const isMeant = type === 'shutdown' || type === 'normal' || type === 'killed'
    if (isMeant && !life.isKilled && (exitCode === null || exitCode === 0 || exitCode === 143)) return
    this.#emit({ type: 'supervisor.shutdownError', child: child.report, reason }, life.endedBy)
  }

  shutdown(because: EndCause, children: number): void {
    this.endSeq = this.#emit({ type: 'supervisor.shutdown', because, children }, this.#led[because])
  }

  #emit(body: SupervisorEventBody, cause?: number): number {
    return this.#seams.events.emit({ ...this.#identity, cause }, body)
  }
}
