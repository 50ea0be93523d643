import {
  CallTimeoutError,
  EncodeError,
  InterruptedError,
  RemoteError,
  WorkerStoppedError,
  type Worker,
} from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { collect, notesOf } from './stream-items.ts'
import { expectUsable, ofType, quietWorker, recordEvents, rejection, until, whereItCan } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  await worker.stop()
})

const notes = (): Promise<string[]> => notesOf(worker)

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
    expect((error as Error).stack).toContain('stream-ends.test')
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

  test('so it does where the generator has ended ahead of its reader; what `next` has told is not told again', async () => {
    using seen = recordEvents({ types: ['call.settled'] })
    const failing = function* (): Generator<number> {
      try {
        yield 1
        yield 2
      } finally {
        // oxlint-disable-next-line no-unsafe-finally -- it is what is tested
        throw new RangeError('at the end')
      }
    }
    const left = worker.stream(failing)
    const read = worker.stream(failing)
    expect(await left.next()).toEqual({ done: false, value: 1 })
    await until('both have ended', () => seen.events.length === 2)
    const over = { done: true, value: undefined }
    expect(await rejection(left.return(), RemoteError)).toMatchObject({ message: 'at the end' })
    expect([await left.next(), await left.return()]).toEqual([over, over])
    expect(await prefixOf(read)).toMatchObject({ items: [1, 2], error: { message: 'at the end' } })
    expect([await read.return(), await read.next()]).toEqual([over, over])
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
    const stream = worker.stream(counting, [0], { timeoutMs: 1000, windowItems: 5 })
    const { items, error } = await (async () => {
      await until('the time is up', () => worker.state === 'idle')
      return prefixOf(stream)
    })()
    expect(items).toEqual([0, 1, 2, 3, 4])
    expect(error).toMatchObject({ name: 'CallTimeoutError', timeoutMs: 1000 })
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

  test('each stream is told as one call that began and settled', async () => {
    using recorded = recordEvents({ types: ['call.started', 'call.settled'] })
    await collect(worker.stream(() => [1]))
    await worker.stream(counting, [0]).return()
    const impatient = await quietWorker({ interruptGraceMs: 20 })
    const waiting = impatient.stream(async function* () {
      await new Promise(() => {})
      yield 1
    })
    await waiting.return()
    await impatient.stop()
    const told = ofType(recorded.events, 'call.settled').map(({ outcome }) => outcome)
    expect(told).toEqual(['ok', 'ok', 'ok'])
    expect(ofType(recorded.events, 'call.started')).toHaveLength(3)
    await notes()
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

/** Yields at every turn, so that there is always something on its way. */
async function* ticking(): AsyncGenerator<number> {
  for (let n = 0; ; n++) {
    yield n
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const failureOf = async (stream: AsyncIterable<unknown>): Promise<unknown> => (await prefixOf(stream)).error

describe('items that come too late', () => {
  test('streams whose time is up take nothing else with them', async () => {
    const own = await quietWorker()
    const other = own.call(() => new Promise((resolve) => setTimeout(resolve, 1500, 'fine')))
    const streams = Array.from({ length: 30 }, () => own.stream(ticking, [], { timeoutMs: 300 }))
    const failures = await Promise.all(streams.map(failureOf))
    expect(failures.every((error) => error instanceof CallTimeoutError)).toBe(true)
    expect(await other).toBe('fine')
    await expectUsable(own)
    await own.stop()
  })

  test.each(['abort', 'interrupt'])('any number of streams may end at once, by %s', async (way) => {
    const own = await quietWorker()
    const aborting = new AbortController()
    const { signal } = aborting
    const all = Array.from({ length: 1200 }, () => own.stream(ticking, [], { signal }))
    for (const stream of all) expect((await stream.next()).value).toBe(0)
    const failures = Promise.all(all.map(failureOf))
    if (way === 'abort') aborting.abort()
    else await own.interrupt()
    const expected = way === 'abort' ? 'AbortError' : 'InterruptedError'
    expect(new Set((await failures).map((error) => (error as Error).name))).toEqual(new Set([expected]))
    // Each call that was aborted has its own interrupt, and these take their time.
    expect(await own.call((a: number, b: number) => a + b, [20, 22])).toBe(42)
    own.kill()
    await own.exited
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

  whereItCan('process')('what waits for ever does not keep its worker from ending in order', async () => {
    for (const way of ['timeout', 'interrupt']) {
      const own = await quietWorker()
      const stream = own.stream(
        async function* () {
          yield 1
          await new Promise(() => setInterval(() => {}, 1000))
        },
        [],
        way === 'timeout' ? { timeoutMs: 100 } : {},
      )
      const failed = failureOf(stream)
      if (way === 'interrupt') await own.interrupt()
      expect(await failed).toBeInstanceOf(way === 'timeout' ? CallTimeoutError : InterruptedError)
      expect(await own.stop({ exitMs: 20_000 })).toMatchObject({ exitCode: 0, signal: null })
    }
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
