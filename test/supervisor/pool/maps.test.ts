import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/transport/clock.ts'
import type { MapOptions } from '../../../src/supervisor/pool/map-options.ts'
import { allOf, type Mapping, streamOf } from '../../../src/supervisor/pool/mapping.ts'
import type { PoolCore } from '../../../src/supervisor/pool/pool-core.ts'
import { RemoteError } from '../../../src/errors/call-errors.ts'
import { useLeakCheck } from '../../support/leak-check.ts'
import { upTo } from '../../support/numbers.ts'
import { exitReason, gate, outcomeOf, simulatedPool, turns } from './simulated-crew.ts'

useLeakCheck()

type Input = Mapping['items']

function mapping(
  core: PoolCore,
  items: Input,
  fn: (item: never, index: number) => unknown,
  options: MapOptions<never, unknown> = {},
): Mapping {
  return { core, clock: systemClock, items, fn, options: options as Mapping['options'] }
}

const remoteError = (message: string): RemoteError =>
  new RemoteError(message, { remoteName: 'Error', remoteStack: '', properties: {} })

/** Items, and how many of them were taken. */
function counted(count: number): { items: Iterable<number>; taken: () => number; closed: () => boolean } {
  let taken = 0
  let closed = false
  function* generate(): Generator<number> {
    try {
      for (; taken < count;) yield taken++
    } finally {
      closed = true
    }
  }
  return { items: generate(), taken: () => taken, closed: () => closed }
}

async function collected(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const one of stream) all.push(one)
  return all
}

