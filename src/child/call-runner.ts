import { InterruptedError } from '../errors/call-errors.ts'
import { DecodeError, EncodeError } from '../errors/data-errors.ts'
import type { ArgumentFunctions } from '../movement/flow/argument-functions.ts'
import { cleanStack } from '../movement/session/clean-stack.ts'
import type { FunctionFactory } from '../movement/rebuild.ts'
import type { Codec } from '../transport/codec.ts'
import type { IncomingFrame } from '../transport/frame-reader.ts'
import type { FrameWriter } from '../transport/frame-writer.ts'
import type { CallFailure } from '../transport/messages.ts'
import { frameFlag, frameType } from '../transport/protocol.ts'
import type { CallTable } from './call-table.ts'
import { type Defined, DefinedFunctions, type DefinedFunctionsOptions } from './defined-functions.ts'
import { FailureWriter } from './failure-writer.ts'
import { KeptValue } from './kept-value.ts'
import { askAll, type RunningCall } from './running-call.ts'
import type { OutgoingStream, StreamEnd } from './stream/outgoing-stream.ts'
import { OutgoingStreams } from './stream/outgoing-streams.ts'
import { isThenable } from './thenable.ts'

type AnyFunction = (...args: unknown[]) => unknown

/** What a runner of calls needs. */
export interface CallRunnerOptions extends DefinedFunctionsOptions {
  readonly table: CallTable
  /** Tells whether a value can be sent as data, and keeps nothing of it. */
  readonly trial: Codec
  readonly writer: FrameWriter
  readonly argumentFunctions: ArgumentFunctions
  /** Where this code is: frames of these files, or below these directories, are not shown in stacks. */
  readonly runtimeFiles: readonly string[]
  readonly recoverIfCut: () => void
  /** Told how many streams there are, whenever that changes. */
  readonly countedStreams: (count: number) => void
}

const noBytes = Buffer.alloc(0)

/** Runs calls and answers them: each exactly once, or not at all if it was ended from outside. */
export class CallRunner {
  readonly #options: CallRunnerOptions
  readonly #table: CallTable
  readonly #codec: Codec
  readonly #writer: FrameWriter
  readonly #recoverIfCut: () => void
  readonly functions: DefinedFunctions
  readonly #failures: FailureWriter
  readonly streams: OutgoingStreams

  constructor(options: CallRunnerOptions) {
    this.#options = options
    this.#table = options.table
    this.#codec = options.codec
    this.#writer = options.writer
    this.#recoverIfCut = options.recoverIfCut
    const clean = (stack: string): string => cleanStack(stack, options.runtimeFiles)
    this.#failures = new FailureWriter(options.writer, options.trial, clean)
    this.functions = new DefinedFunctions(options)
    this.streams = new OutgoingStreams({
      codec: options.codec,
      writer: options.writer,
      recoverIfCut: options.recoverIfCut,
      counted: options.countedStreams,
      inContext: (call, task) => this.#table.inContext(call, task),
      abort: (call) => this.#abort(call),
      ended: (call, end) => this.#streamEnded(call, end),
    })
  }

  call(frame: IncomingFrame): void {
    const { id, flags, type } = frame
    const call: RunningCall = {
      id,
      background: (flags & frameFlag.background) !== 0,
      discard: (flags & frameFlag.discard) !== 0,
      cast: (flags & frameFlag.cast) !== 0,
      keeps: type === frameType.keep,
      controller: undefined,
      promise: undefined,
      stream: undefined,
      mustEnd: false,
      isEnded: false,
      reason: undefined,
      refusedWaits: 0,
      endings: undefined,
      callbacks: undefined,
      settled: false,
    }
    if (this.#table.arrives(call)) {
      this.#fail(call, { kind: 'interrupted', collateral: false, executed: 'no' })
      return
    }
    if (type === frameType.stream) call.stream = this.streams.open(call)
    let args: unknown[]
    let captures: unknown[] | undefined
    const { argumentFunctions } = this.#options
    this.#table.reads(call)
    argumentFunctions.take()
    try {
      const body = this.#codec.decode(frame) as unknown[]
      call.callbacks = argumentFunctions.took()
      if ((flags & frameFlag.captures) === 0) args = body
      else [args, captures] = body as [unknown[], unknown[]]
    } catch (error) {
      this.#undecodable(call, error)
      this.#table.leave()
      return
    }
    this.#start(call, frame.aux, args, captures)
  }

