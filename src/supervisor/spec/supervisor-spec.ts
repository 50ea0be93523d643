import type { WorkerOptions } from '../../actors/worker-options.ts'
import type { PoolOptions } from '../pool/pool-options.ts'

/** Who else is restarted when one child has died. Source: OTP. */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one'

/** Which deaths of a child are followed by a restart. Source: OTP. */
export type RestartType = 'permanent' | 'transient' | 'temporary'

/**
 * What runs in a worker after `preload`, on every incarnation, before the child counts as started. If it returns
 * `'skip'`, the worker ends and the child is left out, without being an error (OTP's `ignore`).
 */
export type InitOption =
  | (() => unknown)
  | { readonly module: string | URL; readonly export: string; readonly args?: readonly unknown[] }

/** How long a child that keeps dying waits before it is started again. The first restart is at once. */
export interface BackoffOptions {
  /** Before the second restart in a row, in milliseconds. 0: never wait. Default 100. */
  readonly minMs?: number
  /** The longest wait, in milliseconds. Default 30000. */
  readonly maxMs?: number
  /** How much longer each wait is than the one before. Minimum 1, default 2. */
  readonly factor?: number
  /**
   * How much of each wait is left to chance, from 0 to 1: a wait of `d` becomes one between `d * (1 - jitter)` and `d`.
   * `'full'` is 1, `'equal'` is 0.5. Default `'equal'`.
   */
  readonly jitter?: number | 'full' | 'equal'
  /** An incarnation that was up so long, in milliseconds, ends the row. Default: `periodMs` of the supervisor. */
  readonly resetAfterMs?: number
}

/** A child of a supervisor: what it is, and how it is treated. Exactly one of `worker`, `supervisor`, `pool`. */
export interface ChildSpec<Id extends string = string> {
  /** Its name among its siblings; with those above it, its path. No slash. */
  readonly id: Id
  /** A worker with these options. */
  readonly worker?: WorkerOptions
  /** A supervisor with children of its own. */
  readonly supervisor?: SupervisorSpec
  /** A pool with these options. */
  readonly pool?: PoolOptions
  /**
   * `permanent`: restarted whenever it dies. `transient`: unless it ended by itself with exit code 0. `temporary`:
   * never, and it is forgotten when it is gone. Default `permanent`.
   */
  readonly restart?: RestartType
  /**
   * How long it may take to end when it is told to, in milliseconds; 0 kills it at once, Infinity waits. Default 5000
   * for a worker, Infinity for a supervisor or a pool.
   */
  readonly shutdownMs?: number
  /** Whether its end by itself counts for `autoShutdown`. Default false. */
  readonly significant?: boolean
  /** For a worker: runs there before it counts as started. */
  readonly init?: InitOption
}

/** A supervisor: its rules and its first children. */
export interface SupervisorSpec {
  /** Its name in the tree. Default: its id in the supervisor above, or `supervisor-1`, `supervisor-2`, … */
  readonly name?: string
  /**
   * Who is restarted when a child dies. `one-for-one`: that child. `one-for-all`: all. `rest-for-one`: that child and
   * those that were started after it. Default `one-for-one`.
   */
  readonly strategy?: Strategy
  /** So many restarts within `periodMs` are fine; at one more it gives up. Minimum 0, default 3. */
  readonly maxRestarts?: number
  /** The window in which restarts are counted, in milliseconds. Default 5000. */
  readonly periodMs?: number
  /** Whose restarts are counted together. `child`: each child has a window of its own. Default `supervisor`. */
  readonly intensityScope?: 'supervisor' | 'child'
  /** How long a child that keeps dying waits. */
  readonly backoff?: BackoffOptions
  /**
   * Whether the supervisor ends with its significant children: `any-significant`, with the first that ends by itself
   * and is not restarted; `all-significant`, with the last. Default `never`.
   */
  readonly autoShutdown?: 'never' | 'any-significant' | 'all-significant'
  /** Of children that were started, are to be restarted, or have ended and kept their spec. Default Infinity. */
  readonly maxChildren?: number
  /** So many children boot at the same time. Minimum 1. Default: the number of processors, at least 2. */
  readonly maxConcurrentBoots?: number
  /**
   * Whether the first children of a one-for-one supervisor start side by side, `maxConcurrentBoots` at a time, and not
   * one after the other. With another strategy it is refused: there they depend on each other. Default false.
   */
  readonly parallelStart?: boolean
  /**
   * Whether a restart of all, or of the rest, also starts children again that had ended or were stopped on purpose, as
   * OTP does. Default false.
   */
  readonly resurrect?: boolean
  /** Whether children that die in the same turn count as one event. Default true; false is OTP's way. */
  readonly coalesce?: boolean
  /** Its first children, in the order in which they start. Default none. */
  readonly children?: readonly ChildSpec[]
}
