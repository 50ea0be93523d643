import {
  type Arguments,
  CallTimeoutError,
  type Channel,
  EncodeError,
  explain,
  type InterruptedError,
  ReleasedError,
  RemoteError,
  type RemoteRef,
  type Worker,
  WorkerDiedError,
  WorkerStoppedError,
} from 'maltster'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import {
  can,
  expectUsable,
  ofType,
  quietWorker,
  recordEvents,
  rejection,
  until,
  whereItCan,
} from './workers.ts'

useLeakCheck('file')

declare global {
  var weakly: Record<string, WeakRef<object>>
}

let worker: Worker
let other: Worker

beforeAll(async () => {
  ;[worker, other] = await Promise.all([quietWorker(), quietWorker()])
})

afterAll(async () => {
  await Promise.all([worker.stop(), other.stop()])
})

/** A value that the worker keeps, and that it knows weakly under a name. */
const keepWeakly = (name: string, at = worker): Promise<RemoteRef<{ name: string; big: number[] }>> =>
  at.keep(
    (given: string) => {
      const value = { name: given, big: Array.from({ length: 1000 }, (_, i) => i) }
      globalThis.weakly ??= {}
      globalThis.weakly[given] = new WeakRef(value)
      return value
    },
    [name],
  )

/** Whether the worker still has it, after the collector has been there. */
const isThere = (name: string, at = worker): Promise<boolean> =>
  at.call(
    async (given: string) => {
      // What was looked at in this turn is kept until the next.
      await new Promise((resolve) => setImmediate(resolve))
      process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc')
      const collect = process.getBuiltinModule('node:vm').runInNewContext('gc') as () => void
      collect()
      return globalThis.weakly[given]?.deref() !== undefined
    },
    [name],
  )

async function expectGone(name: string, at = worker): Promise<void> {
  for (let i = 0; i < 50; i++) if (!(await isThere(name, at))) return
  throw new Error(`${name} is still there`)
}

test('scenario 57: the value stays there, can be mapped there, and is fetched once', async () => {
  using numbers = await worker.keep((n: number) => Array.from({ length: n }, (_, i) => i), [1000])
  using sum = await numbers.map((values) => values.reduce((a, b) => a + b))
  using recorded = recordEvents({ types: ['call.started'] })
  expect(await Promise.all([sum.get(), sum.get()])).toEqual([499_500, 499_500])
  expect(await sum.get()).toBe(499_500)
  expect(recorded.events).toHaveLength(1)
  expect(await numbers.get()).toBe(await numbers.get())
  expect(recorded.events).toHaveLength(2)
  expect(await numbers.get({ fresh: true })).toEqual(await numbers.get())
  expect(recorded.events).toHaveLength(3)
})

test('as an argument it is the value itself, wherever it stands, and a later copy shows what became of it', async () => {
  using list = await worker.keep(() => [1])
  expect(await list.get()).toEqual([1])
  await worker.call((values: number[]) => values.push(2), [list])
  expect(await list.get()).toEqual([1, 2])
  const isSame = (a: unknown, b: { in: Map<string, unknown> }): boolean => a === b.in.get('map')
  expect(await worker.call(isSame, [list, { in: new Map([['map', list]]) }])).toBe(true)
  using again = await worker.keep((values: number[]) => values, [list])
  expect(again.number).not.toBe(list.number)
  expect(await worker.call((a: unknown, b: unknown) => a === b, [list, again])).toBe(true)
  again.dispose()
  expect(await worker.call((values: number[]) => values.length, [list])).toBe(2)
})

test('captured it is the value itself, too', async () => {
  using list = await worker.keep(() => [1, 2, 3])
  const value = list as unknown as number[]
  expect(await worker.call(() => value.length)).toBe(3)
  expect(await worker.call((n: number) => value.push(n), [4])).toBe(4)
  expect(await list.get()).toEqual([1, 2, 3, 4])
  expect(await worker.call(() => value.length, [], { captures: { value } })).toBe(4)
})

test('what is kept need not be sendable', async () => {
  using counter = await worker.keep(() => {
    let count = 0
    return { next: () => ++count }
  })
  expect(await worker.call(({ next }) => next(), [counter as never])).toBe(1)
  expect(await worker.call(({ next }) => next(), [counter as never])).toBe(2)
  expect(await rejection(counter.get(), EncodeError)).toMatchObject({ path: 'result.next', executed: 'yes' })
  using nothing = await worker.keep(() => {})
  expect(await nothing.get()).toBe(undefined)
  await expectUsable(worker)
})

