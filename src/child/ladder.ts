import type { Session } from 'node:inspector'

import type { InterruptReport, InterruptRequest } from '../transport/messages.ts'
import {
  type AliveAnswer,
  type AliveQuestion,
  cell,
  decision,
  type Preparation,
  prepareProperty,
} from './sentinel-messages.ts'
import { monotonicMs } from '../transport/monotonic.ts'

/** How long the main thread has to answer before it counts as busy. */
const aliveMs = 8
/** Between two looks at what the prepare step decided, and between two attempts. */
const retryMs = 1
/** Between two attempts once it is only watched whether ended code begins to spin. */
const watchMs = 50
/** How long an evaluation that is on its way may delay the end of a ladder. */
const lateMs = 50
/** After so many attempts at bad points, something is done about the points; */
const patientAttempts = 8
/** and again after so many times as many, since it also makes points at which no cut is allowed, until it wears off. */
const patienceGrowth = 4

/** What a ladder needs of its thread. */
export interface LadderOptions {
  readonly request: InterruptRequest
  readonly cells: Int32Array
  readonly ask: (question: AliveQuestion) => void
  /** Opens an inspector session on the main thread; undefined where that is denied. */
  readonly connect: () => Session | undefined
  readonly report: (report: InterruptReport) => void
  readonly finished: () => void
  /** Reported early, and still looking. */
  readonly reported: () => void
}

/**
 * One interrupt, rung by rung: ask the main thread; if it does not answer, evaluate the prepare step on top of what
 * it is doing and terminate that; ask again. After the grace time it is reported as stuck, and the ladder stays
 * until the main thread comes back.
 */
export class Ladder {
  readonly #options: LadderOptions
  readonly #startedMs = monotonicMs()
  readonly #callIds = new Set<number>()
  #round = 0
  #session: Session | undefined
  #wasCut = false
  /** What spins is not to be ended. */
  #wasSpared = false
  #lastCallId = 0
  #refusesMore = false
  /** Calls have ended by themselves because of it. */
  #haveEnded = false
  #isEvaluating = false
  #attempts = 0
  #deoptimiseAt = patientAttempts
  #wantsFinish = false
  #at: string | undefined
  #isOver = false
  /** What was asked for has been reported; it stays to see ended code that is yet to spin. */
  #isReported = false
  #attempt: NodeJS.Timeout | undefined
  readonly #graceTimer: NodeJS.Timeout

  constructor(options: LadderOptions) {
    this.#options = options
    Atomics.store(options.cells, cell.ladder, options.request.interruptId)
    this.#graceTimer = setTimeout(() => this.#report('stuck'), options.request.graceMs)
    this.#ask()
  }

  get interruptId(): number {
    return this.#options.request.interruptId
  }

  #ask(): void {
    const { ask, request } = this.#options
    ask({ type: 'alive?', request, round: this.#round })
    this.#attempt = setTimeout(() => this.#prepare(), aliveMs)
  }

  /** Calls were ended, or will be refused when they arrive. */
  get #endedAny(): boolean {
    return this.#callIds.size > 0 || this.#refusesMore || this.#haveEnded
  }

