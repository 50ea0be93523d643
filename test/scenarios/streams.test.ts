import { EncodeError, InterruptedError, RemoteError, WorkerStoppedError, type Worker } from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, recordEvents, rejection, until, whereItCan } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  await worker.stop()
})

/** What generators write down in the worker, in order. */
const notes = (): Promise<string[]> =>
  worker.call(() => (globalThis as { noted?: string[] }).noted?.splice(0) ?? [])

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}

/** The items that come before it fails, and the error. */
async function prefixOf<T>(stream: AsyncIterable<T>): Promise<{ items: T[]; error: unknown }> {
  const items: T[] = []
  try {
    for await (const item of stream) items.push(item)
  } catch (error) {
    return { items, error }
  }
  throw new Error('it did not fail')
}

function* counting(from: number): Generator<number> {
  const { noted } = Object.assign(globalThis, { noted: [] as string[] })
  try {
    for (let n = from; ; n++) yield n
  } finally {
    noted.push('ended')
  }
}

describe('what is iterated', () => {
  test('a generator, an asynchronous one, and what a function or a promise of it returns', async () => {
    const sources = [
      function* (n: number) {
        yield n
        yield n + 1
      },
      async function* (n: number) {
        yield n
        await Promise.resolve()
        yield n + 1
      },
      (n: number) => [n, n + 1],
      async (n: number) => new Set([n, n + 1]),
      (n: number) => [Promise.resolve(n), n + 1],
    ]
    for (const source of sources) expect(await collect<number>(worker.stream(source, [7]))).toEqual([7, 8])
    expect(await collect(worker.stream(() => []))).toEqual([])
    await expectUsable(worker)
  })

  test('an export of a module, by name', async () => {
    const items = worker.stream<string>({ module: 'node:fs', export: 'readdirSync' }, [import.meta.dirname])
    expect(await collect(items)).toContain('streams.test.ts')
  })

  test('what can not be iterated is a TypeError', async () => {
    const notIterable = (() => 7) as unknown as () => number[]
    const error = await rejection(worker.stream(notIterable).next(), RemoteError)
    expect(error).toMatchObject({ remoteName: 'TypeError' })
    expect(error.message).toContain('not iterable')
    await expectUsable(worker)
  })

  test('every kind of value comes as it is, in order, however it travels', async () => {
    const shared = { n: 1 }
    const values = [
      1,
      -0,
      'text',
      'ä',
      '\uD800',
      'x'.repeat(100_000),
      null,
      undefined,
      true,
      2n ** 70n,
      Number.NaN,
      -40,
      70_000,
      2 ** 40,
      { a: { b: [1, 2] } },
      [],
      new Map([[1, new Date(5)]]),
      [shared, shared],
      new Uint8Array(10),
      new Uint8Array(100_000).fill(3),
      'last',
    ]
    const back = await collect(
      worker.stream(
        function* (given: unknown[]) {
          yield* given
        },
        [values],
      ),
    )
    expect(back).toEqual(values)
    expect(Object.is(back[1], -0)).toBe(true)
  })

  test('captures and variables go along, as with a call', async () => {
    const factor = 3
    const items = worker.stream(
      function* (count: number) {
        for (let n = 0; n < count; n++) yield n * factor
      },
      [3],
    )
    expect(await collect(items)).toEqual([0, 3, 6])
    const given = worker.stream(
      function* () {
        yield secret
      },
      [],
      { captures: { secret: 'given' } },
    )
    expect(await collect(given)).toEqual(['given'])
  })

  test('items are as they were when they were yielded', async () => {
    const items = await collect(
      worker.stream(function* () {
        const item = { n: 0, bytes: new Uint8Array(200_000) }
        for (let n = 0; n < 20; n++) {
          item.n = n
          item.bytes.fill(n)
          yield item
        }
        item.n = -1
        item.bytes.fill(255)
      }),
    )
    expect(items.map(({ n }) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    for (const { n, bytes } of items) {
      expect([n, bytes[0], bytes[100_000], bytes.at(-1), bytes.length]).toEqual([n, n, n, n, 200_000])
    }
  })

  test('100,000 items are all there, in order, in both kinds of generator', async () => {
    for (const source of [
      function* (count: number) {
        for (let n = 0; n < count; n++) yield n % 100 === 0 ? { n } : n
      },
      async function* (count: number) {
        for (let n = 0; n < count; n++) yield n % 100 === 0 ? { n } : n
      },
    ]) {
      let at = 0
      for await (const item of worker.stream(source, [100_000])) {
        const n: number = typeof item === 'number' ? item : item.n
        if (n !== at++) throw new Error(`item ${at - 1} is ${n}`)
      }
      expect(at).toBe(100_000)
    }
  })
})

describe('the consumer', () => {
  test('may ask for several at once: they come in the order of asking, and then it is over', async () => {
    const stream = worker.stream(function* () {
      yield 1
      yield 2
    })
    const results = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()])
    expect(results).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
  })

  test('scenario 57: a generator begins when it is called, and goes no further than the window', async () => {
    const stream = worker.stream(counting, [0], { windowItems: 10, background: true })
    const reached = (): Promise<number> => worker.call(() => 0)
    await reached()
    const first = await stream.next()
    expect(first.value).toBe(0)
    await stream.return()
    expect(await notes()).toEqual(['ended'])
  })

  test.each([1, 7, 1024])(
    'F57: with a window of %d items the generator is at most that far ahead',
    async (windowItems) => {
      const stream = worker.stream(
        function* () {
          const seen = Object.assign(globalThis, { made: 0 })
          for (;;) {
            seen.made++
            yield seen.made
          }
        },
        [],
        { windowItems },
      )
      const made = (): Promise<number> => worker.call(() => (globalThis as { made?: number }).made ?? 0)
      for (let taken = 1; taken <= 50; taken++) {
        expect((await stream.next()).value).toBe(taken)
        expect(await made()).toBeLessThanOrEqual(taken + windowItems)
      }
      await stream.return()
    },
  )

  test('F57: a window of bytes holds items back, and one that is larger than it still comes', async () => {
    const stream = worker.stream(
      function* () {
        const seen = Object.assign(globalThis, { made: 0 })
        for (let n = 0; n < 30; n++) {
          seen.made++
          yield n % 10 === 9 ? 'L'.repeat(100_000) : 's'.repeat(1000)
        }
      },
      [],
      { windowBytes: 4000 },
    )
    const made = (): Promise<number> => worker.call(() => (globalThis as { made?: number }).made ?? 0)
    let taken = 0
    for await (const item of stream) {
      expect(item.length).toBe(taken % 10 === 9 ? 100_000 : 1000)
      taken++
      // What is on its way, and one that waits over there.
      expect(await made()).toBeLessThanOrEqual(taken + 5)
    }
    expect(taken).toBe(30)
  })

  test('other calls pass while a generator runs without ever waiting', async () => {
    const stream = worker.stream(counting, [0], { windowItems: 1_000_000, windowBytes: 2 ** 30 })
    expect(await worker.call(() => 'passed')).toBe('passed')
    await stream.return()
    expect(await notes()).toEqual(['ended'])
    await expectUsable(worker)
  })

  test('a stream counts as running until it has ended', async () => {
    const stream = worker.stream(counting, [0])
    expect(worker.state).toBe('running')
    await stream.next()
    expect(worker.state).toBe('running')
    await stream.return()
    await worker.whenIdle()
    const background = worker.stream(counting, [0], { background: true })
    await background.next()
    expect(worker.state).toBe('idle')
    await background.return()
    await notes()
  })
})

