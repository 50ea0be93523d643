/** What a stream takes items from: an iterator of either kind. */
export interface Iteration {
  next(): unknown
  /** Ends it early. Answers what its `return` did; undefined if it has none. */
  end(): unknown
  readonly isAsync: boolean
}

/** Taken before user code can replace them. */
const asyncIterator: typeof Symbol.asyncIterator = Symbol.asyncIterator
const iterator: typeof Symbol.iterator = Symbol.iterator

/**
 * Begins to take from what a function has returned.
 * @throws {TypeError} if it is not iterable, in either way
 */
export function iterationOf(value: unknown): Iteration {
  const source = value as Partial<AsyncIterable<unknown> & Iterable<unknown>> | null | undefined
  const begin = source?.[asyncIterator] ?? source?.[iterator]
  if (source === null || source === undefined || typeof begin !== 'function') {
    const got = value === null ? 'null' : typeof value
    throw new TypeError(
      `The function of a stream returned ${got}, which is not iterable. Make it a generator: function* or async function*.`,
    )
  }
  const isAsync = typeof source[asyncIterator] === 'function'
  const taken = (begin as () => unknown).call(source) as Partial<Iterator<unknown>>
  const next = taken.next as () => unknown
  return {
    isAsync,
    next: () => next.call(taken),
    end: () => taken.return?.(),
  }
}

/** @throws {TypeError} if that is not what an iterator may answer */
export function checkResult(result: unknown): IteratorResult<unknown> {
  if (result !== null && (typeof result === 'object' || typeof result === 'function')) {
    return result as IteratorResult<unknown>
  }
  throw new TypeError(`An iterator answered ${String(result)}, which is no { value, done }.`)
}
