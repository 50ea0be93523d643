import type { RestartLimitError } from '../../errors/supervision-errors.ts'
import type { Child } from './child.ts'
import type { Deaths, Judgement } from './deaths.ts'
import type { Departures } from './departures.ts'
import type { Restarts } from './restarts.ts'

/** What verdicts are carried out with. */
export interface VerdictsParts {
  readonly deaths: Deaths
  readonly departures: Departures
  readonly restarts: Restarts
  /** Whether deaths are kept for now. */
  readonly isHeld: () => boolean
  readonly isEnding: () => boolean
  readonly end: (because: 'limit.reached' | 'significant.ended', failure?: RestartLimitError) => void
}

/** Whether nobody has done anything about a dead child since it was decided about. */
function isStillDown({ life, goal, request, state }: Child): boolean {
  return life === undefined && goal === 'up' && request === undefined && state !== 'removed'
}

/** Decides about all deaths that are pending, and does what was decided. */
export function decideAll(parts: VerdictsParts): void {
  const { deaths, isHeld, isEnding } = parts
  while (!isHeld() && !isEnding() && !deaths.isEmpty) carryOut(deaths.judge(), parts)
}

/**
 * Settles the end of a child that was stopped on purpose, so that whoever waited for it finds it settled.
 * @param isFirst - whether it may be settled before the other deaths of this turn
 */
export function settleStopped(child: Child, isFirst: boolean, parts: VerdictsParts): void {
  const { deaths, isHeld, isEnding } = parts
  if (isFirst && !isHeld() && !isEnding()) carryOut(deaths.judgeOne(child), parts)
}

/**
 * Does what was decided. Whoever observes is told in the midst of it, and may stop the supervisor or the child, or start
 * that one again: then that holds, and not the verdict.
 */
function carryOut({ decision, childOf }: Judgement, parts: VerdictsParts): void {
  const { deaths, departures, restarts, isEnding } = parts
  if (isEnding()) return
  const stillDown = <Of extends { id: string }>(those: readonly Of[]): Of[] =>
    those.filter(({ id }) => isStillDown(childOf(id)))
  for (const ending of stillDown(decision.endings)) departures.ended(childOf(ending.id), ending)
  if (decision.verdict === 'shut-down') return parts.end('significant.ended')
  if (decision.verdict === 'give-up') {
    const failure = deaths.limitError()
    if (!isEnding()) parts.end('limit.reached', failure)
    return
  }
  for (const restart of decision.restarts) {
    const child = childOf(restart.id)
    if (!isEnding() && isStillDown(child)) restarts.begin(child, restart)
  }
}
