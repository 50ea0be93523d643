import type { CallOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import { WorkerDiedError, WorkerStoppedError } from '../../errors/worker-errors.ts'

/** One life of a member, as a pool uses it: a worker that is ready for calls. */
export interface PoolMember {
  /** Place in the tree. */
  readonly path: string
  readonly pid: number
  readonly incarnation: number
  call(fn: Callable, args: readonly unknown[], options?: CallOptions): Promise<unknown>
  stats(): Promise<{ readonly rssBytes: number | undefined }>
  kill(): void
}

/**
 * Whether a call failed because this life is over. What it asked of others, such as a former life of this very member that
 * kept a value for it, does not count.
 */
export function isLossOf({ path, pid }: PoolMember, error: unknown): boolean {
  if (!(error instanceof WorkerDiedError || error instanceof WorkerStoppedError)) return false
  return error.worker === path && (error.pid === undefined || error.pid === pid)
}

/** What a crew tells its pool, in the turn in which it happens. */
export interface CrewListener {
  /** A member, or another life of it, takes calls from now on. */
  ready(id: string, member: PoolMember): void
  /** That life is over. Another one may follow. */
  gone(id: string): void
  /** A process could not be started. */
  failed(error: unknown): void
  /** A member was stopped by somebody else than the pool, and its supervisor leaves it so. */
  stopped(id: string): void
  /** Nobody will come back: it was stopped, or has given up. */
  ended(reason: ExitReason): void
}

/**
 * What starts the members of a pool, watches them, and starts them again: a supervisor, or a simulation of one. Those
 * that it was given at its start come up together or not at all.
 */
export interface Crew {
  /** It has been told to end, or has given up. `ended` is told, or will be. */
  readonly isEnding: boolean
  /**
   * Adds a member. Resolves when it is ready.
   * @throws {Error} why it could not be started; then it is no member
   */
  add(id: string): Promise<void>
  /** Takes a member out for good. Resolves when its process is gone. */
  remove(id: string): Promise<void>
  /**
   * Ends the process of a member and starts another one, which is no restart by the rules. Resolves when that is ready.
   * @throws {Error} why it could not be started; it is a member all the same, without a process
   */
  replace(id: string): Promise<void>
  /** Ends all. `ended` is told when they are gone. */
  stop(): void
}
