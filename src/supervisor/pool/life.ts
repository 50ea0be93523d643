import type { PoolMember } from './crew.ts'

/** How many calls one life takes. */
export interface CallBounds {
  /** At once. */
  readonly concurrency: number
  /** In all. */
  readonly maxCalls: number
}

/** One incarnation of a member, and what it is doing for the pool. */
export class Life {
  readonly id: string
  readonly member: PoolMember
  /** The slot whose calls it takes; undefined for a spare. */
  slot: number | undefined
  /** Calls that are with it. */
  busy = 0
  /** Calls that it has had. */
  served = 0
  /** Broadcasts that it has to finish before it takes calls. */
  preparing = 0
  /** It has run all that it had to before its first call. */
  isPrepared = false
  /** It could not run what it had to. */
  hasFailed = false
  /** It takes no more calls: it is about to be replaced, or is known to be lost. */
  isLeaving = false
  /** When it was last asked for its memory, on the clock of the pool. */
  measuredAtMs = -Infinity
  readonly #idleWaiters: (() => void)[] = []

  constructor(id: string, member: PoolMember) {
    this.id = id
    this.member = member
  }

  /** Whether one more call may go to it: so many at once, and so many in all. */
  isFree({ concurrency, maxCalls }: CallBounds): boolean {
    const hasRoom = this.busy < concurrency && this.served + this.busy < maxCalls
    return hasRoom && this.preparing === 0 && !this.isLeaving
  }

  /** Resolves when no call is with it. */
  whenIdle(): Promise<void> {
    if (this.busy === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  /** A call has left it. */
  release(): void {
    this.busy--
    this.served++
    if (this.busy === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }
}
