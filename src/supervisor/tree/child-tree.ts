import type { RestartBudget } from '../../actors/supervisor-events.ts'
import type { RestartType, Strategy } from '../spec/supervisor-spec.ts'
import type { ChildState } from './child-run.ts'
import type { Child } from './child.ts'
import type { SupervisorActor } from './supervisor-actor.ts'
import type { SupervisorState } from './supervisor-machine.ts'

/** A child of a supervisor, as it is now. */
export interface ChildInfo {
  /** Its name among its siblings. */
  readonly id: string
  /** Place in the tree. */
  readonly path: string
  /** What it is. */
  readonly kind: 'worker' | 'supervisor' | 'pool'
  /** What its supervisor knows of it, in one word. */
  readonly state: ChildState
  /** Of the process, while there is one. */
  readonly pid: number | undefined
  /** Which life it is in, or was in last; 0 before the first. */
  readonly incarnation: number
  /** Which of its deaths are followed by a restart. */
  readonly restart: RestartType
  /** How long it may take to end, in milliseconds. */
  readonly shutdownMs: number
  /** Whether its end by itself counts for `autoShutdown`. */
  readonly significant: boolean
  /** When it is started again, if it is backing off; monotonic milliseconds. */
  readonly retryAtMs: number | undefined
}

/** How many children there are. */
export interface ChildCounts {
  /** All that have a place, alive or not. */
  readonly specs: number
  /** Those that are up. */
  readonly active: number
  /** Specs of supervisors; a pool is one. */
  readonly supervisors: number
  /** Specs of workers. */
  readonly workers: number
}

/** A supervisor and all that is below it, as plain data. */
export interface SupervisorTree {
  /** Its name among its siblings. */
  readonly id: string
  /** Its place in the tree; empty for the root. */
  readonly path: string
  /** What it is. */
  readonly kind: 'supervisor'
  /** In one word. */
  readonly state: SupervisorState
  /** Which life of its place. */
  readonly incarnation: number
  /** Who is restarted when a child dies. */
  readonly strategy: Strategy
  /** How much of its restarts it has used. */
  readonly budget: RestartBudget
  /** In the order of their start. */
  readonly children: readonly ChildTree[]
}

/** A child as plain data: with all that is below it, if it is a supervisor. */
export type ChildTree = ChildInfo &
  Partial<Pick<SupervisorTree, 'strategy' | 'budget'>> & {
    readonly children?: readonly unknown[]
    readonly [more: string]: unknown
  }

export function infoOf(child: Child): ChildInfo {
  const { id, path, spec, state, incarnation, retryAtMs, life } = child
  const { restart, shutdownMs, significant, kind } = spec
  const pid = life?.run?.pid
  return { id, path, kind: kind.kind, state, pid, incarnation, restart, shutdownMs, significant, retryAtMs }
}

export function countsOf(children: Iterable<Child>): ChildCounts {
  const counts = { specs: 0, active: 0, supervisors: 0, workers: 0 }
  for (const { spec, state } of children) {
    counts.specs++
    if (state === 'up') counts.active++
    if (spec.kind.kind === 'worker') counts.workers++
    else counts.supervisors++
  }
  return counts
}

/** Everything below a supervisor. Reads what is known; asks nobody. */
export function treeOf(id: string, actor: SupervisorActor): SupervisorTree {
  const { identity, spec, state, budget } = actor
  return {
    id,
    ...identity,
    kind: 'supervisor',
    state,
    strategy: spec.strategy,
    budget,
    children: Array.from(actor.children, (child) => ({ ...child.spec.kind.describe?.(), ...infoOf(child) })),
  }
}
