import type { Executed } from '../errors/maltster-error.ts'
import type { InterruptReport, InterruptRequest } from '../transport/messages.ts'
import { type CallsOptions, placeOf } from './calls-options.ts'
import type { EarlyEnds } from './early-ends.ts'
import { executedAmong, type PendingCall, type PendingCalls } from './pending-calls.ts'
import { interruptedError } from './remote-error.ts'

/** Ends many calls at once: those that a ladder has ended over there, and all, when the worker has. */
export class CallEndings {
  readonly #options: CallsOptions
  readonly #pending: PendingCalls
  readonly #early: EarlyEnds
  readonly #reject: (call: PendingCall, error: unknown) => void

  constructor(
    options: CallsOptions,
    pending: PendingCalls,
    early: EarlyEnds,
    reject: (call: PendingCall, error: unknown) => void,
  ) {
    this.#options = options
    this.#pending = pending
    this.#early = early
    this.#reject = reject
  }

  /** A ladder has ended calls over there; those that had not arrived will be refused, and are settled at once. */
  ended(report: InterruptReport, { upToCallId }: InterruptRequest): void {
    const place = placeOf(this.#options)
    for (const id of report.callIds) {
      if (this.#early.wasLate(id)) {
        this.#early.endedThere(id)
        continue
      }
      const call = this.#pending.get(id)
      if (call === undefined) continue
      this.#early.endedThere(id)
      this.#end(call, interruptedError(place, { collateral: false, executed: 'unknown', at: report.at }))
    }
    for (const call of this.#pending.all()) {
      if (call.background || call.id > upToCallId || call.id <= report.lastCallId) continue
      this.#early.expectLate(call.id)
      this.#end(call, interruptedError(place, { collateral: false, executed: 'no' }))
    }
  }

  /** Rejects foreground calls up to one that have not left the host. */
  endHeld(upToCallId: number): void {
    for (const call of this.#pending.all()) {
      if (call.sentAt > 0 || call.background || call.id > upToCallId) continue
      this.#end(call, interruptedError(placeOf(this.#options), { collateral: false, executed: 'no' }))
    }
  }

  /**
   * Nothing will be answered any more.
   * @param isAnswered - whether each call that was made is among those that are pending, until it is answered
   */
  endAll(error: (executed: Executed) => Error, isAnswered: boolean): void {
    const calls = this.#pending.all()
    const executed = executedAmong(calls, this.#options.process, isAnswered)
    for (const call of calls) this.#end(call, error(executed(call)))
  }

  #end(call: PendingCall, error: Error): void {
    if (this.#pending.take(call.id) !== undefined) this.#reject(call, error)
  }
}
