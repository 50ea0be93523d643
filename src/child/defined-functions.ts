import type { FunctionDefinition } from '../movement/definition.ts'
import type { Exports } from '../movement/flow/exports.ts'
import { type HoldableFrame, Holdings } from '../movement/graph/holdings.ts'
import type { LiveStep } from '../movement/preload-step.ts'
import { type FunctionFactory, rebuild } from '../movement/rebuild.ts'
import { runtimeFunction } from '../movement/runtime-function.ts'
import type { Codec } from '../transport/codec.ts'
import type { RegisteredClasses } from '../transport/codec/registered-classes.ts'
import type { IncomingFrame } from '../transport/frame-reader.ts'
import type { RuntimeFunctions } from './runtime-functions.ts'

type AnyFunction = (...args: unknown[]) => unknown

/** A function that was defined here: ready, or still being loaded from its module. */
export interface Defined {
  readonly factory: FunctionFactory | Promise<FunctionFactory>
  /** The function itself, made once if nothing is captured with each call. */
  ready: AnyFunction | undefined
  /** It looks up, or changes, what this worker holds: that has to be in place. */
  readonly isOfHoldings: boolean
}

/** What functions are made from. */
export interface DefinedFunctionsOptions {
  readonly codec: Codec
  readonly classes: RegisteredClasses
  /** What the host has been given of what lives here: functions of it may be called. */
  readonly exports: Exports
  /** What the host calls by name. */
  readonly functions: RuntimeFunctions
}

/** The functions that the host has defined here, and what they refer to. */
export class DefinedFunctions {
  readonly #options: DefinedFunctionsOptions
  readonly #codec: Codec
  readonly #functions = new Map<number, Defined>()
  readonly #holdings: Holdings

  constructor(options: DefinedFunctionsOptions) {
    this.#options = options
    this.#codec = options.codec
    this.#holdings = new Holdings(options.codec, options.classes)
  }

  get(functionId: number): Defined | undefined {
    return this.#functions.get(functionId)
  }

  /** Whether what functions refer to is still being loaded, or put in place. */
  get isBusy(): boolean {
    return this.#holdings.isBusy
  }

  /** Settles when what has come about functions so far is in place; undefined if it is. */
  turn(): Promise<unknown> | undefined {
    return this.#holdings.turn()
  }

  /** The text of a function runs as it is defined, and must not be cut off there: it comes only once. */
  isDefining = false

  define(frame: IncomingFrame): void {
    this.isDefining = true
    // A definition that can't be read, or a module that does not load, fails the calls that need it, not the worker.
    const { factory, isOfHoldings } = this.#read(frame)
    if (factory instanceof Promise) factory.catch(() => {})
    this.#functions.set(frame.aux, { factory, ready: undefined, isOfHoldings })
    this.isDefining = false
  }

  #read(frame: IncomingFrame): Pick<Defined, 'factory' | 'isOfHoldings'> {
    let isOfHoldings = false
    let factory: Defined['factory']
    try {
      const definition = this.#codec.decode(frame) as FunctionDefinition
      isOfHoldings = this.#holdings.serves(definition)
      if (definition.kind === 'live') factory = this.#ofHoldings(definition.content)
      else factory = definition.kind === 'runtime' ? this.#ofRuntime(definition.name) : rebuild(definition)
    } catch (error) {
      factory = Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
    return { factory, isOfHoldings }
  }

  /** A call brings the number of its own content, or the function is always the same. */
  #ofHoldings(content: number): FunctionFactory {
    if (content > 0) return () => this.#holdings.make(content) as ReturnType<FunctionFactory>
    return (given) => this.#holdings.make(given as unknown as number) as ReturnType<FunctionFactory>
  }

  /** Takes a frame about what functions refer to. The text of functions runs here, as in `define`. */
  hold(frame: HoldableFrame): void {
    this.isDefining = true
    this.#holdings.take(frame)
    this.isDefining = false
  }

  /** Takes what a step of `preload` brings along, and makes its function when that is in place. */
  readonly makeLive = async ({ frames, content }: LiveStep): Promise<() => unknown> => {
    for (const { type, aux, flags, bytes, attachments } of frames) {
      const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      const memory = attachments.map((one) => new Uint8Array(one).buffer)
      this.hold({ type, aux, flags, buffer, start: 0, end: buffer.length, attachments: memory })
    }
    await this.#holdings.turn()
    return this.#holdings.make(content) as () => unknown
  }

  #ofRuntime(name: string): FunctionFactory {
    if (name === runtimeFunction.exported) return this.#ofExports
    const own = this.#holdings.functions as Record<string, unknown>
    const found = this.#options.functions.byName[name] ?? own[name]
    if (found === undefined) throw new Error(`The runtime has no function ${name}.`)
    return () => found as FunctionFactory
  }

  /** Each call says which one it means. Undefined if that is not there any more. */
  readonly #ofExports = ([number]: readonly unknown[]): ReturnType<FunctionFactory> =>
    this.#options.exports.functionOf(number as number) as ReturnType<FunctionFactory>
}
