import { type PolicyInForce, tightened } from '../movement/capture-policy.ts'
import type { MovementPlan } from '../movement/movement-plan.ts'
import type { Captures, Shipment } from '../movement/shipment.ts'
import type { Executed } from '../errors/maltster-error.ts'
import { frameFlag, frameType } from '../transport/protocol.ts'
import { type CallOptions, type CastOptions, checkCallOptions, checkCastOptions } from './call-options.ts'
import { CallAnswers } from './call-answers.ts'
import { CallEndings } from './call-endings.ts'
import { CallSender, type Outgoing } from './call-sender.ts'
import { withCapturePaths } from './capture-paths.ts'
import { bodyOf, type Callable, hasCaptures, prepareCallable } from './callable.ts'
import { type CallsOptions, placeOf } from './calls-options.ts'
import { checkKeepOptions, References } from './references.ts'
import type { KeepOptions, RemoteRef } from './remote-ref.ts'
import { checkStreamOptions, type StreamOptions, windowOf } from './stream-options.ts'
import type { StreamInbox } from './stream-inbox.ts'
import { Streams } from './streams.ts'
import { callFunctionsBy } from './worker-functions.ts'
import type { EventStream } from './events.ts'
import { EarlyEnds } from './early-ends.ts'
import { callWatcher } from './call-watcher.ts'
import { explainCall } from './explain.ts'
import { Mailbox } from './mailbox.ts'
import { afterTurn, type PendingCall, pendingCall, PendingCalls } from './pending-calls.ts'

type AnyRef = RemoteRef<unknown>

/** The calls of one incarnation: their way out, their way back, and every way to end early. */
export class Calls {
  readonly pending: PendingCalls
  readonly #options: CallsOptions
  readonly #mailbox: Mailbox
  readonly sender: CallSender
  #made = 0
  #hasCast = false
  readonly #early: EarlyEnds
  readonly #streams: Streams
  readonly endings: CallEndings
  readonly answers: CallAnswers
  readonly references: References

