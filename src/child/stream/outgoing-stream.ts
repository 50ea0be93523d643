import type { RunningCall } from '../running-call.ts'
import { isThenable } from '../thenable.ts'
import { checkResult, type Iteration, iterationOf } from './iteration.ts'
import type { ItemOutlet } from './item-outlet.ts'
import { ItemPace } from './item-pace.ts'
import { monotonicMs } from '../../transport/monotonic.ts'

// Taken before user code can replace them.
const { nextTick } = process
const { setImmediate, Promise } = globalThis

/** How long items are taken in a row before the loop turns: what else comes has to pass. */
const budgetMs = 2
/** After the first items of a run, whose cost is unknown, it looks at the clock every so many: a power of two. */
const itemsPerClock = 16

/** How a stream came to its end: by an error, or in order. */
export interface StreamEnd {
  readonly failed?: {
    readonly error: unknown
    /** It is about an item that could not be sent. */
    readonly isOfItem: boolean
  }
}

/** What a stream needs of the one that runs calls. */
export interface StreamOwner {
  readonly recoverIfCut: () => void
  /** Runs the user's code as part of the call. */
  readonly inContext: (call: RunningCall, task: () => void) => void
  /** Aborts the signal of the call, if somebody has asked for it. */
  readonly abort: (call: RunningCall) => void
  /** Answers the call, unless it has been ended from outside. */
  readonly ended: (call: RunningCall, end: StreamEnd) => void
}

/** A promise of the user's that the stream waits for, and how it goes on. */
interface Awaited {
  readonly promise: Promise<unknown>
  readonly resolved: (value: unknown) => void
  readonly rejected: (error: unknown) => void
}

/**
 * The worker's end of a stream: asks the iterator for items as far as there is credit, and ends it.
 *
 * The execution may be terminated while the user's code runs. If that was this stream's, its call is over, and nothing
 * here matters any more; if not, `recover` goes on from what is written here.
 */
export class OutgoingStream {
  readonly call: RunningCall
  readonly #owner: StreamOwner
  readonly #outlet: ItemOutlet
  readonly #over: Promise<void>
  #tellOver!: () => void
  #iteration: Iteration | undefined
  /** The next item. */
  #awaited: Awaited | undefined
  /** That the iterator has ended. */
  #awaitedEnd: Awaited | undefined
  /** Nothing more is asked for: it ends, or has ended. */
  #isEnding = false
  #isOver = false
  #isScheduled = false
  #flushIsScheduled = false
  /** Items that were waited for, and came. */
  #moves = 0
  #runStartedMs = 0
  readonly #pace = new ItemPace()