test('a worker lists what it keeps', async () => {
  using map = await worker.keep(() => new Map([['a', 'b']]))
  using bytes = await worker.keep(async () => new Uint8Array(1e6))
  const [first, second, ...more] = worker.refs()
  expect(more).toEqual([])
  expect(first).toMatchObject({ number: map.number, type: 'Map' })
  expect(second).toMatchObject({ number: bytes.number, type: 'Uint8Array' })
  expect(second!.bytes).toBeGreaterThanOrEqual(1e6)
  expect(second!.bytes).toBeLessThan(1.1e6)
  expect(first!.ageMs).toBeGreaterThanOrEqual(second!.ageMs)
  expect(String(map)).toBe(`RemoteRef ${map.number} (Map) of worker ${worker.path}`)
  map.dispose()
  expect(worker.refs()).toHaveLength(1)
})

test('`get` sees what a call does that was under way when it asked', async () => {
  using list = await worker.keep(() => [1])
  using gate = worker.channel<string>({ capacity: 0 })
  const changing = worker.call(
    async (values: number[], from: Channel<string>) => {
      await from.receive()
      values.push(2)
    },
    [list, gate],
  )
  expect(await list.get()).toEqual([1])
  await gate.send('go')
  await changing
  expect(await list.get()).toEqual([1, 2])
  expect(await list.get()).toBe(await list.get())
  // What never tells that it is done may change it at any time.
  worker.cast(
    async (values: number[], from: Channel<string>) => {
      await from.receive()
      values.push(3)
    },
    [list, gate],
  )
  expect(await list.get()).toEqual([1, 2])
  await gate.send('go')
  await expect.poll(() => list.get()).toEqual([1, 2, 3])
})

test('a call that was refused leaves no trace at the values it was to be given', async () => {
  using list = await worker.keep(() => [1])
  const copy = await list.get()
  await rejection(
    worker.call((..._given: unknown[]) => null, [list, Symbol('no')]),
    EncodeError,
  )
  const again = await list.get()
  expect(again).not.toBe(copy)
  expect(await list.get()).toBe(again)
})

test('a reference in a channel that another worker asks for stays in it, and the error says why', async () => {
  using list = await worker.keep(() => [1])
  using channel = worker.channel({ capacity: 2 })
  await channel.send(list)
  const asked = other.call((from: Channel) => from.receive(), [channel])
  expect((await rejection(asked, RemoteError)).message).toMatch(/stays in it.*RemoteRef/)
  expect(await channel.size()).toBe(1)
  expect(await worker.call(async (from: Channel) => from.receive(), [channel])).toEqual([1])
})

describe('another worker', () => {
  test('gets a copy, which is fetched first, and keeps nothing', async () => {
    using list = await worker.keep(() => [1, 2])
    using text = await worker.keep(() => 'text')
    expect(await other.call((values: number[]) => values.push(3), [list])).toBe(3)
    expect(await list.get({ fresh: true })).toEqual([1, 2])
    using own = await other.keep(() => 'own')
    const all = await other.call((...given: unknown[]) => given, [list, own, text, list])
    expect(all).toEqual([[1, 2], 'own', 'text', [1, 2]])
    using joined = await other.keep((values: number[], word: string) => values.join() + word, [list, text])
    expect(await joined.get()).toBe('1,2text')
    const value = list as unknown as number[]
    expect(await other.call(() => value.length)).toBe(2)
    await until('only the two that are in use are kept', () => other.refs().length === 2)
  })

  test('is refused where nothing waits for a fetch', async () => {
    using list = await worker.keep(() => [1, 2])
    const message = /args\[0\] can't be sent.*fetched first by `call` and `keep`.*pass what its `get` gives/
    expect(() => other.cast((values: number[]) => values.length, [list])).toThrow(message)
    await expect(
      (async () => {
        for await (const _ of other.stream((values: number[]) => values, [list])) break
      })(),
    ).rejects.toThrow(message)
    await expectUsable(other)
  })

  test('gets nothing, and is asked for nothing, if the value can not be had', async () => {
    using fn = await worker.keep(() => () => 1)
    using recorded = recordEvents({ types: ['call.started'], path: other.path })
    await rejection(
      other.call((given: unknown) => given, [fn]),
      EncodeError,
    )
    expect(recorded.events).toEqual([])
  })
})

