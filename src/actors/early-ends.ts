import { CallTimeoutError } from '../errors/call-errors.ts'
import type { Executed } from '../errors/maltster-error.ts'
import { whenAborted } from '../movement/abort.ts'
import { frameType } from '../transport/protocol.ts'
import type { CallOptions } from './call-options.ts'
import { type CallsOptions, placeOf } from './calls-options.ts'
import type { InterruptResult } from './interrupts.ts'
import type { PendingCall, PendingCalls } from './pending-calls.ts'

const noBytes = Buffer.alloc(0)

/** How long a call whose time is over waits to learn where it was spinning. */
const whereaboutsMs = 500

/** Ends single calls before their time: those whose time is up, and those that were aborted. */
export class EarlyEnds {
  readonly #options: CallsOptions
  readonly #pending: PendingCalls
  readonly #reject: (call: PendingCall, error: unknown) => void
  /** Calls that were settled here before their answer came; it is dropped when it does. */
  readonly #abandoned = new Set<number>()
  /** Calls that the worker has ended, and does not answer, with the newest call of that moment: oldest first. */
  readonly #endedThere = new Map<number, number>()

  constructor(
    options: CallsOptions,
    pending: PendingCalls,
    reject: (call: PendingCall, error: unknown) => void,
  ) {
    this.#options = options
    this.#pending = pending
    this.#reject = reject
  }

  /** Ends the call when its options say so. */
  watch(call: PendingCall, { timeoutMs, signal }: Pick<CallOptions, 'timeoutMs' | 'signal'>): void {
    const { clock } = this.#options
    // It may have aborted while the arguments were read; then there is nothing left to watch.
    if (signal?.aborted === true) {
      this.#abort(call, signal)
      return
    }
    const timer =
      timeoutMs === undefined || timeoutMs === Infinity
        ? undefined
        : clock.setIdleTimeout(() => void this.#timeOut(call, timeoutMs), timeoutMs)
    const forget = signal === undefined ? undefined : whenAborted(signal, () => this.#abort(call, signal))
    if (timer === undefined && forget === undefined) return
    call.release = () => {
      if (timer !== undefined) clock.clearTimeout(timer)
      forget?.()
    }
  }

  /** The call is settled here, by the caller of this, though its answer may still come. */
  expectLate(callId: number): void {
    this.#abandoned.add(callId)
  }

  /** Whether the answer of a call was expected late; from now on it is not. */
  wasLate(callId: number): boolean {
    return this.#abandoned.delete(callId)
  }

  /** The worker has ended it. What it had said about it before may be on its way on the other lane. */
  endedThere(callId: number): void {
    this.#endedThere.set(callId, this.#pending.lastId)
  }

  /** Whether items of a stream that has been settled here may be on their way. */
  mayHaveItems(callId: number): boolean {
    return this.#abandoned.has(callId) || this.#endedThere.has(callId)
  }

  /** A call was answered: all that was said of those that the worker had ended before it was made has come. */
  answered(callId: number): void {
    if (this.#endedThere.size === 0) return
    for (const [ended, newestId] of this.#endedThere) {
      if (newestId >= callId) return
      this.#endedThere.delete(ended)
    }
  }

  /** Settled from here on, though the worker may still be at it: the ladder ends it there. */
  abandon(call: PendingCall): Promise<InterruptResult> | undefined {
    if (this.#pending.take(call.id) === undefined || call.sentAt === 0) return undefined
    this.expectLate(call.id)
    // The ladder's way is another lane. Whoever learns here that the call is over may send the next value, and that must
    // not come to one of its waits.
    this.#options.process.data.bytesFrame(frameType.endCall, 0, call.id, 0, noBytes)
    return this.#options.endOne(call.id)
  }

  async #timeOut(call: PendingCall, timeoutMs: number): Promise<void> {
    const { clock } = this.#options
    const executed: Executed = call.sentAt === 0 ? 'no' : 'unknown'
    const ladder = this.abandon(call)
    let at: string | undefined
    if (ladder !== undefined) {
      const impatience = new Promise<undefined>((resolve) => {
        clock.setTimeout(() => resolve(undefined), whereaboutsMs)
      })
      at = (await Promise.race([ladder, impatience]))?.at
    }
    const place = placeOf(this.#options)
    const message = `A call in worker ${place.worker} did not settle within ${timeoutMs} ms; it has been ended.`
    this.#reject(call, new CallTimeoutError(message, { ...place, timeoutMs, at, executed }))
  }

  #abort(call: PendingCall, signal: AbortSignal): void {
    void this.abandon(call)
    // Nobody wants what has come any more.
    call.stream?.discard()
    this.#reject(call, signal.reason)
  }
}
