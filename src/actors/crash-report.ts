import type { Executed } from '../errors/maltster-error.ts'
import type { ExitReason } from '../errors/exit-reason.ts'
import type { MaltsterEvent } from './events.ts'

/** A call that had not settled when its worker died. */
export interface CallInFlight {
  /** Its number. */
  readonly callId: number
  /** What the function is called. */
  readonly name: string
  /** Whether it was a background call. */
  readonly background: boolean
  /** Whether it may have run. */
  readonly executed: Executed
}

/**
 * Whose limit it was: V8's (`heap`), the worker's own `maxRssMb` (`limit`), or the system's (`system`: it killed the
 * process, and has counted one more kill for want of memory meanwhile).
 */
export type MemoryLimit = 'heap' | 'limit' | 'system'

/** What is known of a worker that did not end in order. Source: OTP's crash reports. */
export interface CrashReport {
  /** Why it ended, with its last frames, the tail of its stderr, and its uptime. */
  readonly reason: ExitReason
  /** Which limit of memory it ran into, if it did. */
  readonly outOfMemory: MemoryLimit | undefined
  /** The most resident memory that was seen, in bytes; looked at once a second, on Linux. Else undefined. */
  readonly memoryPeakBytes: number | undefined
  /** The calls that had not settled, oldest first; the first 100. */
  readonly inFlight: readonly CallInFlight[]
  /** How many there were. */
  readonly inFlightCount: number
  /** The last events of this incarnation, oldest first, without those of single calls; at most 64. */
  readonly recentEvents: readonly MaltsterEvent[]
}
