import type { Callable } from '../../actors/callable.ts'
import type { Clock } from '../../transport/clock.ts'
import { ItemRunner } from './item-runner.ts'
import { lengthOf, type MapOptions } from './map-options.ts'
import type { PoolCore } from './pool-core.ts'
import { ReadAhead, rejected } from './read-ahead.ts'

/** A map over items: what of, with what, and how. */
export interface Mapping {
  readonly core: PoolCore
  readonly clock: Clock
  readonly items: Iterable<unknown> | AsyncIterable<unknown>
  readonly fn: Callable
  readonly options: MapOptions<unknown, unknown>
}

/** How many batches a stream has read and its reader has not taken, for each that is worked on. */
const windowFactor = 2

/** Why what waits is not begun any more; nobody gets to see it. */
const unwanted = new Error('The map has ended before this item was begun.')

function readAhead(
  mapping: Mapping,
  closed: AbortController,
  isBounded: boolean,
  failed?: (error: unknown) => void,
) {
  const { core, clock, items, fn, options } = mapping
  const { batchSize = 1 } = options
  const submit = core.dispatcher.submit.bind(core.dispatcher)
  const total = lengthOf(items)
  const runner = new ItemRunner({ fn, options, total, closed: closed.signal, clock, submit })
  const concurrency = (): number => options.concurrency ?? core.capacity
  return new ReadAhead<unknown, unknown>(items, {
    batchSize,
    concurrency,
    window: () => (isBounded ? windowFactor * concurrency() : Infinity),
    run: (batch) => runner.run(batch),
    signal: options.signal,
    ...(failed === undefined ? {} : { failed }),
  })
}

/** The results in the order of the items, as they are asked for. */
export async function* streamOf(mapping: Mapping): AsyncGenerator<unknown, void, void> {
  const closed = new AbortController()
  const { signal } = mapping.options
  signal?.throwIfAborted()
  const ahead = readAhead(mapping, closed, true)
  try {
    for (;;) {
      const results = await ahead.take()
      if (results === undefined) return
      yield* results
    }
  } finally {
    ahead.close()
    closed.abort(unwanted)
  }
}

/** All results in the order of the items; rejects with the first error, be it of a late one. */
export function allOf(mapping: Mapping): Promise<unknown[]> {
  const closed = new AbortController()
  const { signal } = mapping.options
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
  return new Promise((resolve) => {
    const failed = (error: unknown): void => {
      if (closed.signal.aborted) return
      resolve(rejected(error))
      ahead.close()
      closed.abort(unwanted)
    }
    const ahead = readAhead(mapping, closed, false, failed)
    void collect(ahead).then(resolve, () => {})
  })
}

async function collect(ahead: ReadAhead<unknown, unknown>): Promise<unknown[]> {
  const all: unknown[] = []
  for (;;) {
    const results = await ahead.take()
    if (results === undefined) return all
    for (const result of results) all.push(result)
  }
}
