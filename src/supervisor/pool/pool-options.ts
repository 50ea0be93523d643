import type { WorkerOptions } from '../../actors/worker-options.ts'
import type { BackoffOptions, InitOption } from '../spec/supervisor-spec.ts'

/** When a member of a pool is replaced by a new process, between two calls. */
export interface RecycleOptions {
  /** After so many calls. Minimum 1, default never. */
  readonly afterCalls?: number
  /** When its process holds more resident memory than so many MiB after a call. Over 0, default never. */
  readonly maxRssMb?: number
}

/** How a pool is made. Everything has a default. */
export interface PoolOptions {
  /** What it is called in the tree. Default: its id in the supervisor above, or `pool-1`, `pool-2`, … */
  readonly name?: string
  /** How many members take calls; from 0. Default: the number of processors to use. */
  readonly size?: number
  /**
   * So many more are kept booted and idle. When a member dies or is recycled, or the pool grows, one of them takes its
   * place at once. From 0, default 0.
   */
  readonly spares?: number
  /** How many calls are with one member at once. Minimum 1, default 1. */
  readonly concurrency?: number
  /** The most calls that may wait for a member; one more is a `BackpressureError`. Minimum 1, default 65536. */
  readonly maxQueued?: number
  /** Options of every member; `name` is the pool's to give. */
  readonly worker?: Omit<WorkerOptions, 'name'>
  /** Runs in every member, on every incarnation, after `preload` and before it takes calls. */
  readonly init?: InitOption
  /** When a member is replaced. Default never. */
  readonly recycle?: RecycleOptions
  /** So many restarts of members within `periodMs` are fine; at one more the pool gives up. Default 5 a member, at least 10. */
  readonly maxRestarts?: number
  /** The window in which restarts are counted, in milliseconds. Default 5000. */
  readonly periodMs?: number
  /** How long a member that keeps dying waits before it is started again. Here `maxMs` is 5000 and `resetAfterMs` 1000. */
  readonly backoff?: BackoffOptions
  /** How many members boot at the same time. Minimum 1. Default: the number of processors, at least 2. */
  readonly maxConcurrentBoots?: number
}
