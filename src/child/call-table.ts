import { AsyncLocalStorage } from 'node:async_hooks'

import { IdPlaces } from '../transport/id-places.ts'
import type { InterruptRequest } from '../transport/messages.ts'
import { endReason, type RunningCall } from './running-call.ts'

// Taken before user code can replace them.
const { now } = Date

/** So many refused waits a call may have before it is held still to be cut off: it does not wait, or minds no refusal. */
const maxRefusedWaits = 1000
/** How long it is held. An attempt to cut it off comes every millisecond or two. */
const holdMs = 50

/**
 * The calls that are with this worker, and which of them the running code belongs to.
 *
 * Context tracking makes every `await` of a process two to six times slower on Node 20, so it is on only while
 * calls overlap: the first call goes untracked, and "no context" then means that one. It is switched off again
 * when the table is empty.
 */
export class CallTable {
  readonly #active = new IdPlaces<RunningCall>()
  readonly #context = new AsyncLocalStorage<RunningCall>()
  readonly #isAlone: boolean
  #tracking = false
  #isAlwaysTracking = false
  /** The call whose function body is on the stack right now, before it returned. */
  #synchronous: RunningCall | undefined
  /** The call that was started while no other was active. */
  #untracked: RunningCall | undefined
  #lastId = 0
  /** Foreground calls up to this id were interrupted, also those that had not arrived. */
  #interruptedUpTo = 0
  /** Single calls that were ended before they arrived. */
  readonly #endedEarly = new Set<number>()

  /** `isAlone`: whatever runs in this process belongs to one of these calls, if it is not tracked. Default true. */
  constructor({ isAlone = true }: { readonly isAlone?: boolean } = {}) {
    this.#isAlone = isAlone
  }

  /** Takes note of a call's coming. Answers whether it was ended before it came. */
  arrives(call: RunningCall): boolean {
    this.#lastId = call.id
    return this.#endedEarly.delete(call.id) || (!call.background && call.id <= this.#interruptedUpTo)
  }

  /** Calls that an interrupt is meant for may still be on their way: control overtakes data. Answers the newest that has come. */
  refuse({ upToCallId, callId }: InterruptRequest): number {
    if (upToCallId > this.#interruptedUpTo) this.#interruptedUpTo = upToCallId
    if (callId > this.#lastId) this.#endedEarly.add(callId)
    return this.#lastId
  }

  /** The call that the code on the stack belongs to; undefined for code that outlived its call untracked. */
  current(): RunningCall | undefined {
    const tracked = this.#tracking ? this.#context.getStore() : undefined
    return tracked ?? (this.#isAlone ? (this.#synchronous ?? this.#untracked) : undefined)
  }

  /** From here on what runs is the call's: to read its arguments may run the user's code, and that may spin. */
  reads(call: RunningCall): void {
    this.#synchronous = call
  }

  /**
   * From now on calls are told apart at all times: something is here at which code may wait that has outlived its call,
   * and must not be taken for another call's.
   */
  trackFromNowOn(): void {
    this.#isAlwaysTracking = true
    this.#tracking = true
  }

  /**
   * Has something done when the call that the running code belongs to is ended from outside.
   * @returns calls it off; undefined if there is no such call
   */
  readonly whenCallEnds = (callback: (reason: Error) => void): (() => void) | undefined => {
    const call = this.current()
    if (call === undefined || call.settled) return undefined
    const endings = (call.endings ??= new Set())
    endings.add(callback)
    return () => void endings.delete(callback)
  }

  /**
   * Why the call that the running code belongs to has been ended from outside, or is to end: what it would wait for is
   * refused. Undefined for all other code.
   */
  readonly callEnded = (): Error | undefined => {
    const call = this.current()
    if (call === undefined || !(call.isEnded || call.mustEnd)) return undefined
    if (call.mustEnd && ++call.refusedWaits > maxRefusedWaits) this.#hold()
    return endReason(call)
  }

  /** Whether the code on the stack is at a point of ours at which it may be cut off. */
  isHeld = false

  /** A loop of waits that are never awaited is nearly always in our code, where no cut is made but here. */
  #hold(): void {
    const endsAt = now() + holdMs
    this.isHeld = true
    while (now() < endsAt);
    this.isHeld = false
  }

  /** Runs the function of a call, so that `current()` knows it. */
  run(call: RunningCall, body: (...args: unknown[]) => unknown, args: unknown[]): unknown {
    this.#synchronous = call
    let result: unknown
    // A background call is tracked from the start: what has no context must never be taken for it and be spared.
    if (this.#isAlone && this.#active.size === 0 && !call.background && !this.#isAlwaysTracking) {
      result = body(...args)
    } else {
      this.#tracking = true
      result = this.#context.run(call, body, ...args)
    }
    return result
  }

  /** Runs our own part of a call, which may run the user's: a `then`, a getter of the result, an abort listener. */
  inContext(call: RunningCall, task: () => void): void {
    if (this.#tracking && call !== this.#untracked) this.#context.run(call, task)
    else task()
  }

  /** The body threw, or was cut off: nothing synchronous is on the stack any more. */
  leave(): void {
    this.#synchronous = undefined
    this.isHeld = false
  }

  /** Keeps a call whose function has returned a promise. */
  add(call: RunningCall): void {
    const isUntracked = this.#isAlone && this.#active.size === 0 && !call.background
    if (isUntracked && !this.#isAlwaysTracking) this.#untracked = call
    this.#active.add(call)
  }

  remove(call: RunningCall): void {
    if (!this.#active.delete(call)) return
    if (this.#untracked === call) this.#untracked = undefined
    if (this.#active.size === 0 && this.#tracking && !this.#isAlwaysTracking) {
      this.#tracking = false
      this.#context.disable()
    }
  }

  /** All calls that are neither answered nor ended, the one on the stack included. */
  unsettled(): RunningCall[] {
    const calls = this.#active.all()
    const synchronous = this.#synchronous
    if (synchronous !== undefined && !synchronous.settled && this.#active.get(synchronous.id) === undefined) {
      calls.push(synchronous)
    }
    return calls
  }
}