  #start(call: RunningCall, functionId: number, args: unknown[], captures: unknown[] | undefined): void {
    const defined = this.functions.get(functionId)
    const table = this.#table
    let value: unknown
    try {
      if (defined === undefined) throw new Error(`Function ${functionId} is not defined in this worker.`)
      if (defined.ready !== undefined) value = table.run(call, defined.ready, args)
      else value = this.#first(call, defined, args, captures)
    } catch (error) {
      this.#threw(call, error)
      table.leave()
      return
    }
    if (!isThenable(value)) {
      this.#returned(call, value)
      table.leave()
      return
    }
    call.promise = value
    table.add(call)
    table.leave()
    this.follow(call)
  }

  /** Makes the function first: its module may have to be loaded, its captures bound. */
  #first(call: RunningCall, defined: Defined, args: unknown[], captures: unknown[] | undefined): unknown {
    const { factory } = defined
    const { waiting } = this.functions
    const run = (loaded: FunctionFactory): unknown => {
      const made = this.#make(call, loaded, captures)
      if (made === undefined) return undefined
      if (captures === undefined) defined.ready = made
      return this.#table.run(call, made, args)
    }
    if (!(factory instanceof Promise) && waiting === undefined) return run(factory)
    return Promise.resolve(waiting)
      .then(() => factory)
      .then((loaded) => {
        try {
          return call.settled ? undefined : run(loaded)
        } finally {
          this.#table.leave()
        }
      })
  }

  /** Undefined if what the function has captured can't be read here, or it is gone; which is answered. */
  #make(
    call: RunningCall,
    factory: FunctionFactory,
    captures: unknown[] | undefined,
  ): AnyFunction | undefined {
    try {
      const made = factory(captures ?? []) as AnyFunction | undefined
      if (made === undefined) this.#fail(call, { kind: 'released' })
      return made
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      this.#undecodable(call, error)
      return undefined
    }
  }

  /** Answers when the call's promise settles. Harmless to do again for the same call. */
  follow(call: RunningCall): void {
    const { promise } = call
    if (promise === undefined) return
    this.#table.inContext(call, () => {
      void Promise.resolve(promise).then(
        (value) => {
          this.#recoverIfCut()
          this.#returned(call, value)
        },
        (error: unknown) => {
          this.#recoverIfCut()
          this.#threw(call, error)
        },
      )
    })
  }

  endAsCollateral(call: RunningCall, at: string): void {
    this.#failures.ofCall(call, { kind: 'interrupted', collateral: true, executed: 'unknown', at })
  }

  /** Says that this worker never came to be ready, and why. */
  failBoot(step: string, error: unknown): void {
    this.#failures.ofBoot(step, error)
  }

  #settle(call: RunningCall): boolean {
    if (call.settled) return false
    call.settled = true
    this.#table.remove(call)
    if (call.stream !== undefined) this.streams.forget(call)
    return true
  }

  #returned(call: RunningCall, value: unknown): void {
    if (call.settled) return
    if (call.stream !== undefined) {
      this.#iterate(call, call.stream, value)
      return
    }
    askAll(call)
    if (call.cast || call.discard) {
      this.#settle(call)
      if (!call.cast) this.#writer.bytesFrame(frameType.result, frameFlag.discard, call.id, 0, noBytes)
      return
    }
    try {
      // Getters of the value may spin: until the frame is there the call is not over.
      const told = call.keeps ? new KeptValue(value) : value
      this.#writer.frame(frameType.result, 0, call.id, 0, told, 'result')
      this.#settle(call)
    } catch (error) {
      this.#unsendable(call, error)
    }
  }

  /** The call is under way until its stream has ended. */
  #iterate(call: RunningCall, stream: OutgoingStream, value: unknown): void {
    if (stream.hasBegun) return
    if (call.promise === undefined) this.#table.add(call)
    this.#table.inContext(call, () => stream.begin(value))
  }

  #streamEnded(call: RunningCall, { failed }: StreamEnd): void {
    if (failed !== undefined && failed.isOfItem) this.#unsendable(call, failed.error)
    else if (failed !== undefined) this.#threw(call, failed.error)
    else {
      askAll(call)
      if (this.#settle(call))
        this.#writer.bytesFrame(frameType.result, frameFlag.discard, call.id, 0, noBytes)
    }
  }

  #abort(call: RunningCall): void {
    const { controller } = call
    if (controller === undefined) return
    const message = `Nobody reads the stream of call ${call.id} any more.`
    const reason = new InterruptedError(message, { collateral: false, executed: 'unknown' })
    this.#table.inContext(call, () => controller.abort(reason))
  }

  #unsendable(call: RunningCall, error: unknown): void {
    if (error instanceof EncodeError) {
      this.#fail(call, { kind: 'encode', message: error.message, path: error.path })
    } else {
      this.#threw(call, error)
    }
  }

  #threw(call: RunningCall, error: unknown): void {
    if (call.settled) return
    // It has ended by what its wait was refused with, and so in order.
    if (error === call.reason && error !== undefined) {
      this.#fail(call, { kind: 'interrupted', collateral: false, executed: 'unknown' })
    } else this.#fail(call, { kind: 'thrown', thrown: this.#failures.thrown(error) })
  }

  #undecodable(call: RunningCall, error: unknown): void {
    const reason = error instanceof DecodeError ? error.reason : 'unknown'
    const message = error instanceof Error ? error.message : String(error)
    this.#fail(call, { kind: 'decode', message, reason })
  }

  #fail(call: RunningCall, failure: CallFailure): void {
    askAll(call)
    if (this.#settle(call)) this.#failures.ofCall(call, failure)
  }
}