describe('map', () => {
  it('keeps the order of the items, whichever is done first', async () => {
    const { core } = simulatedPool({ size: 3 })
    const gates = upTo(6).map(gate)
    const all = allOf(mapping(core, upTo(6), (n: number) => gates[n]!.opened.then(() => n * 10)))
    for (const at of [2, 1, 0, 5, 4, 3]) {
      gates[at]!.open()
      await turns()
    }
    expect(await all).toEqual([0, 10, 20, 30, 40, 50])
  })

  it('takes anything to iterate over: none, text, sets, asynchronous ones', async () => {
    const { core } = simulatedPool()
    async function* later(): AsyncGenerator<string> {
      yield 'a'
      await turns()
      yield 'b'
    }
    const same = (item: unknown, index: number): unknown => [item, index]
    expect(await allOf(mapping(core, [], same))).toEqual([])
    expect(await allOf(mapping(core, 'né', same))).toEqual([
      ['n', 0],
      ['é', 1],
    ])
    expect(await allOf(mapping(core, new Set([7]), same))).toEqual([[7, 0]])
    expect(await allOf(mapping(core, later(), same))).toEqual([
      ['a', 0],
      ['b', 1],
    ])
  })

  it('has as many under way as the pool takes at once, or as `concurrency` says', async () => {
    const { core } = simulatedPool({ size: 3 })
    const most = async (concurrency?: number): Promise<number> => {
      let running = 0
      let peak = 0
      const fn = async (): Promise<void> => {
        peak = Math.max(peak, ++running)
        await turns()
        running--
      }
      await allOf(mapping(core, upTo(20), fn, concurrency === undefined ? {} : { concurrency }))
      return peak
    }
    expect([await most(), await most(2), await most(50)]).toEqual([3, 2, 3])
  })

  it('rejects with the first error in time, begins nothing more and reads no further', async () => {
    const { core } = simulatedPool({ size: 2 })
    const input = counted(1000)
    const { opened, open } = gate()
    const begun: number[] = []
    const fn = (n: number): unknown => {
      begun.push(n)
      if (n === 3) throw remoteError('three')
      return n === 0 ? opened : n
    }
    await expect(allOf(mapping(core, input.items, fn, { concurrency: 4 }))).rejects.toThrow('three')
    await turns()
    expect(begun.length).toBeLessThan(10)
    expect(input.taken()).toBeLessThan(12)
    expect(input.closed()).toBe(true)
    expect(core.stats().waiting).toBe(0)
    open()
    await turns()
  })

  it('rejects with what the input throws', async () => {
    const { core } = simulatedPool()
    function* broken(): Generator<number> {
      yield 1
      throw new Error('unreadable')
    }
    await expect(allOf(mapping(core, broken(), (n: number) => n))).rejects.toThrow('unreadable')
    await expect(collected(streamOf(mapping(core, broken(), (n: number) => n)))).rejects.toThrow('unreadable')
  })

  it('retries an item, then asks `onError`, which says how it failed', async () => {
    const { core } = simulatedPool()
    const runs = new Map<number, number>()
    const failures: unknown[] = []
    const fn = (n: number): number => {
      const run = (runs.get(n) ?? 0) + 1
      runs.set(n, run)
      if (n === 1 && run < 3) throw remoteError('not yet')
      if (n === 2) throw remoteError('never')
      return n
    }
    const onError = (error: unknown, failure: object): number => {
      failures.push({ message: (error as Error).message, ...failure })
      return -1
    }
    expect(await allOf(mapping(core, upTo(4), fn, { retry: { times: 2 }, onError }))).toEqual([0, 1, -1, 3])
    expect(failures).toEqual([{ message: 'never', item: 2, index: 2, attempt: 3, workerDied: false }])
  })

  it('says when a worker has died of an item, and never runs it again by itself', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    const { opened } = gate()
    let runs = 0
    const fn = (n: number): unknown => (n === 1 ? (runs++, opened) : n)
    const died: unknown[] = []
    const onError = (_: unknown, { workerDied, index }: { workerDied: boolean; index: number }): string => {
      died.push([index, workerDied])
      return 'lost'
    }
    const all = allOf(mapping(core, upTo(3), fn, { onError }))
    await turns()
    crew.lose('worker-1')
    crew.begin('worker-1')
    expect(await all).toEqual([0, 'lost', 2])
    expect([runs, died]).toEqual([1, [[1, true]]])
  })

  it('ends at once by its signal, also between two attempts', async () => {
    const { core } = simulatedPool()
    const controller = new AbortController()
    const fn = (): never => {
      throw remoteError('failed')
    }
    const options = { signal: controller.signal, retry: { times: 9, delayMs: Infinity } }
    const all = allOf(mapping(core, upTo(3), fn, options))
    expect(await outcomeOf(all)).toBe('pending')
    controller.abort(new Error('enough'))
    await expect(all).rejects.toThrow('enough')
    await expect(allOf(mapping(core, upTo(3), fn, options))).rejects.toThrow('enough')
  })

  it('ends at once by its signal while its input is waited for, and leaves the input', async () => {
    const { core } = simulatedPool()
    for (const ofMap of [true, false]) {
      let left = 0
      const input: AsyncIterable<number> = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: () => (left++, Promise.resolve({ done: true, value: undefined })),
        }),
      }
      const controller = new AbortController()
      const made = mapping(core, input, (n: number) => n, { signal: controller.signal })
      const all = ofMap ? allOf(made) : collected(streamOf(made))
      expect(await outcomeOf(all)).toBe('pending')
      controller.abort(new Error('enough'))
      expect(await outcomeOf(all)).toMatchObject({ error: { message: 'enough' } })
      expect(left).toBe(1)
    }
  })

  it('rejects with what an item threw, also if its input throws when it is left', async () => {
    const { core } = simulatedPool()
    function* stubborn(): Generator<number> {
      try {
        for (let n = 0; ; n++) yield n
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- that is what is tested
        throw new Error('from finally')
      }
    }
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      const fn = (n: number): number => {
        if (n === 2) throw remoteError('two')
        return n
      }
      await expect(allOf(mapping(core, stubborn(), fn))).rejects.toThrow('two')
      await expect(collected(streamOf(mapping(core, stubborn(), fn)))).rejects.toThrow('two')
      await turns()
      expect(unhandled).toEqual([])
    } finally {
      process.off('unhandledRejection', note)
    }
  })

  it('tells how far it has come', async () => {
    const { core } = simulatedPool()
    const told: unknown[] = []
    const onProgress = (progress: unknown): void => void told.push(progress)
    await allOf(mapping(core, upTo(3), (n: number) => n, { onProgress }))
    await allOf(mapping(core, counted(1).items, (n: number) => n, { onProgress }))
    expect(told).toEqual([
      { done: 1, total: 3 },
      { done: 2, total: 3 },
      { done: 3, total: 3 },
      { done: 1, total: undefined },
    ])
  })

  it('sends items of one key to one member', async () => {
    const { core } = simulatedPool({ size: 4 })
    const where = function (this: { path: string }): string {
      return this.path
    }
    const key = (n: number): number => n % 5
    const homes = (await allOf(mapping(core, upTo(50), where, { key }))) as string[]
    for (const n of upTo(5)) expect(new Set(homes.filter((_, at) => at % 5 === n)).size).toBe(1)
    const wrong = mapping(core, upTo(2), where, { key: () => ({}) as never })
    await expect(allOf(wrong)).rejects.toThrow('`key` of a map')
  })
})

