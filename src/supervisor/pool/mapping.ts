import type { Callable } from '../../actors/callable.ts'
import type { Clock } from '../../transport/clock.ts'
import type { Task, TaskTaker } from './dispatcher.ts'
import { ItemRunner, type Settled } from './item-runner.ts'
import { type ItemFunctions, keepItemFunctions } from './item-functions.ts'
import { callOptionsOf } from './pool-call-options.ts'
import { lengthOf, type MapOptions } from './map-options.ts'
import { MapStream } from './map-stream.ts'
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

/** Batch by batch. */
type Results = ReadAhead<unknown, Settled>

/** A map whose function is as it was when the map was made. */
interface KeptMapping extends Omit<Mapping, 'fn'> {
  readonly functions: ItemFunctions
}

function keptOf({ fn, ...mapping }: Mapping): KeptMapping {
  const { core, options } = mapping
  const functions = keepItemFunctions(core.keeper, fn, callOptionsOf({ ...options }), options.batchSize ?? 1)
  return { ...mapping, functions }
}

function readAhead(
  mapping: KeptMapping,
  closed: AbortController,
  isBounded: boolean,
  taker: TaskTaker,
  failed: (error: unknown) => void = () => {},
): Results {
  const { core, clock, items, functions, options } = mapping
  const { batchSize = 1 } = options
  const submit = (task: Task): Promise<unknown> => taker.submit(task)
  const total = lengthOf(items)
  const refusal = (): Error | undefined => core.refusal(!isBounded)
  const parts = { functions, options, total, closed: closed.signal, clock, submit, refusal, failed }
  const runner = new ItemRunner(parts)
  const concurrency = (): number => options.concurrency ?? core.capacity
  return new ReadAhead<unknown, Settled>(items, {
    batchSize,
    concurrency,
    window: () => (isBounded ? windowFactor * concurrency() : Infinity),
    run: (batch) => runner.run(batch),
    signal: options.signal,
    failed,
  })
}

/** The results in the order of the items, as they are asked for. */
export function streamOf(mapping: Mapping): AsyncGenerator<unknown, void, void> {
  const kept = keptOf(mapping)
  const closed = new AbortController()
  let ahead: Results | undefined
  const leave = (): void => {
    ahead?.close()
    closed.abort(unwanted)
  }
  const begin = (): Results => (ahead = readAhead(kept, closed, true, kept.core.dispatcher))
  return new MapStream(inOrder(mapping, begin, leave), leave)
}

async function* inOrder(
  mapping: Mapping,
  begin: () => Results,
  leave: () => void,
): AsyncGenerator<unknown, void, void> {
  const { signal } = mapping.options
  signal?.throwIfAborted()
  const ahead = begin()
  try {
    for (;;) {
      const results = await ahead.take()
      if (results === undefined) return
      for (const result of results) {
        if ('error' in result) throw result.error
        yield result.value
      }
    }
  } finally {
    leave()
  }
}

/** All results in the order of the items; rejects with the first error, be it of a late one. */
export function allOf(mapping: Mapping): Promise<unknown[]> {
  const closed = new AbortController()
  const { signal } = mapping.options
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
  const kept = keptOf(mapping)
  return kept.core.undertake(
    (taker) =>
      new Promise<unknown[]>((resolve) => {
        const failed = (error: unknown): void => {
          if (closed.signal.aborted) return
          resolve(rejected(error))
          ahead.close()
          closed.abort(unwanted)
        }
        const ahead = readAhead(kept, closed, false, taker, failed)
        void collect(ahead).then(resolve, () => {})
      }),
  )
}

/** Of a map that has failed nobody waits for this: it was told with what. */
async function collect(ahead: Results): Promise<unknown[]> {
  const all: unknown[] = []
  for (;;) {
    const results = await ahead.take()
    if (results === undefined) return all
    for (const result of results) all.push('error' in result ? undefined : result.value)
  }
}
