import type { ErrorContext } from '../../errors/maltster-error.ts'
import type { Codec, EncodedBody } from '../../transport/codec.ts'
import type { IncomingFrame } from '../../transport/frame-reader.ts'
import type { FrameWriter } from '../../transport/frame-writer.ts'
import type { Limits } from '../../transport/limits.ts'
import { liveKind, type LiveToken, type LiveValues } from '../../transport/live-values.ts'
import type { RequestFailure } from '../../transport/messages.ts'
import { frameType } from '../../transport/protocol.ts'
import { ArgumentFunctions } from './argument-functions.ts'
import { Bonds, type Bound } from './bonds.ts'
import { withAskedPath } from './asked-path.ts'
import { type Exported, Exports } from './exports.ts'
import { isKeptFunction, keptToken } from './function-tokens.ts'
import { type ImportKind, Imports } from './imports.ts'
import { type AnyFunction, isClass, type Served, servedBy } from './live-object.ts'
import { type PendingRequest, PendingRequests } from './pending-requests.ts'
import { errorOfFailure, type ErrorTransfer, failureOf, releasedError } from './request-failures.ts'
import type { AnswerLane, ServedRequest } from './served-request.ts'
import { ServedRequests } from './served-requests.ts'
import { TakenFunctions } from './taken-functions.ts'
import { Waits } from './waits.ts'

const noBytes = Buffer.alloc(0)
const noCall = (): undefined => undefined

/** What a lane needs to carry live values. */
export interface LiveLaneOptions {
  /** Of what goes over it. */
  readonly limits: Limits
  readonly transfer: ErrorTransfer
  /** What stands here for the objects of the other side, by kind. */
  readonly kinds: Readonly<Record<number, ImportKind>>
  /** How a plain function among the arguments of a call is served. */
  readonly serveFunction: (fn: AnyFunction) => Served
  /** The token of what stands here for a value of some other side, if it has one of its own making. */
  readonly tokenOf?: (value: object) => LiveToken | undefined
  /** Has something done when the call ends early that the running code belongs to. Default: there are no calls. */
  readonly whenCallEnds?: WhenCallEnds
  /** Why the call was ended that the running code belongs to, if it was. Default: there are no calls. */
  readonly callEnded?: () => Error | undefined
  /** Somebody waits for something of this lane, or nobody does any more. */
  readonly waiting?: (isWaiting: boolean) => void
  /** Something is about to be here at which code may wait that has outlived its call: a channel, a function that is kept. */
  readonly lastingCame?: () => void
  /** A frame has come that belongs to nothing, and is no race. */
  readonly stray: () => void
}

/** Has something done when a call ends early; answers how to call it off, or undefined if there is no call. */
export type WhenCallEnds = (callback: (reason: Error) => void) => (() => void) | undefined

/**
 * One side of one lane, for all values that stay where they are: gives them numbers, and answers what the other side
 * asks of them; makes what stands here for those of the other side. Both sides are alike. Each request gets exactly one
 * answer, withdrawn or not, and so its number is free again.
 *
 * In a worker, an execution may be terminated wherever the user's code is on the stack: where a value is encoded, and
 * where a function is called.
 */
export class LiveLane implements LiveValues, AnswerLane {
  readonly exports: Exports
  readonly imports: Imports
  readonly requests = new PendingRequests()
  readonly argumentFunctions = new ArgumentFunctions()
  /** Who waits here for what lives here or there. */
  readonly waits: Waits
  readonly #options: LiveLaneOptions
  readonly #served: ServedRequests
  #writer: FrameWriter | undefined
  #codec: Codec | undefined
  #end: Error | undefined
  readonly #taken = new TakenFunctions()
  readonly #bonds = new Bonds()

  constructor(options: LiveLaneOptions) {
    this.#options = options
    this.exports = new Exports(this)
    this.#served = new ServedRequests(this, options.stray)
    this.waits = new Waits((isWaiting) => options.waiting?.(isWaiting))
    this.imports = new Imports(this, options.kinds)
  }

