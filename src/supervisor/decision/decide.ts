import type { ExitReason } from '../../errors/exit-reason.ts'
import { type Backoff, backoffDelayMs } from './backoff.ts'

/** The rules of one supervisor, as far as deaths go. */
export interface DeathRules {
  readonly strategy: 'one-for-one' | 'one-for-all' | 'rest-for-one'
  readonly maxRestarts: number
  readonly intensityScope: 'supervisor' | 'child'
  readonly backoff: Backoff
  readonly autoShutdown: 'never' | 'any-significant' | 'all-significant'
}

/** A child that has died without being told to. */
export interface Death {
  readonly id: string
  /** Its place in the order of start. */
  readonly position: number
  readonly restart: 'permanent' | 'transient' | 'temporary'
  readonly significant: boolean
  readonly reason: ExitReason
  /** From ready to its end; undefined if it never was ready. */
  readonly uptimeMs: number | undefined
  /** Restarts in a row before this death. */
  readonly attempts: number
}

/** What is to be known besides the deaths themselves. */
export interface Circumstances {
  /** Restarts that count at this moment: of the supervisor, or of that child, by `intensityScope`. */
  readonly usedRestarts: (id: string) => number
  /** Significant children that are there or to come back, without those that have died. */
  readonly otherSignificant: number
  /** From 0, to 1 exclusive. */
  readonly random: () => number
}

/** What becomes of a child that is not restarted. `stopped`: it was told to end by somebody, and that holds. */
export interface Ending {
  readonly id: string
  readonly outcome: 'finished' | 'removed' | 'stopped'
  /** Somebody wanted it. */
  readonly isOnPurpose: boolean
}

/** A restart that counts. In the group strategies it brings others with it. */
export interface Restart {
  readonly id: string
  readonly position: number
  readonly delayMs: number
  readonly attempt: number
}

/** What a supervisor does about deaths. */
export type Decision = { readonly endings: readonly Ending[] } & (
  | { readonly verdict: 'go-on'; readonly restarts: readonly Restart[] }
  /** `id` died once too often. */
  | { readonly verdict: 'give-up'; readonly id: string }
  /** With `id`, the significant children have ended. */
  | { readonly verdict: 'shut-down'; readonly id: string }
)

/** How a life has ended, as far as its restart goes. */
export interface LifeEnd {
  readonly restart: Death['restart']
  readonly type: ExitReason['type']
  readonly wasReady: boolean
}

/** Whether a child is started again after this end. */
export function isRestarted({ restart, type, wasReady }: LifeEnd): boolean {
  // Ended by `stop()`: that holds, whatever the restart type. An end before it was ready is no normal one.
  if (type === 'shutdown' || restart === 'temporary') return false
  return restart === 'permanent' || type !== 'normal' || !wasReady
}

const comesBack = ({ restart, reason: { type }, uptimeMs }: Death): boolean =>
  isRestarted({ restart, type, wasReady: uptimeMs !== undefined })

function endingOf({ id, restart, reason }: Death): Ending {
  const isOnPurpose = reason.type === 'shutdown'
  if (restart === 'temporary') return { id, outcome: 'removed', isOnPurpose }
  return { id, outcome: isOnPurpose ? 'stopped' : 'finished', isOnPurpose }
}

/** The significant child whose end by itself ends the supervisor, if there is one. */
function lastSignificant(
  { autoShutdown }: DeathRules,
  deaths: readonly Death[],
  circumstances: Circumstances,
): string | undefined {
  if (autoShutdown === 'never') return undefined
  const significant = deaths.filter((death) => death.significant)
  const ended = significant.filter((death) => !comesBack(death) && death.reason.type !== 'shutdown')
  const left = circumstances.otherSignificant + significant.filter(comesBack).length
  return autoShutdown === 'any-significant' || left === 0 ? ended[0]?.id : undefined
}

function restartOf(death: Death, { backoff }: DeathRules, random: () => number): Restart {
  const wasHealthy = death.uptimeMs !== undefined && death.uptimeMs >= backoff.resetAfterMs
  const attempt = (wasHealthy ? 0 : death.attempts) + 1
  return {
    id: death.id,
    position: death.position,
    delayMs: backoffDelayMs(backoff, attempt, random),
    attempt,
  }
}

/**
 * What a supervisor does about children that have died at the same moment. Ends that are no crashes are settled first;
 * then, in the group strategies, the crash of the lowest child stands for all the others, which its restart includes.
 * @param deaths - at least one; as one event, in whatever order they came
 */
export function decide(rules: DeathRules, deaths: readonly Death[], circumstances: Circumstances): Decision {
  const inOrder = deaths.toSorted((a, b) => a.position - b.position)
  const endings = inOrder.filter((death) => !comesBack(death)).map(endingOf)
  const significant = lastSignificant(rules, inOrder, circumstances)
  if (significant !== undefined) return { verdict: 'shut-down', endings, id: significant }
  const crashes = inOrder.filter(comesBack)
  const counted = rules.strategy === 'one-for-one' ? crashes : crashes.slice(0, 1)
  let counting = 0
  for (const { id } of counted) {
    const inBatch = rules.intensityScope === 'child' ? 1 : ++counting
    if (circumstances.usedRestarts(id) + inBatch > rules.maxRestarts)
      return { verdict: 'give-up', endings, id }
  }
  const restarts = counted.map((death) => restartOf(death, rules, circumstances.random))
  return { verdict: 'go-on', endings, restarts }
}