describe('the ends', () => {
  test('to leave the loop ends the generator, and waits for its `finally`', async () => {
    for await (const n of worker.stream(counting, [0])) if (n === 5000) break
    expect(await notes()).toEqual(['ended'])
    await expectUsable(worker)
  })

  test('`return` of an asynchronous generator waits for what its `finally` waits for', async () => {
    const stream = worker.stream(async function* () {
      const { noted } = Object.assign(globalThis, { noted: [] as string[] })
      try {
        for (let n = 0; ; n++) yield n
      } finally {
        await new Promise((resolve) => setTimeout(resolve, 20))
        noted.push('ended late')
      }
    })
    await stream.next()
    expect(await stream.return()).toEqual({ done: true, value: undefined })
    expect(await notes()).toEqual(['ended late'])
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(await stream.return()).toEqual({ done: true, value: undefined })
  })

  test('`throw` ends it as well, and rejects with what it was given', async () => {
    const stream = worker.stream(counting, [0])
    await stream.next()
    const reason = new Error('enough')
    await expect(stream.throw(reason)).rejects.toBe(reason)
    expect(await notes()).toEqual(['ended'])
  })

  test('`await using` ends one that was never iterated', async () => {
    {
      await using _stream = worker.stream(counting, [0])
    }
    expect(await notes()).toEqual(['ended'])
    await expectUsable(worker)
  })

  test('what waits while it is ended sees its signal', async () => {
    const stream = worker.stream(async function* () {
      const { noted } = Object.assign(globalThis, { noted: [] as string[] })
      const { currentCall } = await import('maltster/worker')
      const call = currentCall()
      try {
        yield 1
        await new Promise((_resolve, reject) => {
          call?.signal.addEventListener('abort', () => reject(new Error('told to end')))
        })
      } finally {
        noted.push('ended')
      }
    })
    await stream.next()
    const waiting = stream.next()
    await worker.call(() => null)
    await stream.return()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await notes()).toEqual(['ended'])
  })

  test('what is thrown comes after the items before it, and once', async () => {
    const stream = worker.stream(function* () {
      for (let n = 0; n < 3000; n++) yield n
      throw new RangeError('out of it')
    })
    const { items, error } = await prefixOf(stream)
    expect(items).toEqual(Array.from({ length: 3000 }, (_, n) => n))
    expect(error).toBeInstanceOf(RemoteError)
    expect(error).toMatchObject({ remoteName: 'RangeError', message: 'out of it' })
    expect((error as Error).stack).toContain('streams.test')
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    await expectUsable(worker)
  })

  test('what `finally` throws comes out of `return`', async () => {
    const stream = worker.stream(function* () {
      try {
        for (;;) yield 1
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- it is what is tested
        throw new RangeError('at the end')
      }
    })
    await stream.next()
    expect(await rejection(stream.return(), RemoteError)).toMatchObject({ message: 'at the end' })
    await expectUsable(worker)
  })

  test('an item that can not be sent fails at its place, and ends the generator', async () => {
    const stream = worker.stream(function* (): Generator {
      const { noted } = Object.assign(globalThis, { noted: [] as string[] })
      try {
        yield 'first'
        yield { inner: [() => {}] }
        yield 'never'
      } finally {
        noted.push('ended')
      }
    })
    const { items, error } = await prefixOf(stream)
    expect(items).toEqual(['first'])
    expect(error).toBeInstanceOf(EncodeError)
    expect(error).toMatchObject({ path: 'item[1].inner[0]', executed: 'yes' })
    expect((error as Error).message).toContain('item of a stream')
    expect(await notes()).toEqual(['ended'])
    await expectUsable(worker)
  })

  test('a function that throws before there is anything to iterate', async () => {
    const stream = worker.stream((): number[] => {
      throw new RangeError('at once')
    })
    expect(await rejection(stream.next(), RemoteError)).toMatchObject({ message: 'at once' })
  })

  test('an abort ends it, and rejects with its reason', async () => {
    const controller = new AbortController()
    const reason = new Error('no more')
    const stream = worker.stream(counting, [0], { signal: controller.signal })
    await stream.next()
    controller.abort(reason)
    await expect(stream.next()).rejects.toBe(reason)
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    await until('its finally has run', () => worker.state === 'idle')
    expect(await notes()).toEqual(['ended'])
    expect(() => worker.stream(counting, [0], { signal: controller.signal })).toThrow(reason)
  })

  test('a time that is up ends it, after the items that came', async () => {
    const stream = worker.stream(counting, [0], { timeoutMs: 50, windowItems: 5 })
    const { items, error } = await (async () => {
      await until('the time is up', () => worker.state === 'idle')
      return prefixOf(stream)
    })()
    expect(items).toEqual([0, 1, 2, 3, 4])
    expect(error).toMatchObject({ name: 'CallTimeoutError', timeoutMs: 50 })
    expect(await notes()).toEqual(['ended'])
  })

  test('an interrupt ends foreground streams, and no others', async () => {
    const stream = worker.stream(counting, [0], { windowItems: 4 })
    const background = worker.stream(
      async function* () {
        for (let n = 0; ; n++) yield n
      },
      [],
      { background: true },
    )
    await stream.next()
    await background.next()
    expect(await worker.interrupt()).toMatchObject({ outcome: 'detached' })
    const { items, error } = await prefixOf(stream)
    expect(items).toEqual([1, 2, 3].slice(0, items.length))
    expect(error).toBeInstanceOf(InterruptedError)
    expect(await notes()).toEqual(['ended'])
    for (let n = 1; n < 5000; n++) expect((await background.next()).value).toBe(n)
    await background.return()
    await expectUsable(worker)
  })

  test('streams that were ended in the middle leave no stray frames behind', async () => {
    using recorded = recordEvents({ types: ['frame.dropped'] })
    for (let round = 0; round < 40; round++) {
      const stream = worker.stream(counting, [0])
      await stream.next()
      if (round % 2 === 0) await worker.interrupt()
      await stream.return()
    }
    expect(recorded.events).toEqual([])
    await notes()
    await expectUsable(worker)
  })

  test('with `stop` it gets the time to drain, then its `finally` runs', async () => {
    const stopped = await quietWorker()
    const told = stopped.stream(function* () {
      yield 1
    }, [])
    expect(await collect(told)).toEqual([1])
    const stream = stopped.stream(counting, [0], { windowItems: 3 })
    await stream.next()
    const ended = stopped.stop({ drainMs: 20 })
    const { items, error } = await prefixOf(stream)
    expect(items).toEqual(items.map((_, index) => index + 1))
    expect(error).toBeInstanceOf(WorkerStoppedError)
    expect(await ended).toMatchObject({ type: 'shutdown', exitCode: 0 })
    expect(() => stopped.stream(counting, [0])).toThrow(WorkerStoppedError)
  })
})