describe('mapStream', () => {
  it('reads its input no further than there is room for', async () => {
    const { core } = simulatedPool({ size: 2 })
    const input = counted(1_000_000)
    const stream = streamOf(mapping(core, input.items, (n: number) => n))
    expect(input.taken()).toBe(0)
    expect(await stream.next()).toEqual({ value: 0, done: false })
    await turns()
    const ahead = input.taken()
    expect(ahead).toBeLessThanOrEqual(6)
    await turns()
    expect(input.taken()).toBe(ahead)
    for (let n = 1; n <= 20; n++) expect(await stream.next()).toEqual({ value: n, done: false })
    await turns()
    expect(input.taken() - 20).toBeLessThanOrEqual(6)
    await stream.return()
    expect(input.closed()).toBe(true)
  })

  it('goes on with others while the first one takes its time, as far as its window', async () => {
    const { core } = simulatedPool({ size: 2 })
    const { opened, open } = gate()
    const input = counted(100)
    const done: number[] = []
    const stream = streamOf(mapping(core, input.items, (n: number) => (n === 0 ? opened : void done.push(n))))
    const first = stream.next()
    await turns()
    expect(done).toEqual([1, 2, 3])
    open()
    await first
    await stream.return()
  })

  it('hands out a result though its input is slow to go on', async () => {
    const { core } = simulatedPool({ size: 2 })
    async function* slow(): AsyncGenerator<number> {
      yield 1
      await new Promise(() => {})
    }
    const stream = streamOf(mapping(core, slow(), (n: number) => n))
    expect(await stream.next()).toEqual({ value: 1, done: false })
    await stream.return()
  })

  it('throws where the failed item stands, after all before it', async () => {
    const { core } = simulatedPool({ size: 4 })
    const fn = (n: number): number => {
      if (n === 2) throw remoteError('two')
      return n
    }
    const got: unknown[] = []
    await expect(
      (async () => {
        for await (const one of streamOf(mapping(core, upTo(9), fn))) got.push(one)
      })(),
    ).rejects.toThrow('two')
    expect(got).toEqual([0, 1])
  })

  it('throws where the failed item stands also if its batch has others before it', async () => {
    const { core } = simulatedPool({ size: 1 })
    const fn = (n: number): number => {
      if (n === 2) throw remoteError('two')
      return n
    }
    const got: unknown[] = []
    const stream = streamOf(mapping(core, upTo(8), fn, { batchSize: 4 }))
    await expect(
      (async () => {
        for await (const one of stream) got.push(one)
      })(),
    ).rejects.toThrow('two')
    expect(got).toEqual([0, 1])
  })

  it('can be left at once while its next result is waited for', async () => {
    for (const how of ['return', 'throw', 'dispose'] as const) {
      const { core } = simulatedPool({ size: 1 })
      const { opened, open } = gate()
      const input = counted(50)
      const stream = streamOf(mapping(core, input.items, () => opened))
      const waits = [stream.next(), stream.next()]
      await turns()
      if (how === 'return') expect(await stream.return()).toEqual({ done: true, value: undefined })
      else if (how === 'dispose') await stream[Symbol.asyncDispose]()
      else await expect(stream.throw(new Error('enough'))).rejects.toThrow('enough')
      const end = { done: true, value: undefined }
      expect(await Promise.all([...waits, stream.next()])).toEqual([end, end, end])
      expect(input.closed()).toBe(true)
      expect(core.stats()).toMatchObject({ waiting: 0, running: 1 })
      open()
      await turns()
    }
  })

  it('can be left before it was begun, and reads nothing then', async () => {
    const { core } = simulatedPool()
    const input = counted(5)
    const stream = streamOf(mapping(core, input.items, (n: number) => n))
    expect(await stream.return()).toEqual({ done: true, value: undefined })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(input.taken()).toBe(0)
  })

  it('ends with why its pool takes nothing any more, whatever `onError` says', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    const asked: unknown[] = []
    const onError = (error: unknown): null => (asked.push(error), null)
    const fn = (n: number): number => {
      if (n === 1) throw remoteError('one')
      return n
    }
    const stream = streamOf(mapping(core, counted(1_000_000).items, fn, { onError }))
    expect([(await stream.next()).value, (await stream.next()).value]).toEqual([0, null])
    crew.lose('worker-1')
    core.ended(exitReason('escalated', new Error('too often')))
    await expect(collected(stream)).rejects.toMatchObject({ name: 'WorkerUnavailableError' })
    expect(asked.filter((error) => (error as Error).name !== 'WorkerDiedError')).toMatchObject([
      { message: 'one' },
    ])
  })

  it('lets the host go on while `onError` makes up for items that are not even sent', async () => {
    const { core } = simulatedPool({ size: 1, maxQueued: 1 })
    const { opened, open } = gate()
    const others = [core.call(() => opened, [], undefined), core.call(() => 0, [], undefined)]
    let read = 0
    const stream = streamOf(
      mapping(core, counted(1_000_000).items, (n: number) => n, { onError: () => null }),
    )
    const reader = (async () => {
      for await (const one of stream) {
        if (one !== null || ++read === 10_000) break
      }
    })()
    await turns(20)
    expect(read).toBeLessThan(10_000)
    await stream.return()
    await reader
    open()
    await Promise.all(others)
  })

  it('begins nothing more when its reader leaves', async () => {
    const { core } = simulatedPool({ size: 1 })
    const { opened, open } = gate()
    const begun: number[] = []
    for await (const one of streamOf(
      mapping(core, upTo(50), (n: number) => (begun.push(n), n === 1 ? opened : n), { concurrency: 8 }),
    )) {
      expect(one).toBe(0)
      break
    }
    expect(core.stats()).toMatchObject({ waiting: 0, running: 1 })
    open()
    await turns()
    expect(begun).toEqual([0, 1])
  })
})
