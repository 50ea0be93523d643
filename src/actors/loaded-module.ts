import type { ExportKind } from '../movement/module-exports.ts'
import type { AnyFunction } from '../movement/function-source.ts'
import { proxyStaysHere } from '../transport/codec/process-handles.ts'
import type { Arguments } from './argument.ts'
import { type CallOptions, checkCallOptions } from './call-options.ts'
import { suggestion } from './option-checks.ts'
import { checkStreamOptions, type StreamOptions } from './stream-options.ts'
import type { WorkerStream } from './worker-stream.ts'

/**
 * An exported function, to be called in the worker. It may be given to `Worker.call`, `Worker.keep` and the like, too.
 *
 * Overloads and type parameters can't be carried over: of several signatures the last is taken.
 */
export interface LoadedFunction<A extends unknown[], R> {
  /** Calls it, with copies of the arguments. Rejects as `Worker.call`. */
  (...args: Arguments<A>): Promise<Awaited<R>>
  /**
   * The same function, with options for its calls.
   * @param options - those of `Worker.call`
   * @throws {TypeError | RangeError} for wrong options
   */
  with(options: CallOptions): (...args: Arguments<A>) => Promise<Awaited<R>>
}

/** An exported generator function: what it yields is streamed. */
export interface LoadedGenerator<A extends unknown[], T> {
  /** Starts it, with copies of the arguments. As `Worker.stream`. */
  (...args: Arguments<A>): WorkerStream<T>
  /**
   * The same function, with options for its streams.
   * @param options - those of `Worker.stream`
   * @throws {TypeError | RangeError} for wrong options
   */
  with(options: StreamOptions): (...args: Arguments<A>) => WorkerStream<T>
}

/** An exported value, which is read when asked for. */
export interface LoadedValue<T> {
  /**
   * Reads it, as it is now.
   * @param options - those of `Worker.call`
   * @throws {EncodeError} if it can't be sent
   */
  get(options?: CallOptions): Promise<Awaited<T>>
}

/** What an export is from here. */
// oxlint-disable-next-line typescript/no-explicit-any -- what a class takes is up to the user
export type LoadedExport<E> = E extends abstract new (...args: any) => unknown
  ? LoadedValue<never>
  : E extends (...args: infer A) => Generator<infer T> | AsyncGenerator<infer T>
    ? LoadedGenerator<A, Awaited<T>>
    : E extends (...args: infer A) => infer R
      ? LoadedFunction<A, R>
      : LoadedValue<E>

/**
 * A module that is loaded in a worker, as it looks from here. An export called `then` is not on it: one that is a function
 * makes of the module a promise for every `import()`. To `load`, by its URL or by a path, it is a module all the same; of a
 * package with such an export it has what that calls back with, and never settles if it doesn't.
 */
export type LoadedModule<M> = { readonly [Name in Exclude<keyof M, 'then'>]: LoadedExport<M[Name]> }

/** A module of which nothing is known: all that it exports is taken for functions. */
// oxlint-disable-next-line typescript/no-explicit-any -- nothing is known
export type UnknownModule = Readonly<Record<string, (...args: any[]) => any>>

/** What the exports of a module are used by; they are told by name. */
export interface ModuleUser {
  call(name: string, args: readonly unknown[], options?: CallOptions): Promise<unknown>
  stream(name: string, args: readonly unknown[], options?: StreamOptions): WorkerStream<unknown>
  /** Has a function sent as the export that it stands for. */
  standsFor(fn: AnyFunction, name: string): void
  /** The value of an export. */
  get(name: string, options?: CallOptions): Promise<unknown>
}

/** Names that are asked of anything by who wants to know what it is: `await`, `JSON.stringify`, test runners. */
const probes: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'constructor',
  'inspect',
  'nodeType',
  'tagName',
  'asymmetricMatch',
  '$$typeof',
])

/** Makes what stands here for a module over there. A name that it does not have is a TypeError, at once. */
export function loadedModule(
  module: string,
  kinds: readonly (readonly [string, ExportKind])[],
  user: ModuleUser,
): object {
  const exports = Object.create(null) as Record<string, unknown>
  for (const [name, kind] of kinds) {
    if (name !== 'then') exports[name] = loadedExport(module, name, kind, user)
  }
  const toText = (): string => `[module ${module}, loaded in a worker]`
  const loaded = new Proxy(Object.freeze(exports), {
    get(target, name) {
      if (name === Symbol.toPrimitive || (name === 'toString' && !Object.hasOwn(target, name))) return toText
      if (typeof name === 'symbol' || Object.hasOwn(target, name)) return Reflect.get(target, name) as unknown
      if (probes.has(name)) return undefined
      throw new TypeError(`${module} has no export \`${name}\`.${suggestion(name, Object.keys(target))}`)
    },
  })
  proxyStaysHere(loaded, {
    what: 'a module that was loaded in a worker, and stands for it here',
    remedy: `Import it in the function: \`await import('${module}')\`.`,
  })
  return loaded
}

function loadedExport(module: string, name: string, kind: ExportKind, user: ModuleUser): unknown {
  if (kind === 'class') return Object.freeze({ get: () => Promise.reject(classRefusal(module, name)) })
  if (kind === 'value') return Object.freeze({ get: (options?: CallOptions) => user.get(name, options) })
  const withOptions = kind === 'function' ? callerOf(name, user) : streamerOf(name, user)
  const fn = withOptions(undefined) as AnyFunction
  Object.defineProperties(fn, { name: { value: name }, with: { value: withOptions } })
  user.standsFor(fn, name)
  return Object.freeze(fn)
}

const callerOf = (name: string, user: ModuleUser) => (options: CallOptions | undefined) => {
  if (options !== undefined) checkCallOptions(options)
  return (...args: unknown[]): Promise<unknown> => user.call(name, args, options)
}

const streamerOf = (name: string, user: ModuleUser) => (options: StreamOptions | undefined) => {
  if (options !== undefined) checkStreamOptions(options)
  return (...args: unknown[]): WorkerStream<unknown> => user.stream(name, args, options)
}

const classRefusal = (module: string, name: string): TypeError =>
  new TypeError(
    `\`${name}\` of ${module} is a class, and stays in the worker: export a function that makes one there, ` +
      'and `keep` what it makes.',
  )
