import { CallTimeoutError } from '../errors/call-errors.ts'
import type { Executed } from '../errors/maltster-error.ts'
import type { CapturePolicy } from '../movement/capture-policy.ts'
import type { MovementPlan } from '../movement/movement-plan.ts'
import type { Shipment } from '../movement/shipment.ts'
import type { IncomingFrame } from '../transport/frame-reader.ts'
import type { CallFailure, InterruptReport, InterruptRequest } from '../transport/messages.ts'
import { frameFlag, frameType } from '../transport/protocol.ts'
import { whenAborted } from './abort.ts'
import { type CallOptions, type CastOptions, checkCallOptions, checkCastOptions } from './call-options.ts'
import { CallSender, type Outgoing } from './call-sender.ts'
import { warnUnlessObserved } from './cast-failure.ts'
import { withCapturePaths } from './capture-paths.ts'
import { bodyOf, type Callable, hasCaptures, prepareCallable } from './callable.ts'
import type { CallsOptions } from './calls-options.ts'
import type { EventStream } from './events.ts'
import type { InterruptResult } from './interrupts.ts'
import { callWatcher } from './call-watcher.ts'
import { explainCall } from './explain.ts'
import { Mailbox } from './mailbox.ts'
import { afterTurn, executedAmong, type PendingCall, pendingCall, PendingCalls } from './pending-calls.ts'
import { undecodable } from './undecodable.ts'
import { callError, type ErrorPlace, interruptedError, rejection } from './remote-error.ts'

/** How long a call whose time is over waits to learn where it was spinning. */
const whereaboutsMs = 500

/** The calls of one incarnation: their way out, their way back, and every way to end early. */
export class Calls {
  readonly pending: PendingCalls
  readonly #options: CallsOptions
  readonly #mailbox: Mailbox
  readonly sender: CallSender
  #made = 0
  #hasCast = false
  /** Calls that were settled here before their answer came; it is dropped when it does. */
  readonly #abandoned = new Set<number>()

  constructor(options: CallsOptions) {
    this.#options = options
    this.pending = new PendingCalls(options.edges)
    const { process } = options
    this.#mailbox = new Mailbox(
      options.options,
      () => process.data.pendingBytes,
      () => this.#place,
    )
    this.sender = new CallSender(process, this.#mailbox, callWatcher(options))
  }

  /** Calls made so far. */
  get made(): number {
    return this.#made
  }

  /** Whether foreground work may be there that nobody waits for: what became of a cast is not told. */
  get hasCast(): boolean {
    return this.#hasCast
  }

  /** Makes a call. Its frame is in order before this returns. Throws what the call is refused for. */
  start(fn: Callable, args: readonly unknown[], options: CallOptions | undefined): Promise<unknown> {
    this.#accept()
    if (options !== undefined) {
      checkCallOptions(options)
      options.signal?.throwIfAborted()
    }
    return this.#begin(this.#prepare(fn, options), args, options, false)
  }

  /**
   * As `start`, with options that were checked.
   * @param isDirect - it does not wait for its turn, nor for room: it is part of what has the worker to itself
   */
  startPrepared(
    shipment: Shipment,
    args: readonly unknown[],
    options: CallOptions | undefined,
    isDirect = false,
  ): Promise<unknown> {
    this.#accept()
    options?.signal?.throwIfAborted()
    return this.#begin(shipment, args, options, isDirect)
  }

