import { quietErrorKeys } from './node-kinds.ts'

const classes = new Map<string, new () => Error>(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, Error].map((kind) => [
    kind.name,
    kind,
  ]),
)

/**
 * An error as it was over there: of the class of that name if it is one of the language's own, else an `Error` with
 * an own `name`. Its other properties are defined afterwards.
 */
export function rebuildError(
  name: string | undefined,
  message: string | undefined,
  stack: string | undefined,
): Error {
  const isAggregate = name === 'AggregateError'
  const kind = name === undefined ? undefined : classes.get(name)
  const error = withoutStack(kind ?? Error, isAggregate)
  // They come back with the properties, if they were there.
  if (isAggregate) delete (error as { errors?: unknown }).errors
  else if (kind === undefined && name !== undefined) defineErrorProperty(error, 'name', name)
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
 *
 * Between the two settings no function of ours begins and no loop turns, for those are the places where an
 * execution can be terminated, and the limit would stay at 0. `Reflect.set` since it is read-only where intrinsics
 * are frozen.
 */
function withoutStack(kind: new () => Error, isAggregate: boolean): Error {
  const limit = Error.stackTraceLimit
  Reflect.set(Error, 'stackTraceLimit', 0)
  const error = isAggregate ? new AggregateError([]) : new kind()
  Reflect.set(Error, 'stackTraceLimit', limit)
  return error
}
