import { RemoteError, type Worker } from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { collect, notesOf } from './stream-items.ts'
import { expectUsable, quietWorker, rejection } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  await worker.stop()
})

const notes = (): Promise<string[]> => notesOf(worker)

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

  test('a generator may call back, and yield channels; functions it may not yield', async () => {
    const channel = worker.channel<string>({ capacity: 2 })
    const told: number[] = []
    const items = worker.stream(
      async function* (given: typeof channel, tell: (n: number) => void | Promise<void>) {
        for (let n = 0; n < 3; n++) {
          await tell(n)
          yield { given, n }
        }
        await given.send('sent there')
      },
      [channel, (n: number) => void told.push(n)],
    )
    let count = 0
    for await (const { given, n } of items) {
      expect(given).toBe(channel)
      expect(n).toBe(count++)
    }
    expect(count).toBe(3)
    expect(told).toEqual([0, 1, 2])
    expect(await channel.receive()).toBe('sent there')
    channel.close()
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

  test('a generator begins when it is called, and goes no further than the window', async () => {
    const stream = worker.stream(
      function* () {
        const seen = Object.assign(globalThis, { made: 0 })
        for (;;) yield ++seen.made
      },
      [],
      { windowItems: 10, background: true },
    )
    const made = (): Promise<number> => worker.call(() => (globalThis as { made?: number }).made ?? 0)
    await expect.poll(made).toBe(10)
    expect(await made()).toBe(10)
    expect((await stream.next()).value).toBe(1)
    await stream.return()
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

declare const secret: string