test('explain says what goes: a number, or a value that is fetched first', async () => {
  using list = await worker.keep(() => [1, 2, 3])
  const here = worker.explain((values: number[]) => values, [list])
  expect(here.entries.at(-1)).toMatchObject({
    name: 'args[0]',
    kind: 'argument',
    action: 'reference',
    bytes: 0,
  })
  const there = other.explain((values: number[]) => values, [list])
  expect(there.entries.at(-1)).toMatchObject({ name: 'args[0]', action: 'sent', bytes: list.bytes })
  expect(there.entries.at(-1)!.reason).toContain('fetched first')
  const captured = worker.explain(() => list)
  expect(captured.entries.at(-1)).toMatchObject({ kind: 'capture', action: 'reference', bytes: 0 })
  const deep = worker.explain((given: { in: unknown }) => given, [{ in: list }])
  expect(deep.entries.at(-1)).toMatchObject({ name: `reference ${list.number}`, kind: 'argument', bytes: 0 })
  const anywhere = explain((values: number[]) => values, [list])
  expect(anywhere.entries.at(-1)).toMatchObject({ name: 'args[0]', action: 'sent', bytes: list.bytes })
  list.dispose()
  const refused = worker.explain((values: number[]) => values, [list])
  expect(refused.entries[0]).toMatchObject({ action: 'refused' })
})

test('what explain says of callbacks, channels and references is what goes, to the byte', async () => {
  using list = await worker.keep(() => [1, 2, 3])
  const channel = worker.channel()
  const fn = (values: number[], more: { tell: () => Promise<void>; channel: object }): number =>
    values.length + Object.keys(more).length
  const args: Arguments<Parameters<typeof fn>> = [list, { tell: () => {}, channel }]
  for (let round = 0; round < 3; round++) {
    const plan = worker.explain(fn, args)
    expect(plan.entries.map(({ name, action }) => `${name} ${action}`)).toEqual([
      `fn ${round === 0 ? 'sent' : 'known'}`,
      'arguments sent',
      'args[0] reference',
      'tell reference',
      'channel reference',
    ])
    using recorded = recordEvents({ types: ['call.moved'], path: worker.path })
    expect(await worker.call(fn, args)).toBe(5)
    const [moved] = ofType(recorded.events, 'call.moved')
    expect(moved!.totalBytes).toBe(plan.totalBytes)
  }
  channel.close()
})

describe('dispose', () => {
  test('frees the value', async () => {
    const ref = await keepWeakly('disposed')
    expect(await isThere('disposed')).toBe(true)
    await worker.call((value: object) => value !== undefined, [ref])
    ref.dispose()
    ref.dispose()
    await expectGone('disposed')
  })

  test('frees the value that variables of modules have been given', async () => {
    const ref = await keepWeakly('bound')
    const { capturing } = await import('../fixtures/modules/capturing.mjs')
    const read = capturing(ref)
    expect(await worker.call(read)).toBe('bound')
    ref.dispose()
    await expectGone('bound')
    await expect(worker.call(read)).rejects.toBeInstanceOf(ReleasedError)
  })

  test('refuses all later use, before anything is sent', async () => {
    const ref = await worker.keep(() => 1)
    expect(await ref.get()).toBe(1)
    ref.dispose()
    expect(ref.isReleased).toBe(true)
    for (const use of [
      () => ref.get(),
      () => ref.map((n) => n),
      () => worker.call((n: number) => n, [ref]),
      () => worker.keep((n: number) => n, [{ deep: [ref] } as never]),
      () => other.call((n: number) => n, [ref]),
    ]) {
      const error = await rejection(use(), ReleasedError)
      expect(error.message).toContain(
        `RemoteRef ${ref.number} (number) of worker ${worker.path} was disposed`,
      )
    }
    await expectUsable(worker)
  })

  test('waits for calls that wait for their turn', async () => {
    await using narrow = await quietWorker({ concurrency: 1 })
    const ref = await narrow.keep(() => ({ n: 1 }))
    const first = narrow.call(() => new Promise((resolve) => setTimeout(resolve, 50)))
    const second = narrow.call(({ n }: { n: number }) => n, [ref])
    ref.dispose()
    await first
    expect(await second).toBe(1)
  })

  test('a reference that nobody has any more is let go', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const number = await (async () => (await keepWeakly('lost')).number)()
    expect(worker.refs()).toMatchObject([{ number }])
    for (let i = 0; i < 100 && worker.refs().length > 0; i++) {
      await new Promise((resolve) => setImmediate(resolve))
      collect()
    }
    expect(worker.refs()).toEqual([])
    await expectGone('lost')
  })
})

