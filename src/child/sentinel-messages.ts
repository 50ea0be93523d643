import type { InterruptRequest } from '../transport/messages.ts'

/** What the sentinel is started with. */
export interface SentinelData {
  readonly controlFd: number
  readonly decision: SharedArrayBuffer
  /** Whether the permission model is on, of which only the main thread knows. */
  readonly isRestricted: boolean
}

/** Sentinel to main thread: are you there, and if so, end these calls. */
export interface AliveQuestion {
  readonly type: 'alive?'
  readonly request: InterruptRequest
  /** 0: the question that begins a ladder. 1: asked again after calls were ended, to see whether they spin. */
  readonly round: number
}

/** Main thread to sentinel: the loop turns, and this is what was ended. */
export interface AliveAnswer {
  readonly type: 'alive'
  readonly interruptId: number
  readonly round: number
  readonly callIds: readonly number[]
  /** Others have ended by themselves, as they were told to: they have been answered. */
  readonly haveEnded: boolean
  /** The newest call that has arrived; those that were meant and come later will be refused. */
  readonly lastCallId: number
  /** Code was cut off since the ladder began; this is where it was. */
  readonly cutAt: string | undefined
}

/** Sentinel to main thread: does the loop turn? Has nothing to do with interrupts. */
export interface BeatQuestion {
  readonly type: 'beat?'
  /** Rises; given back in the answer. */
  readonly beat: number
}

/** Main thread to sentinel: it does. */
export interface BeatAnswer {
  readonly type: 'beat'
  readonly beat: number
}

/** Whatever the sentinel asks the main thread. */
export type SentinelQuestion = AliveQuestion | BeatQuestion

/** Whatever the main thread answers. */
export type MainAnswer = AliveAnswer | BeatAnswer

/** What the prepare step, evaluated in the middle of spinning code, answers. */
export interface Preparation {
  readonly decision: number
  readonly at: string
  readonly callIds: readonly number[]
  readonly lastCallId: number
}

/**
 * Cells of the shared memory. By `decision` the prepare step and the sentinel agree; `ladder` is the one under way;
 * `streams` tells how many iterators there are that would like to end themselves.
 */
export const cell = { decision: 0, ladder: 1, streams: 2 } as const

/** Bytes of the shared memory: four for each cell. */
export const cellBytes = 12

/** How long the iterators of streams have to end themselves when the host is gone. */
export const streamsEndMs = 250

/** Values of the decision cell. */
export const decision = {
  pending: 0,
  /** Main: it may be cut off here and now; the main thread holds still until the sentinel has answered. */
  cut: 1,
  /** Main: not at this point (code of Node or of the runtime is on top); try again. */
  retry: 2,
  /** Main: what spins is not to be ended; the calls asked for have been, on paper. */
  spare: 3,
  /** Main: can't be done in this process. */
  impossible: 4,
  /** Sentinel: seen; termination is about to be queued. */
  committed: 5,
  /** Sentinel: termination is queued, let go. */
  released: 7,
  /** Sentinel: no longer wanted, let go. */
  denied: 8,
  /** Main: the sentinel took too long; try again. */
  withdrawn: 6,
} as const

/** The property of the global object by which the prepare step is found: no global that could have been replaced. */
export const prepareProperty = 'maltster.prepareInterrupt'