describe('beside calls', () => {
  test('with `concurrency` a stream has its turn until it has ended, and may be left before it', async () => {
    const narrow = await quietWorker({ concurrency: 1 })
    const first = narrow.stream(counting, [0])
    const second = narrow.stream(counting, [100])
    const third = narrow.stream(counting, [200])
    expect((await first.next()).value).toBe(0)
    await third.return()
    await first.return()
    expect((await second.next()).value).toBe(100)
    await second.return()
    await expectUsable(narrow)
    await narrow.stop()
  })

  test('wrong options are refused by name', async () => {
    expect(() => worker.stream(counting, [0], { windowItems: 0 })).toThrow(/windowItems.*integer from 1/)
    expect(() => worker.stream(counting, [0], { windowBytes: 1.5 })).toThrow(RangeError)
    expect(() => worker.stream(counting, [0], { window: 5 } as object)).toThrow(/windowItems/)
    expect(() => worker.stream(counting, [0], { result: 'discard' } as object)).toThrow(TypeError)
    await expectUsable(worker)
  })
})

describe('code that does not end', () => {
  whereItCan('interrupt')('a generator that spins is cut off when its consumer leaves', async () => {
    const impatient = await quietWorker({ interruptGraceMs: 200 })
    const stream = impatient.stream(function* () {
      yield 1
      for (;;);
    })
    await stream.next()
    expect(await stream.return()).toEqual({ done: true, value: undefined })
    await expectUsable(impatient)
    await impatient.stop()
  })

  test('what waits for ever is left alone when its consumer leaves', async () => {
    const impatient = await quietWorker({ interruptGraceMs: 100 })
    const stream = impatient.stream(async function* () {
      yield 1
      await new Promise(() => {})
    })
    await stream.next()
    expect(await stream.return()).toEqual({ done: true, value: undefined })
    await expectUsable(impatient)
    await impatient.stop()
  })

  whereItCan('interrupt')('a stream that shares its process with code that is cut off goes on', async () => {
    const stream = worker.stream(
      async function* () {
        for (let n = 0; ; n++) {
          yield n
          await new Promise((resolve) => setImmediate(resolve))
        }
      },
      [],
      { background: true },
    )
    for (let n = 0; n < 5; n++) expect((await stream.next()).value).toBe(n)
    const spinning = worker.call(() => {
      for (;;);
    })
    const cut = rejection(spinning, InterruptedError)
    await worker.interrupt()
    await cut
    for (let n = 5; n < 3000; n++) expect((await stream.next()).value).toBe(n)
    await stream.return()
    await expectUsable(worker)
  })
})

declare const secret: string