  constructor(call: RunningCall, outlet: ItemOutlet, owner: StreamOwner) {
    this.call = call
    this.#outlet = outlet
    this.#owner = owner
    this.#over = new Promise((resolve) => {
      this.#tellOver = resolve
    })
  }

  /** Resolves when it has ended. */
  get over(): Promise<void> {
    return this.#over
  }

  /** Whether the function has returned. */
  get hasBegun(): boolean {
    return this.#iteration !== undefined || this.#isOver
  }

  /** The function has returned. */
  begin(value: unknown): void {
    try {
      this.#iteration = iterationOf(value)
    } catch (error) {
      this.#finish(thrown(error))
      return
    }
    if (this.#isEnding) this.#end({})
    else this.#pump()
  }

  /** The consumer has room for more. */
  grant(items: number, bytes: number): void {
    if (this.#isEnding) return
    this.#outlet.grant(items, bytes)
    if (this.#iteration === undefined) return
    if (this.#awaited === undefined) this.#inContext(this.#pumpInContext)
    else this.#outlet.flush()
  }

  /** The consumer wants no more. */
  stop(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    this.#outlet.drop()
    // What runs waits for something; what ends the iterator comes behind that.
    if (this.#awaited !== undefined || this.#iteration === undefined) this.#owner.abort(this.call)
    if (this.#iteration !== undefined) this.#inContext(() => this.#end({}))
  }

  /** The call has been ended from outside: the iterator ends itself, and nobody is told how that went. */
  interrupted(): void {
    this.#outlet.drop()
    if (this.#iteration === undefined || this.#isEnding) {
      this.#finish({})
      return
    }
    this.#isEnding = true
    this.#end({})
  }

  /** Puts what has been yielded on the lane. */
  flush(): void {
    this.#outlet.flush()
  }

  /** Answers what tells, later, whether it has got on since now, or was waiting for nothing that could be lost. */
  suspect(): () => boolean {
    const awaited = this.#awaitedEnd ?? this.#awaited
    const moves = this.#moves
    const hadBegun = this.#iteration !== undefined
    return () =>
      this.#isOver ||
      (hadBegun ? awaited === undefined || moves !== this.#moves : this.#iteration !== undefined)
  }

  /** After an execution was terminated: goes on as if what was scheduled had been lost, as it may. */
  recover(): void {
    if (this.#isOver || this.#iteration === undefined) return
    this.#isScheduled = false
    this.#flushIsScheduled = false
    const awaited = this.#awaitedEnd ?? this.#awaited
    if (awaited !== undefined) this.#inContext(() => this.#follow(awaited))
    else this.#pumpLater()
    if (this.#outlet.hasUnsent) this.#flushSoon()
  }

  #inContext(task: () => void): void {
    this.#owner.inContext(this.call, task)
  }

  readonly #pumpInContext = (): void => this.#pump()

  #pump(): void {
    if (this.#iteration!.isAsync) this.#ask()
    else this.#run()
  }

  /** Takes items of a synchronous iterator until there is no credit, one is a promise, or the time is up. */
  #run(): void {
    const iteration = this.#iteration!
    const outlet = this.#outlet
    const startedMs = monotonicMs()
    let isAsking = false
    let count = 0
    let clockAt = 1
    try {
      while (!this.#isEnding && outlet.wantsMore) {
        isAsking = true
        const { done, value } = checkResult(iteration.next())
        isAsking = false
        if (done === true) {
          this.#finish({})
          return
        }
        if (isThenable(value)) {
          this.#await(value, this.#resolved, this.#rejected)
          this.#flushSoon()
          return
        }
        this.#take(value)
        if (++count < clockAt) continue
        clockAt += Math.min(count, itemsPerClock)
        if (monotonicMs() - startedMs >= budgetMs) break
      }
    } catch (error) {
      if (isAsking) this.#finish(thrown(error))
      else this.#fail(error)
      return
    }
    outlet.flush()
    if (outlet.wantsMore) this.#pumpLater()
  }

  #take(value: unknown): void {
    this.#outlet.give(value)
    if (this.#pace.isDue()) this.#outlet.send()
  }

  /** Asks an asynchronous iterator for its next item. */
  #ask(): void {
    if (!this.#outlet.wantsMore) return
    try {
      this.#await(this.#iteration!.next(), this.#answered, this.#failed)
    } catch (error) {
      this.#finish(thrown(error))
    }
  }

  #pumpLater(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#pumpNow)
  }

  readonly #pumpNow = (): void => {
    this.#owner.recoverIfCut()
    this.#isScheduled = false
    if (!this.#isEnding && this.#awaited === undefined) this.#inContext(this.#pumpInContext)
  }

  #flushSoon(): void {
    if (this.#flushIsScheduled || !this.#outlet.hasUnsent) return
    this.#flushIsScheduled = true
    nextTick(this.#flushNow)
  }

  readonly #flushNow = (): void => {
    this.#owner.recoverIfCut()
    this.#flushIsScheduled = false
    this.#outlet.flush()
  }

  #await(value: unknown, resolved: Awaited['resolved'], rejected: Awaited['rejected']): void {
    const promise = Promise.resolve(value)
    this.#awaited = { promise, resolved, rejected }
    promise.then(resolved, rejected)
  }

  /**
   * Waits once more for a promise whose reactions may have been lost with the rest of a round. If they were not, they
   * run first, and something else is awaited, or nothing, when these do.
   */
  #follow(awaited: Awaited): void {
    const isAwaited = (): boolean => this.#awaited === awaited || this.#awaitedEnd === awaited
    awaited.promise.then(
      (value) => {
        if (isAwaited()) awaited.resolved(value)
      },
      (error: unknown) => {
        if (isAwaited()) awaited.rejected(error)
      },
    )
  }

  /** An asynchronous iterator has answered. */
  readonly #answered = (result: unknown): void => {
    if (!this.#arrived()) return
    let item: IteratorResult<unknown>
    try {
      item = checkResult(result)
      if (item.done === true) {
        this.#finish({})
        return
      }
    } catch (error) {
      this.#finish(thrown(error))
      return
    }
    this.#give(item)
  }

  /** The promise that a synchronous iterator gave is resolved. */
  readonly #resolved = (value: unknown): void => {
    if (this.#arrived()) this.#give({ value })
  }

  readonly #rejected = (error: unknown): void => {
    if (this.#arrived()) this.#fail(error)
  }

  readonly #failed = (error: unknown): void => {
    if (this.#arrived()) this.#finish(thrown(error))
  }

  /** What was awaited is here. Answers whether it is still wanted. */
  #arrived(): boolean {
    this.#owner.recoverIfCut()
    this.#awaited = undefined
    this.#moves++
    return !this.#isEnding
  }

  #give(item: { readonly value: unknown }): void {
    try {
      this.#take(item.value)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#flushSoon()
    if (this.#isLate()) this.#pumpLater()
    else this.#pump()
  }

  /** A run of promises that are settled already never lets the loop turn by itself. */
  #isLate(): boolean {
    if ((this.#moves & (itemsPerClock - 1)) !== 0) return false
    const nowMs = monotonicMs()
    if (nowMs - this.#runStartedMs < budgetMs) return false
    this.#runStartedMs = nowMs
    return true
  }

  /** An item can't be sent. */
  #fail(error: unknown): void {
    this.#isEnding = true
    this.#end({ failed: { error, isOfItem: true } })
  }

  /** Has the iterator end itself, then tells how the stream ended. What is thrown meanwhile comes second. */
  #end(end: StreamEnd): void {
    const rejected = (error: unknown): void => this.#finish(end.failed === undefined ? thrown(error) : end)
    const resolved = (): void => this.#finish(end)
    try {
      const answer = this.#iteration!.end()
      if (isThenable(answer)) {
        const promise = Promise.resolve(answer)
        this.#awaitedEnd = { promise, resolved, rejected }
        promise.then(resolved, rejected)
      } else resolved()
    } catch (error) {
      rejected(error)
    }
  }

  #finish(end: StreamEnd): void {
    if (this.#isOver) return
    this.#owner.recoverIfCut()
    this.#isEnding = true
    this.#isOver = true
    this.#awaited = undefined
    this.#awaitedEnd = undefined
    this.#outlet.flush()
    this.#owner.ended(this.call, end)
    this.#tellOver()
  }
}

const thrown = (error: unknown): StreamEnd => ({ failed: { error, isOfItem: false } })
