import type { Life } from './life.ts'

/** A member that is up. */
export interface PoolMemberStats {
  /** Place in the tree. */
  readonly path: string
  /** Its process id. */
  readonly pid: number
  /** Which life of its place it is, from 1. */
  readonly incarnation: number
  /** `serving` takes calls, `spare` is kept for when one is lost, `leaving` has had its last. */
  readonly role: 'serving' | 'spare' | 'leaving'
  /** Calls that are with it. */
  readonly running: number
  /** Calls that this incarnation has had. */
  readonly served: number
}

export function memberStatsOf({ member, isLeaving, slot, busy, served }: Life): PoolMemberStats {
  const { path, pid, incarnation } = member
  const role = isLeaving ? 'leaving' : slot === undefined ? 'spare' : 'serving'
  return { path, pid, incarnation, role, running: busy, served }
}

/** A pool as it is now. */
export interface PoolStats {
  /** `down`: it gave up, and its supervisor may start it again. */
  readonly state: 'starting' | 'up' | 'stopping' | 'stopped' | 'down'
  /** How many are to take calls. */
  readonly size: number
  /** How many more are booted and idle. */
  readonly spares: number
  /** Calls that wait for a member. */
  readonly waiting: number
  /** Calls that are with a member. */
  readonly running: number
  /** Calls that have been with a member, whatever became of them. */
  readonly served: number
  /** Members that died. */
  readonly restarts: number
  /** Members that were replaced on purpose. */
  readonly recycled: number
  /** Those that are up. */
  readonly members: readonly PoolMemberStats[]
}