  constructor(options: CallsOptions) {
    this.#options = options
    this.pending = new PendingCalls(options.edges)
    const { process } = options
    this.#mailbox = new Mailbox(
      options.options,
      () => process.data.pendingBytes,
      () => placeOf(options),
    )
    this.sender = new CallSender(process, this.#mailbox, callWatcher(options), options.clock)
    this.answers = new CallAnswers(options, this.pending)
    const { reject } = this.answers
    this.#early = new EarlyEnds(options, this.pending, reject)
    this.#streams = new Streams(options, this.pending, this.#early)
    this.endings = new CallEndings(options, this.pending, this.#early, reject)
    this.references = new References(options, this)
    callFunctionsBy(this, options)
    this.answers.connect({ early: this.#early, references: this.references })
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
    try {
      return this.#begin(this.#prepare(fn, options), args, options, false)
    } catch (error) {
      return this.references.foreign.afterFetch(error, { options, policy: this.#policy(options) }, () =>
        this.#begin(this.#prepare(fn, options), args, options, false),
      )
    }
  }

  /** As `start`, but the value stays where it is. */
  async keep(fn: Callable, args: readonly unknown[], options: KeepOptions | undefined): Promise<AnyRef> {
    this.#accept()
    if (options !== undefined) checkKeepOptions(options)
    const begin = (): Promise<AnyRef> => this.keepPrepared(this.#prepare(fn, options), args, options)
    try {
      return await begin()
    } catch (error) {
      const asked = { options, policy: this.#policy(options) }
      return this.references.foreign.afterFetch(error, asked, begin) as Promise<AnyRef>
    }
  }

  async keepPrepared(
    shipment: Shipment,
    args: readonly unknown[],
    options: KeepOptions | undefined,
  ): Promise<AnyRef> {
    this.#accept()
    options?.signal?.throwIfAborted()
    return this.references.checked(this.#begin(shipment, args, options, false, undefined, frameType.keep))
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

  /**
   * Calls a function that the worker has given. It does not wait for a turn, and is taken while others are drained: the
   * call that has the turn may be the one that needs it.
   */
  startExported(shipment: Shipment, args: readonly unknown[], captures: Captures): Promise<unknown> {
    if (this.pending.foreground === 0) this.#accept()
    return this.#begin(shipment, args, { captures }, true)
  }

  /** Makes a call whose function returns something to be iterated. Throws what it is refused for. */
  stream(fn: Callable, args: readonly unknown[], options: StreamOptions | undefined): StreamInbox {
    this.#accept()
    if (options !== undefined) {
      checkStreamOptions(options)
      options.signal?.throwIfAborted()
    }
    const inbox = this.#streams.open(windowOf(options ?? {}))
    void this.#begin(this.#prepare(fn, options), args, options, false, inbox)
    return inbox
  }

  #begin(
    shipment: Shipment,
    args: readonly unknown[],
    options: CallOptions | undefined,
    isDirect: boolean,
    stream?: StreamInbox,
    type: number = stream === undefined ? frameType.call : frameType.stream,
  ): Promise<unknown> {
    if (!isDirect) this.#mailbox.checkCalls(this.pending.size)
    const body = bodyOf(shipment, args, options?.captures, this.sender.ledger)
    const background = options?.background === true
    const flags = flagsOf(shipment, options)
    const id = this.pending.nextId()
    const call = pendingCall(id, background, shipment.name, stream)
    const { live } = this.#options.process
    const takesFunctions = shipment.survey !== undefined || shipment.definition.kind !== 'runtime'
    const outer = this.references.giving()
    try {
      const policy = this.#policy(options)
      const captures = options?.captures
      const { copiedBytes } = this.references.foreign
      const outgoing = { type, id, flags, shipment, body, isDirect, policy, captures, copiedBytes }
      if (takesFunctions) live.takeFunctions(hasCaptures(shipment))
      if (isDirect || !this.#mailbox.holds(background)) this.#send(call, outgoing)
      else this.#hold(call, outgoing)
      if (takesFunctions) call.callbacks = live.tookFunctions()
    } catch (error) {
      if (takesFunctions) live.tookFunctions()?.()
      endUses(this.references.given(outer))
      throw withCapturePaths(error, shipment)
    }
    const given = this.references.given(outer)
    if (given !== undefined) {
      const { callbacks } = call
      call.callbacks = () => (callbacks?.(), endUses(given))
    }
    if (options !== undefined) this.#early.watch(call, options)
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
    const flags = frameFlag.cast | flagsOf(shipment, options)
    const id = this.pending.nextId()
    try {
      const policy = this.#policy(options)
      const outgoing = {
        type: frameType.call,
        id,
        flags,
        shipment,
        body,
        policy,
        captures: options?.captures,
      }
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

  #policy(options: CastOptions | undefined): PolicyInForce {
    return tightened(this.#options.options.capture, options?.capture)
  }

  #prepare(fn: Callable, options: CastOptions | undefined): Shipment {
    const { codec } = this.#options.process
    return prepareCallable(fn, options?.captures, this.#policy(options), codec)
  }

  /** What a call would move to this worker, as it is now. */
  explain(fn: Callable, args: readonly unknown[], options: CallOptions | undefined): MovementPlan {
    if (options !== undefined) checkCallOptions(options)
    const asked = { args, captures: options?.captures, policy: this.#policy(options) }
    return this.references.explaining(args, (explained) =>
      explainCall(() => this.#prepare(fn, options), asked, this.sender, explained),
    )
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
    call.stream?.sent()
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
      call.stream?.sent()
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

  /** Nothing will be answered any more. */
  endAll(error: (executed: Executed) => Error): void {
    // A cast is not among the calls that wait, so that nothing is known of when it was read.
    this.endings.endAll(error, !this.#hasCast)
  }

  #emit(body: Parameters<EventStream['emit']>[1]): void {
    this.#options.events.emit(this.#options.identity, body)
  }
}

const endUses = (given: ReadonlySet<AnyRef> | undefined): void => given?.forEach((ref) => ref.endUse())

/** What the frame of a call, or of a cast, says of it besides its function and arguments. */
function flagsOf(shipment: Shipment, options: CallOptions | undefined): number {
  return (
    (options?.background === true ? frameFlag.background : 0) |
    (options?.result === 'discard' ? frameFlag.discard : 0) |
    (hasCaptures(shipment) ? frameFlag.captures : 0)
  )
}