test('a keep that was given up leaves nothing, be its answer on the way or not', async () => {
  let lateAnswers = 0
  using recorded = recordEvents({ types: ['frame.dropped'] })
  for (const spinMs of [0, 1, 2, 4, 8, 16, 32, 64, 250, 1000, 4000]) {
    // On a busy machine it may take that long until the worker gets to run beside this process.
    if (spinMs > 64 && (lateAnswers > 0 || !can('process'))) break
    const name = `given up after ${spinMs}`
    const controller = new AbortController()
    const kept = worker
      .keep(
        (given: string) => {
          const value = { big: given }
          globalThis.weakly ??= {}
          globalThis.weakly[given] = new WeakRef(value)
          return value
        },
        [name],
        { signal: controller.signal },
      )
      .catch((error: unknown) => error)
    await new Promise((resolve) => setImmediate(resolve))
    // An answer that comes meanwhile has not been read when the signal aborts.
    const end = performance.now() + spinMs
    while (performance.now() < end) Math.sqrt(2)
    controller.abort()
    const settled = await kept
    if (settled !== controller.signal.reason) (settled as RemoteRef<object>).dispose()
    const isBegun = await worker.call((given: string) => globalThis.weakly?.[given] !== undefined, [name])
    if (isBegun) await expectGone(name)
    lateAnswers = recorded.events.length
  }
  // Without a process of its own it can't answer while this one is busy.
  if (can('process')) expect(lateAnswers).toBeGreaterThan(0)
  expect(worker.refs()).toEqual([])
})

test('errors and options are those of a call', async () => {
  const thrown = await rejection(
    worker.keep(() => {
      throw new RangeError('out of it')
    }),
    RemoteError,
  )
  expect(thrown.remoteName).toBe('RangeError')
  await rejection(
    worker.keep(() => new Promise(() => {}), [], { timeoutMs: 50 }),
    CallTimeoutError,
  )
  const wrong = worker.keep(() => 1, [], { result: 'discard' } as never)
  expect((await rejection(wrong, TypeError)).message).toMatch(/`keep` has no option `result`/)
  using ref = await worker.keep(() => 1)
  const wrongGet = ref.get({ fresch: true } as never)
  expect((await rejection(wrongGet, TypeError)).message).toMatch(/Did you mean `fresh`/)
  expect(await ref.get()).toBe(1)
})

whereItCan('interrupt')('an interrupt leaves it alone', async () => {
  using ref = await worker.keep(() => ({ n: 1 }))
  await worker.call((value: { n: number }) => value.n++, [ref])
  const spinning = worker
    .call(
      (value: { n: number }) => {
        while (value.n > 0);
      },
      [ref],
    )
    .catch((error: InterruptedError) => error.name)
  const keeping = worker
    .keep(() => {
      while (true);
    })
    .catch((error: InterruptedError) => error.name)
  await worker.interrupt()
  expect([await spinning, await keeping]).toEqual(['InterruptedError', 'InterruptedError'])
  expect(await ref.get()).toEqual({ n: 2 })
})

whereItCan('process')('with its worker it is gone, by name, also for another worker', async () => {
  const mortal = await quietWorker()
  const ref = await mortal.keep(() => 'lost')
  expect(await ref.get()).toBe('lost')
  mortal.kill()
  await mortal.exited
  for (const use of [
    () => ref.get(),
    () => ref.map((text) => text),
    () => mortal.call((text: string) => text, [ref]),
    () => worker.call((text: string) => text, [ref]),
  ]) {
    const error = await rejection(use(), WorkerDiedError)
    expect(error).toMatchObject({ worker: mortal.path })
  }
  expect(mortal.refs()).toEqual([])
  ref.dispose()
})

test('with its worker it is gone: stopped', async () => {
  const mortal = await quietWorker()
  using ref = await mortal.keep(() => 'lost')
  await mortal.stop()
  expect(await rejection(ref.get(), WorkerStoppedError)).toMatchObject({ worker: mortal.path })
})

whereItCan('process')('a worker keeps values in a worker of its own, and may tell of them', async () => {
  using recorded = recordEvents({ types: ['call.settled'] })
  const ref = await worker.call(async () => {
    const { spawnWorker } = await import('maltster')
    const inner = await spawnWorker()
    const kept = await inner.keep(() => ['deep'])
    if ((await kept.map((list) => list.length).then((length) => length.get())) !== 1)
      throw new Error('length')
    return kept
  })
  expect(recorded.events.length).toBeGreaterThan(0)
  expect(ref.type).toBe('Array')
  expect(await ref.get()).toEqual(['deep'])
  expect(await other.call((list: string[]) => list[0], [ref as never])).toBe('deep')
  await expect(ref.map((list) => list)).rejects.toThrow(/kept by a worker of that worker: map it there/)
  ref.dispose()
  await worker.call(async () => {
    const { liveWorkers } = await import('maltster')
    await Promise.all(liveWorkers().map((one) => one.stop()))
  })
})
