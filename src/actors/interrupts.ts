import type { Clock } from '../transport/clock.ts'
import type { InterruptReport, InterruptRequest } from '../transport/messages.ts'
import type { WorkerProcess } from './worker-process.ts'

/**
 * What an interrupt came to. `idle`: no foreground call was there. `interrupted`: code was spinning and was cut off.
 * `detached`: nothing was spinning; the promise is rejected and the function got its abort signal. `stuck`: the worker
 * is inside a native call, and its calls settle when that returns. `killed`: the same, and `onStuck` is `kill`.
 */
export interface InterruptResult {
  /** In one word; see above. */
  readonly outcome: 'idle' | 'interrupted' | 'detached' | 'stuck' | 'killed'
  /** From the request to the end of it, in milliseconds. */
  readonly afterMs: number
  /** Stack of the code that was spinning, if any was. */
  readonly at?: string
}

/** How much later than the worker's own the host's patience ends: it may have no sentinel, or stand still. */
const marginMs = 500

interface Ladder {
  readonly request: InterruptRequest
  readonly startedMs: number
  readonly timer: unknown
  readonly settle: (result: InterruptResult) => void
}

/** What the ladders of a worker need of it. */
export interface InterruptsOptions {
  readonly process: Pick<WorkerProcess, 'interrupt'>
  readonly graceMs: number
  readonly onStuck: 'kill' | 'report'
  readonly clock: Clock
  /** A ladder is under way. */
  readonly started: (request: InterruptRequest, isFirst: boolean) => void
  /** The last one is over. */
  readonly finished: () => void
  /** The worker ended these calls. */
  readonly ended: (report: InterruptReport, request: InterruptRequest) => void
  readonly kill: () => void
  readonly told: (interruptId: number, result: InterruptResult) => void
}

/** The interrupts of one worker that are under way. */
export class Interrupts {
  readonly #options: InterruptsOptions
  readonly #ladders = new Map<number, Ladder>()
  #lastId = 0
  #joined: { upToCallId: number; result: Promise<InterruptResult> } | undefined

  constructor(options: InterruptsOptions) {
    this.#options = options
  }

  /** Ends all foreground calls up to one; joins a ladder that is under way for the same ones. */
  upTo(upToCallId: number): Promise<InterruptResult> {
    if (this.#joined?.upToCallId === upToCallId) return this.#joined.result
    const result = this.#climb(upToCallId, 0)
    const joined = { upToCallId, result }
    this.#joined = joined
    void result.then(() => {
      if (this.#joined === joined) this.#joined = undefined
    })
    return result
  }

  /** Ends one call. */
  one(callId: number): Promise<InterruptResult> {
    return this.#climb(0, callId)
  }

  #climb(upToCallId: number, callId: number): Promise<InterruptResult> {
    const { process, graceMs, clock, started } = this.#options
    const request: InterruptRequest = { interruptId: ++this.#lastId, upToCallId, callId, graceMs }
    const { interruptId } = request
    return new Promise((settle) => {
      const isFirst = this.#ladders.size === 0
      const timer = clock.setTimeout(() => this.#stuck(interruptId, undefined), graceMs + marginMs)
      this.#ladders.set(interruptId, { request, startedMs: clock.nowMs(), timer, settle })
      started(request, isFirst)
      process.interrupt(request)
    })
  }

  reported(report: InterruptReport): void {
    const ladder = this.#ladders.get(report.interruptId)
    if (ladder === undefined) return
    const { ended, clock } = this.#options
    clock.clearTimeout(ladder.timer)
    if (report.outcome === 'stuck') {
      this.#stuck(report.interruptId, report.at)
      return
    }
    ended(report, ladder.request)
    this.#ladders.delete(report.interruptId)
    if (this.#ladders.size === 0) this.#options.finished()
    this.#tell(ladder, report.outcome, report.at)
  }

  /** The ladder stays: the calls are ended when the native call returns. */
  #stuck(interruptId: number, at: string | undefined): void {
    const ladder = this.#ladders.get(interruptId)
    if (ladder === undefined) return
    if (this.#options.onStuck === 'kill') this.#options.kill()
    else this.#tell(ladder, 'stuck', at)
  }

  /** The process is gone, and every ladder with it. */
  processExited(): void {
    const ladders = [...this.#ladders.values()]
    this.#ladders.clear()
    for (const ladder of ladders) {
      this.#options.clock.clearTimeout(ladder.timer)
      this.#tell(ladder, 'killed', undefined)
    }
  }

  #tell(ladder: Ladder, outcome: InterruptResult['outcome'], at: unknown): void {
    const afterMs = this.#options.clock.nowMs() - ladder.startedMs
    const result = { outcome, afterMs, ...(typeof at === 'string' && at !== '' ? { at } : {}) }
    this.#options.told(ladder.request.interruptId, result)
    ladder.settle(result)
  }
}
