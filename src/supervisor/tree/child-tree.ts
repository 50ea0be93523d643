import type { RestartBudget } from '../../actors/supervisor-events.ts'
import type { RestartType, Strategy } from '../spec/supervisor-spec.ts'
import type { ChildState } from './child-run.ts'
import type { Child } from './child.ts'
import type { SupervisorActor } from './supervisor-actor.ts'
import type { SupervisorState } from './supervisor-machine.ts'

/** A child of a supervisor, as it is now. */
export interface ChildInfo {
  readonly id: string
  /** Place in the tree. */
  readonly path: string
  readonly kind: 'worker' | 'supervisor' | 'pool'
  readonly state: ChildState
  /** Of the process, while there is one. */
  readonly pid: number | undefined
  /** Which life it is in, or was in last; 0 before the first. */
  readonly incarnation: number
  readonly restart: RestartType
  readonly shutdownMs: number
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
  readonly id: string
  readonly path: string
  readonly kind: 'supervisor'
  readonly state: SupervisorState
  readonly incarnation: number
  readonly strategy: Strategy
  /** How much of its restarts it has used. */
  readonly budget: RestartBudget
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
