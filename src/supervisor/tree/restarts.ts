import type { Restart } from '../decision/decide.ts'
import type { ResolvedSpec } from '../spec/resolve-spec.ts'
import type { Child } from './child.ts'
import type { Children } from './children.ts'
import type { Deaths } from './deaths.ts'
import type { Departures } from './departures.ts'
import type { Moves } from './moves.ts'
import type { SupervisorReports } from './supervisor-reports.ts'

/** What restarts are made with. */
export interface RestartsParts {
  readonly spec: ResolvedSpec
  readonly children: Children
  readonly deaths: Deaths
  readonly departures: Departures
  readonly moves: Moves
  readonly reports: SupervisorReports
}

/** Its end, from here on, is no death of its own. */
export function condemn(child: Child, children: Children): void {
  if (child.life === undefined) return
  child.life.isCondemned = true
  children.setState(child, 'stopping')
}

/** Carries out what was decided: one child, or all that depend on it, down and up again. */
export class Restarts {
  readonly #parts: RestartsParts

  constructor(parts: RestartsParts) {
    this.#parts = parts
  }

  begin(child: Child, restart: Restart): void {
    const { spec, children, moves, reports } = this.#parts
    const isPutOff = restart.delayMs > 0
    child.attempts = restart.attempt
    if (isPutOff) {
      children.backOff(child, restart.delayMs, () => {
        moves.enqueue(child)
        moves.goOn()
      })
    }
    if (spec.strategy !== 'one-for-one') this.#beginRound(child)
    else if (!isPutOff) moves.enqueue(child)
    // Last: whoever is told of it may stop the supervisor.
    if (isPutOff) reports.backoff(child, restart)
  }

  /** Has one child and those that depend on it stopped, in reverse, and started again, in order. */
  #beginRound(trigger: Child): void {
    const { spec, children, deaths, departures, moves } = this.#parts
    const from = spec.strategy === 'one-for-all' ? 0 : trigger.position
    // Their deaths, which were not decided about yet, are part of this one.
    for (const child of deaths.takeFrom(from)) if (child.isTemporary) departures.remove(child)
    const those = Array.from(children).filter((child) => child.position >= from)
    // Those that somebody else has told to end are waited for, and don't come back.
    const alive = those.filter((child) => child.life !== undefined)
    const members = those.filter((child) => child.goal === 'up' || this.#isResurrected(child))
    for (const child of members) {
      children.want(child, 'up')
      child.spec.lives.isStopped = false
      child.cause = trigger.cause
      if (child.life !== undefined) condemn(child, children)
      else if (child.state !== 'backing-off') children.setState(child, 'waiting')
    }
    const starts = members.filter((child) => !child.isTemporary || child.request !== undefined)
    moves.startAnew(from, alive, starts)
  }

  #isResurrected(child: Child): boolean {
    return this.#parts.spec.resurrect && !child.isTemporary && child.life === undefined
  }
}