  /** To be called before anything else. The codec is made with this object, and the writer with the codec. */
  open(codec: Codec, writer: FrameWriter): void {
    this.#codec = codec
    this.#writer = writer
  }

  get codec(): Codec {
    if (this.#codec === undefined) throw new Error('The lane has not been opened.')
    return this.#codec
  }

  get writer(): FrameWriter {
    if (this.#writer === undefined) throw new Error('The lane has not been opened.')
    return this.#writer
  }

  /** The worker that it leads to or from. */
  get place(): ErrorContext {
    return this.#options.transfer.place
  }

  get limits(): Limits {
    return this.#options.limits
  }

  /** Why there is no other side any more, once that is so. */
  get ended(): Error | undefined {
    return this.#end
  }

  lower(value: object, path?: () => string): LiveToken | undefined {
    const own = this.#options.tokenOf?.(value)
    if (own !== undefined) return own
    const home = this.imports.numberOf(value)
    if (home !== undefined) return { kind: liveKind.home, number: home, data: null }
    const served = servedBy(value)
    const isCallback = typeof value === 'function' && this.#taken.isTaken(path) && served?.isKept !== true
    if (served !== undefined && !isCallback)
      return keptToken(this.#token(this.exports.of(value) ?? this.#export(value, served)))
    if (!isCallback || isClass(value)) return undefined
    // Each call has its own: it ends with that call.
    const exported = this.exports.add(value, this.#options.serveFunction(value as AnyFunction))
    this.#taken.add(exported)
    return this.#token(exported)
  }

  #export(value: object, served: Served): Exported {
    const exported = this.exports.add(value, served)
    served.exported?.(
      this,
      (why) => this.#announce(exported.number, why),
      () => this.exports.delete(exported),
    )
    return exported
  }

  #token(exported: Exported): LiveToken {
    exported.uses++
    return { kind: exported.served.kind, number: exported.number, data: exported.served.data }
  }

  #announce(number: number, why: unknown): void {
    if (this.#end === undefined)
      this.writer.frame(frameType.failure, 0, 0, number, this.failure(why), 'error')
  }

  /** For whom it waits that waits at something of this lane: see `LiveLaneOptions.whenCallEnds`. */
  get whenCallEnds(): WhenCallEnds {
    return this.#options.whenCallEnds ?? noCall
  }

  /** Why nothing is to wait here for the running code, if that is so: see `LiveLaneOptions.callEnded`. */
  get callEnded(): () => Error | undefined {
    return this.#options.callEnded ?? noCall
  }

  /**
   * Tells something of this side when the lane ends.
   * @returns it need not be told any more
   */
  bind(bound: Bound): () => void {
    this.#options.lastingCame?.()
    return this.#bonds.add(bound)
  }

  raise(token: LiveToken): unknown {
    if (token.kind === liveKind.channel || isKeptFunction(token)) this.#options.lastingCame?.()
    if (token.kind !== liveKind.home) return this.imports.raise(token)
    const exported = this.exports.get(token.number)
    if (exported === undefined) throw releasedError(this.#options.transfer.place)
    const { atHome } = exported.served
    return atHome === undefined ? exported.value : atHome()
  }

  /**
   * From here to `tookFunctions` the arguments of a call are encoded: functions among them become callbacks.
   * @param hasCaptures - the message is `[args, captures]`, and functions among the captures do not
   */
  takeFunctions(hasCaptures: boolean): void {
    this.#taken.begin(hasCaptures)
  }

  /** Answers what lets go of the callbacks, for when the call has settled; undefined if there are none. */
  tookFunctions(): (() => void) | undefined {
    const callbacks = this.#taken.end()
    if (callbacks === undefined) return undefined
    return () => {
      for (const exported of callbacks) this.exports.delete(exported)
    }
  }

  /** Takes a frame of one of the types `request`, `reply`, `failure`, `withdraw` and `release`. */
  received(frame: IncomingFrame): void {
    const { id, aux } = frame
    if (frame.type === frameType.request) this.#served.serve(frame)
    else if (frame.type === frameType.reply) this.#replied(frame)
    else if (frame.type === frameType.failure) this.#failed(frame)
    // It may have been answered meanwhile.
    else if (frame.type === frameType.withdraw) this.#served.withdraw(id)
    else if (frame.type === frameType.release) this.exports.release(aux, id)
  }

  #replied(frame: IncomingFrame): void {
    const request = this.requests.take(frame.id)
    if (request === undefined) {
      this.#options.stray()
      return
    }
    let value: unknown
    try {
      value = this.codec.decode(frame)
    } catch (error) {
      request.failed(error as Error)
      return
    }
    request.replied(value, frame.aux)
  }

  #failed(frame: IncomingFrame): void {
    if (frame.id === 0) {
      this.imports.over(frame.aux, this.#error(frame))
      return
    }
    const request = this.requests.take(frame.id)
    if (request === undefined) this.#options.stray()
    else request.failed(this.#error(frame))
  }

  #error(frame: IncomingFrame): Error {
    try {
      return errorOfFailure(this.codec.decode(frame) as RequestFailure, this.#options.transfer)
    } catch (error) {
      return error as Error
    }
  }

  /**
   * Asks an object of the other side for something.
   * @returns the number of the request, or 0 if there is no other side: it has failed then
   * @throws {EncodeError} if an argument can't be sent
   */
  ask(number: number, operation: string, args: readonly unknown[], request: PendingRequest): number {
    if (this.#end !== undefined) {
      request.failed(this.#end)
      return 0
    }
    const id = this.requests.nextId()
    try {
      this.writer.frame(frameType.request, 0, id, number, [operation, ...args], 'value')
    } catch (error) {
      throw withAskedPath(error, operation)
    }
    this.requests.add(id, request)
    return id
  }

  /** As `ask`, with a body that was encoded before and is used for nothing else. */
  askEncoded(number: number, body: EncodedBody, request: PendingRequest): number {
    if (this.#end !== undefined) {
      request.failed(this.#end)
      return 0
    }
    const id = this.requests.nextId()
    this.writer.encodedFrame(frameType.request, 0, id, number, body, 'value')
    this.requests.add(id, request)
    return id
  }

  /** Tells that a request need not be answered. It is, all the same; what was under way comes. */
  withdraw(id: number): void {
    if (this.#end === undefined && this.requests.has(id)) {
      this.writer.bytesFrame(frameType.withdraw, 0, id, 0, noBytes)
    }
  }

  whenRead(told: () => void): void {
    // Of nothing: that is refused in its turn, behind all that came before.
    this.ask(0, 'read', [], { replied: told, failed: told })
  }

  /** Tells that so many tokens of an object of the other side are not used any more. */
  tellRelease(number: number, uses: number): void {
    if (this.#end === undefined) this.writer.bytesFrame(frameType.release, 0, uses, number, noBytes)
  }

  failure(error: unknown): RequestFailure {
    return failureOf(error, this.#options.transfer)
  }

  answered(request: ServedRequest, answerBytes: number): void {
    this.#served.answered(request, answerBytes)
  }

  /** After an execution was terminated: what it was answering is answered. */
  recover(interrupted: () => Error): void {
    this.#taken.reset()
    this.#served.recover(interrupted)
  }

  /** There is no other side any more: nothing is answered, and nothing is served. */
  end(why: Error): void {
    if (this.#end !== undefined) return
    this.#end = why
    this.#served.end()
    this.#bonds.end(why)
    this.requests.end(why)
    for (const exported of this.exports.all()) this.exports.delete(exported)
    this.imports.end(why)
  }
}
