import { quietErrorKeys } from './node-kinds.ts'

type Maker = () => Error

const makers = new Map<string, Maker>([
  ['Error', () => new Error()],
  ['AggregateError', () => new AggregateError([])],
  ['EvalError', () => new EvalError()],
  ['RangeError', () => new RangeError()],
  ['ReferenceError', () => new ReferenceError()],
  ['SyntaxError', () => new SyntaxError()],
  ['TypeError', () => new TypeError()],
  ['URIError', () => new URIError()],
])
const makeError = makers.get('Error')!

/**
 * An error as it was over there: of the class of that name if it is one of the language's own, else an `Error` with
 * an own `name`. Its other properties are defined afterwards.
 */
export function rebuildError(
  name: string | undefined,
  message: string | undefined,
  stack: string | undefined,
): Error {
  const maker = name === undefined ? undefined : makers.get(name)
  const error = withoutStack(maker ?? makeError)
  // `errors` comes back with the properties, if it was there.
  if (Object.hasOwn(error, 'errors')) delete (error as { errors?: unknown }).errors
  if (maker === undefined && name !== undefined) defineErrorProperty(error, 'name', name)
  if (message !== undefined) defineErrorProperty(error, 'message', message)
  defineErrorProperty(error, 'stack', stack)
  return error
}

/** An own property of an error, enumerable unless it is one of those that the language itself gives to errors. */
export function defineErrorProperty(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    enumerable: !quietErrorKeys.has(key),
    configurable: true,
    writable: true,
  })
}

/**
 * The stack of this place is of no use and costs microseconds to collect, of which hostile bytes could make many.
 * `Reflect.set` since the limit is read-only where intrinsics are frozen.
 */
function withoutStack(make: Maker): Error {
  const limit = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', 0)
  const error = make()
  Reflect.set(Error, 'stackTraceLimit', limit)
  return error
}
