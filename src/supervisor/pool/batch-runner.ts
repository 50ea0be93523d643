/** What is sent to a worker to run a batch there. Each of these functions goes by its source and refers to
 * nothing here but what it was made with. */

/** What one batch came to: results, with a hole for each item that threw. */
export interface BatchOutcome {
  readonly values: readonly unknown[]
  /** Which items threw, by their places in the batch. */
  readonly thrown: readonly number[]
}

/** What was thrown stays in the worker until it is asked for, so that it comes over as any error of a call does. */
type Thrown = Map<string, Map<number, unknown>>

/** Makes what runs one item after the other by a function, which goes along as what it refers to. */
export function batchRunnerOf(maltsterItemFunction: (item: unknown, index: number) => unknown) {
  return async function runBatch(
    batchId: string,
    items: readonly unknown[],
    first: number,
  ): Promise<BatchOutcome> {
    const values: unknown[] = []
    const errors = new Map<number, unknown>()
    for (const [at, item] of items.entries()) {
      try {
        values.push(await maltsterItemFunction(item, first + at))
      } catch (error) {
        values.push(undefined)
        errors.set(at, error)
      }
    }
    if (errors.size > 0) {
      const holder = globalThis as unknown as Record<symbol, Thrown | undefined>
      const thrown = (holder[Symbol.for('maltster.pool.thrown')] ??= new Map())
      thrown.set(batchId, errors)
    }
    return { values, thrown: [...errors.keys()] }
  }
}

/** Throws what an item of a batch has thrown, and forgets it. */
export function throwAgain(batchId: string, at: number): never {
  const holder = globalThis as unknown as Record<symbol, Thrown | undefined>
  const thrown = holder[Symbol.for('maltster.pool.thrown')]
  const errors = thrown?.get(batchId)
  if (errors === undefined || !errors.has(at))
    throw new Error('What the item has thrown is not there any more.')
  const error = errors.get(at)
  errors.delete(at)
  if (errors.size === 0) thrown?.delete(batchId)
  throw error
}