  #begin(
    shipment: Shipment,
    args: readonly unknown[],
    options: CallOptions | undefined,
    isDirect: boolean,
  ): Promise<unknown> {
    if (!isDirect) this.#mailbox.checkCalls(this.pending.size)
    const body = bodyOf(shipment, args, options?.captures, this.sender.ledger)
    const background = options?.background === true
    const flags =
      (background ? frameFlag.background : 0) |
      (options?.result === 'discard' ? frameFlag.discard : 0) |
      (hasCaptures(shipment) ? frameFlag.captures : 0)
    const id = this.pending.nextId()
    const call = pendingCall(id, background, shipment.name)
    try {
      const outgoing = { id, flags, shipment, body, isDirect, policy: this.#policy(options) }
      if (isDirect || !this.#mailbox.holds(background)) this.#send(call, outgoing)
      else this.#hold(call, outgoing)
    } catch (error) {
      throw withCapturePaths(error, shipment)
    }
    if (options !== undefined) this.#watch(call, options)
    if (this.#options.events.wantsCalls) {
      this.#emit({ type: 'call.started', callId: id, name: call.name, background })
    }
    return call.promise
  }

  /** Makes a call that nobody waits for. */
  cast(fn: Callable, args: readonly unknown[], options: CastOptions | undefined): void {
    this.#accept()
    if (options !== undefined) checkCastOptions(options)
    const shipment = this.#prepare(fn, options)
    this.#mailbox.checkCalls(this.pending.size)
    const body = bodyOf(shipment, args, options?.captures, this.sender.ledger)
    const flags =
      frameFlag.cast |
      (options?.background === true ? frameFlag.background : 0) |
      (hasCaptures(shipment) ? frameFlag.captures : 0)
    const id = this.pending.nextId()
    try {
      const outgoing = { id, flags, shipment, body, policy: this.#policy(options) }
      if (this.#mailbox.isTaken && options?.background !== true) this.#holdCast(outgoing)
      else this.sender.write(outgoing)
    } catch (error) {
      throw withCapturePaths(error, shipment)
    }
    this.#made++
    if (options?.background !== true) this.#hasCast = true
  }

  /** Gives the worker to one task alone, once the calls before it have settled; calls made from now on wait for it. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    const before = this.pending
      .all()
      .filter((call) => !call.background && call.sentAt > 0)
      .map((call) => new Promise<void>((resolve) => afterTurn(call, resolve)))
    return this.#mailbox.exclusive(before, task)
  }

  #policy(options: CastOptions | undefined): CapturePolicy {
    return options?.capture ?? this.#options.options.capture
  }

  #prepare(fn: Callable, options: CastOptions | undefined): Shipment {
    const { codec } = this.#options.process
    return prepareCallable(fn, options?.captures, this.#policy(options), codec)
  }

  /** What a call would move to this worker, as it is now. */
  explain(fn: Callable, args: readonly unknown[], options: CallOptions | undefined): MovementPlan {
    if (options !== undefined) checkCallOptions(options)
    return explainCall(() => this.#prepare(fn, options), args, options?.captures, this.sender)
  }

  /** @throws the reason if no calls are taken */
  #accept(): void {
    const refusal = this.#options.refusal()
    if (refusal !== undefined) throw refusal
  }

  #send(call: PendingCall, outgoing: Outgoing): void {
    this.sender.write(outgoing)
    this.#made++
    call.sentAt = this.#options.process.data.bytesWritten
    this.pending.add(call)
  }

  #hold(call: PendingCall, outgoing: Outgoing): void {
    const accepted = (): void => {
      this.#made++
      this.pending.add(call)
    }
    this.sender.hold(outgoing, call.background, accepted, (send) => {
      // Settled while it waited.
      if (this.pending.get(call.id) === undefined) return Promise.resolve()
      send()
      call.sentAt = this.#options.process.data.bytesWritten
      return new Promise((settled) => {
        call.endTurn = settled
      })
    })
  }

  #holdCast(outgoing: Outgoing): void {
    const accepted = (): void => {}
    this.sender.hold(outgoing, false, accepted, (send) => {
      if (this.#options.refusal() === undefined) send()
      return Promise.resolve()
    })
  }

  #watch(call: PendingCall, { timeoutMs, signal }: CallOptions): void {
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

  /** Settled from here on, though the worker may still be at it: the ladder ends it there. */
  #abandon(call: PendingCall): Promise<InterruptResult> | undefined {
    if (this.pending.take(call.id) === undefined || call.sentAt === 0) return undefined
    this.#abandoned.add(call.id)
    return this.#options.endOne(call.id)
  }

  async #timeOut(call: PendingCall, timeoutMs: number): Promise<void> {
    const { clock } = this.#options
    const executed: Executed = call.sentAt === 0 ? 'no' : 'unknown'
    const ladder = this.#abandon(call)
    let at: string | undefined
    if (ladder !== undefined) {
      const impatience = new Promise<undefined>((resolve) => {
        clock.setTimeout(() => resolve(undefined), whereaboutsMs)
      })
      at = (await Promise.race([ladder, impatience]))?.at
    }
    const message = `A call in worker ${this.#place.worker} did not settle within ${timeoutMs} ms; it has been ended.`
    this.#reject(call, new CallTimeoutError(message, { ...this.#place, timeoutMs, at, executed }))
  }

  #abort(call: PendingCall, signal: AbortSignal | undefined): void {
    void this.#abandon(call)
    this.#reject(call, signal?.reason)
  }

  /** A frame about a call has come. */
  received(frame: IncomingFrame): void {
    const { id, type, flags } = frame
    if (type === frameType.error && (flags & frameFlag.cast) !== 0) {
      this.#castFailed(id, this.#failure(frame))
      return
    }
    const call = this.pending.take(id)
    if (call === undefined) {
      this.#unexpected(id)
      return
    }
    if (type === frameType.error) {
      this.#reject(call, this.#failure(frame))
      return
    }
    let value: unknown
    try {
      if ((flags & frameFlag.discard) === 0) value = this.#options.process.codec.decode(frame)
    } catch (error) {
      this.#reject(call, undecodable(error, this.#place))
      return
    }
    call.resolve(value)
    if (this.#options.events.wantsCalls) this.#emit({ type: 'call.settled', callId: id, outcome: 'ok' })
  }

  #failure(frame: IncomingFrame): Error {
    try {
      return callError(this.#options.process.codec.decode(frame) as CallFailure, this.#place)
    } catch (error) {
      return undecodable(error, this.#place)
    }
  }

  #unexpected(id: number): void {
    if (this.#abandoned.delete(id)) {
      this.#emit({
        type: 'frame.dropped',
        callId: id,
        why: 'The call had been settled before its answer came.',
      })
      return
    }
    this.#emit({ type: 'frame.dropped', callId: id, why: 'No such call is under way.' })
    this.#options.process.strayFrame()
  }

  #castFailed(callId: number, error: Error): void {
    const { events, identity } = this.#options
    this.#emit({ type: 'cast.failed', callId, error })
    warnUnlessObserved(events, identity.path, error)
  }

  /** A ladder has ended calls over there; those that had not arrived will be refused, and are settled at once. */
  ended(report: InterruptReport, { upToCallId }: InterruptRequest): void {
    for (const id of report.callIds) {
      if (this.#abandoned.delete(id)) continue
      const call = this.pending.get(id)
      if (call === undefined) continue
      this.#end(
        call,
        interruptedError(this.#place, { collateral: false, executed: 'unknown', at: report.at }),
      )
    }
    for (const call of this.pending.all()) {
      if (call.background || call.id > upToCallId || call.id <= report.lastCallId) continue
      this.#abandoned.add(call.id)
      this.#end(call, interruptedError(this.#place, { collateral: false, executed: 'no' }))
    }
  }

  /** Rejects foreground calls up to one that have not left the host. */
  endHeld(upToCallId: number): void {
    for (const call of this.pending.all()) {
      if (call.sentAt > 0 || call.background || call.id > upToCallId) continue
      this.#end(call, interruptedError(this.#place, { collateral: false, executed: 'no' }))
    }
  }

  /** Nothing will be answered any more. */
  endAll(error: (executed: Executed) => Error): void {
    const calls = this.pending.all()
    const executed = executedAmong(calls, this.#options.process, !this.#hasCast)
    for (const call of calls) this.#end(call, error(executed(call)))
  }

  #end(call: PendingCall, error: Error): void {
    if (this.pending.take(call.id) !== undefined) this.#reject(call, error)
  }

  #reject(call: PendingCall, error: unknown): void {
    call.resolve(rejection(error))
    if (this.#options.events.wantsCalls) {
      this.#emit({ type: 'call.settled', callId: call.id, outcome: 'failed', error })
    }
  }

  #emit(body: Parameters<EventStream['emit']>[1]): void {
    this.#options.events.emit(this.#options.identity, body)
  }

  get #place(): ErrorPlace {
    return { worker: this.#options.identity.path, pid: this.#options.process.pid }
  }
}
