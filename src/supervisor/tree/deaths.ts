import type { RestartBudget } from '../../actors/supervisor-events.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import type { RestartLimitError } from '../../errors/supervision-errors.ts'
import { type Death, type Decision, decide } from '../decision/decide.ts'
import { RestartWindow } from '../decision/restart-window.ts'
import type { ResolvedSpec } from '../spec/resolve-spec.ts'
import type { Child, ChildLife } from './child.ts'
import type { Children } from './children.ts'
import { limitError } from './supervisor-errors.ts'
import type { SupervisorIdentity, SupervisorReports } from './supervisor-reports.ts'
import type { TreeSeams } from './tree-seams.ts'

/** A child that has died without being told to, and is not decided about yet. */
interface PendingDeath {
  readonly child: Child
  readonly life: ChildLife
  readonly reason: ExitReason
}

/** What was decided, and whom the ids in it are of. */
export interface Judgement {
  readonly decision: Decision
  readonly childOf: (id: string) => Child
}

/** The deaths of a supervisor's children: those that are not decided about yet, and the restarts that count. */
export class Deaths {
  readonly #spec: ResolvedSpec
  readonly #identity: SupervisorIdentity
  readonly #children: Children
  readonly #seams: TreeSeams
  readonly #reports: SupervisorReports
  readonly #window: RestartWindow
  #pending: PendingDeath[] = []
  #isScheduled = false
  /** That for which the supervisor gives up. */
  #last: PendingDeath | undefined

  constructor(
    spec: ResolvedSpec,
    identity: SupervisorIdentity,
    children: Children,
    seams: TreeSeams,
    reports: SupervisorReports,
  ) {
    this.#spec = spec
    this.#identity = identity
    this.#children = children
    this.#seams = seams
    this.#reports = reports
    this.#window = new RestartWindow(spec.periodMs)
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0
  }

  /** Restarts that count now, whatever they are counted by. */
  get budget(): RestartBudget {
    return this.#budgetOf(this.#window)
  }

  add(child: Child, life: ChildLife, reason: ExitReason): void {
    this.#pending.push({ child, life, reason })
  }

  /** Calls back once all that happens in this turn has happened. */
  schedule(isTime: () => void): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#seams.afterTurn(() => {
      this.#isScheduled = false
      isTime()
    })
  }

  forget(child: Child): void {
    this.#pending = this.#pending.filter((death) => death.child !== child)
  }

  clear(): void {
    this.#pending = []
  }

  /** Deaths from a place in the order of start on are part of another one; answers whose they were. */
  takeFrom(position: number): Child[] {
    const taken = this.#pending.filter(({ child }) => child.position >= position)
    this.#pending = this.#pending.filter(({ child }) => child.position < position)
    return taken.map(({ child }) => child)
  }

  /**
   * Whether the end of a child can be settled before all others of this turn: it was stopped on purpose, which counts for
   * nothing and touches nobody. Where each is decided about by itself none is preferred to those that came before it.
   */
  isSettledFirst(reason: ExitReason): boolean {
    return reason.type === 'shutdown' && (this.#spec.coalesce || this.isEmpty)
  }

  /** Decides about one of them by itself. */
  judgeOne(child: Child): Judgement {
    const batch = this.#pending.filter((death) => death.child === child)
    this.forget(child)
    return this.#judge(batch)
  }

  /** Decides: about all of them as one event, or about the first. */
  judge(): Judgement {
    return this.#judge(this.#pending.splice(0, this.#spec.coalesce ? this.#pending.length : 1))
  }

  #judge(batch: readonly PendingDeath[]): Judgement {
    const byId = new Map(batch.map((death) => [death.child.id, death]))
    const childOf = (id: string): Child => byId.get(id)!.child
    const nowMs = this.#seams.clock.nowMs()
    const dead = batch.filter(({ child }) => child.spec.significant).length
    const decision = decide(this.#spec, batch.map(asDeath), {
      usedRestarts: (id) => this.#windowOf(childOf(id)).usedAt(nowMs),
      otherSignificant: this.#children.significant - dead,
      random: this.#seams.random,
    })
    if (decision.verdict === 'give-up') this.#last = byId.get(decision.id)
    this.#count(decision, childOf, nowMs)
    this.#report(batch, decision)
    return { decision, childOf }
  }

  /** What is said when the supervisor gives up. */
  limitError(): RestartLimitError {
    const { child, reason } = this.#last!
    const { maxRestarts, periodMs } = this.#spec
    const window = this.#windowOf(child)
    const history = window.timesAt(this.#seams.clock.nowMs())
    this.#reports.gaveUp(child, reason, this.#budgetOf(window))
    return limitError(this.#identity.path, { child: child.path, reason, maxRestarts, periodMs, history })
  }

  #count(decision: Decision, childOf: Judgement['childOf'], nowMs: number): void {
    const counted =
      decision.verdict === 'go-on'
        ? decision.restarts.map(({ id }) => id)
        : decision.verdict === 'give-up'
          ? [decision.id]
          : []
    for (const id of counted) {
      const window = this.#windowOf(childOf(id))
      window.add(nowMs)
      if (window !== this.#window) this.#window.add(nowMs)
    }
  }

  #report(batch: readonly PendingDeath[], decision: Decision): void {
    const outcomes = new Map(decision.endings.map(({ id, outcome }) => [id, outcome]))
    const others = ({ 'go-on': 'restarted', 'give-up': 'gaveUp', 'shut-down': 'shutdown' } as const)[
      decision.verdict
    ]
    for (const { child, life, reason } of batch) {
      const outcome = outcomes.get(child.id) ?? others
      const budget = this.#budgetOf(this.#windowOf(child))
      this.#reports.terminated(child, { reason, outcome, budget, cause: life.endedBy })
    }
  }

  #windowOf(child: Child): RestartWindow {
    if (this.#spec.intensityScope === 'supervisor') return this.#window
    child.window ??= new RestartWindow(this.#spec.periodMs)
    return child.window
  }

  #budgetOf(window: RestartWindow): RestartBudget {
    const { maxRestarts, periodMs } = this.#spec
    return { used: window.usedAt(this.#seams.clock.nowMs()), maxRestarts, periodMs }
  }
}

function asDeath({ child, life, reason }: PendingDeath): Death {
  const { id, position, attempts, spec } = child
  const { readyAtMs, endedAtMs } = life
  return {
    id,
    position,
    attempts,
    restart: spec.restart,
    significant: spec.significant,
    reason,
    uptimeMs: readyAtMs === undefined ? undefined : endedAtMs - readyAtMs,
  }
}