  /** Calls that had not arrived at any of the looks were refused, though they be here by the next. */
  #sawLastCall(lastCallId: number): void {
    const { upToCallId, callId } = this.#options.request
    if (Math.max(upToCallId, callId) > lastCallId) this.#refusesMore = true
    this.#lastCallId = Math.max(this.#lastCallId, lastCallId)
  }

  /** The main thread's loop turned and has answered. */
  answered(answer: AliveAnswer): void {
    if (this.#isOver || answer.interruptId !== this.interruptId || answer.round !== this.#round) return
    clearTimeout(this.#attempt)
    for (const id of answer.callIds) this.#callIds.add(id)
    this.#sawLastCall(answer.lastCallId)
    if (answer.haveEnded) this.#haveEnded = true
    if (answer.cutAt !== undefined) {
      this.#wasCut = true
      this.#at = answer.cutAt
    }
    // A call that was told to end may spin from its abort listener or its catch block: look once more.
    if (answer.callIds.length > 0 && this.#round === 0) {
      this.#round = 1
      this.#ask()
      return
    }
    this.#finishSoon()
  }

  #prepare(): void {
    if (this.#isOver || this.#isEvaluating) return
    const { cells, connect, request } = this.#options
    this.#session ??= connect()
    if (this.#session === undefined) return
    this.#isEvaluating = true
    Atomics.store(cells, cell.decision, decision.pending)
    // `this` is the global object.
    const expression = `this[${JSON.stringify(prepareProperty)}](${JSON.stringify(request)})`
    this.#session.post('Runtime.evaluate', { expression, returnByValue: true }, (error, response) => {
      this.#isEvaluating = false
      if (!this.#isOver) this.#prepared(error, response?.result?.value as Preparation | undefined)
    })
    setTimeout(() => this.#look(), 0)
  }

  /** Answers the prepare step, which holds the main thread still until then. */
  #look(): void {
    const { cells } = this.#options
    const decided = Atomics.load(cells, cell.decision)
    if (decided === decision.pending && this.#isEvaluating && !this.#isOver) setTimeout(() => this.#look(), 1)
    if (decided !== decision.cut) return
    const answer = this.#isOver ? decision.denied : decision.committed
    if (Atomics.compareExchange(cells, cell.decision, decision.cut, answer) !== decision.cut) return
    if (this.#isOver) return
    this.#session?.post('Runtime.terminateExecution', () => {})
    Atomics.store(cells, cell.decision, decision.released)
  }

  #prepared(error: Error | null, preparation: Preparation | undefined): void {
    if (error !== null || preparation === undefined) {
      this.#again()
      return
    }
    // What is met once something has been cut off is mostly the way back to the event loop.
    const isPlace = preparation.decision === decision.cut || !this.#wasCut
    if (isPlace && preparation.at !== '') this.#at = preparation.at
    for (const id of preparation.callIds) this.#callIds.add(id)
    this.#sawLastCall(preparation.lastCallId)
    if (preparation.decision === decision.cut) this.#wasCut = true
    if (preparation.decision === decision.spare && !this.#isReported) {
      this.#wasSpared = true
      this.#isReported = true
      clearTimeout(this.#graceTimer)
      this.#report(this.#outcome)
      this.#options.reported()
    }
    if (this.#isOver) return
    if (this.#wantsFinish) this.#finishAfter(preparation.decision)
    else if (preparation.decision !== decision.impossible) this.#again()
  }

  /** The main thread's loop turns, but an evaluation may still be on its way, and may end calls. */
  #finishSoon(): void {
    if (!this.#isEvaluating) {
      this.#finish()
      return
    }
    this.#wantsFinish = true
    this.#attempt = setTimeout(() => this.#finish(), lateMs)
  }

  #finishAfter(decided: number): void {
    clearTimeout(this.#attempt)
    this.#wantsFinish = false
    if (decided !== decision.cut) {
      this.#finish()
      return
    }
    // It has cut after all, so the main thread has something to tell again.
    this.#round++
    this.#ask()
  }

  /** Not at this point, or not out of it yet: look again shortly. */
  #again(): void {
    clearTimeout(this.#attempt)
    if (++this.#attempts === this.#deoptimiseAt) {
      this.#deoptimiseAt *= patienceGrowth
      this.#deoptimise()
    }
    this.#attempt = setTimeout(
      () => this.#prepare(),
      this.#isReported ? watchMs : this.#wasCut ? aliveMs : retryMs,
    )
  }

  /**
   * In a ring of ticks that was optimised as a whole, the only points at which it can be interrupted lie in Node's own
   * loop. Precise coverage makes V8 throw optimised code away, and for a while each function is a point again.
   */
  #deoptimise(): void {
    this.#session?.post('Profiler.enable')
    this.#session?.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
    this.#session?.post('Profiler.stopPreciseCoverage')
    this.#session?.post('Profiler.disable')
  }

  /** A look may also have met code that was merely slow to come to its end: that is no place to show. */
  #hasSpun(outcome: InterruptReport['outcome']): boolean {
    return this.#wasCut || this.#wasSpared || outcome === 'stuck'
  }

  #report(outcome: InterruptReport['outcome']): void {
    this.#options.report({
      interruptId: this.interruptId,
      outcome,
      callIds: [...this.#callIds],
      lastCallId: this.#lastCallId,
      ...(this.#hasSpun(outcome) && this.#at !== undefined && this.#at !== '' ? { at: this.#at } : {}),
      afterMs: monotonicMs() - this.#startedMs,
    })
  }

  get #outcome(): InterruptReport['outcome'] {
    if (this.#wasCut) return 'interrupted'
    return this.#endedAny ? 'detached' : 'idle'
  }

  get isReported(): boolean {
    return this.#isReported
  }

  /** Another one is waiting: that one sees to what is left. */
  yield(): void {
    this.#finish()
  }

  #finish(): void {
    this.#isOver = true
    Atomics.store(this.#options.cells, cell.ladder, 0)
    this.#look()
    clearTimeout(this.#attempt)
    clearTimeout(this.#graceTimer)
    // Before the report: a process that exits while a session is connected says so on stderr.
    this.#session?.disconnect()
    if (!this.#isReported) this.#report(this.#outcome)
    this.#options.finished()
  }
}
