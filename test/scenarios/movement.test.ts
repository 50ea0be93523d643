import { CaptureError, explain, type MovementPlan, type PlanEntry, type Worker } from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { make } from '../fixtures/movement/make.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { agreeingWorker } from './agreement.ts'
import { expectUsable, ofType, recordEvents, recordWarnings, rejection, until } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await agreeingWorker()
})

afterAll(async () => {
  await worker.stop()
})

const sentBytes = async (of = worker): Promise<number> => (await of.stats()).bytes.sent

/** What `act` has put on the data lane. */
async function bytesOf(act: () => Promise<unknown>, of = worker): Promise<number> {
  const before = await sentBytes(of)
  await act()
  return (await sentBytes(of)) - before
}

function entry(plan: MovementPlan, name: string): PlanEntry {
  const found = plan.entries.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no entry ${name} in\n${String(plan)}`)
  return found
}

let x: unknown = 777
// oxlint-disable-next-line no-const-assign -- a test assigns to it, on purpose
const table = { k: 5 }
const named = (): number => 123
function f(): number {
  return 123
}
let written = 1

describe('the session of the forum thread', () => {
  test('a global that is referenced is one new binding; referenced again it is nothing', async () => {
    const read = (): unknown => x
    const plan = worker.explain(read)
    expect(entry(plan, 'x')).toMatchObject({ kind: 'global', action: 'sent' })
    expect(await worker.call(read)).toBe(777)
    expect(worker.globals.list().filter(({ name }) => name === 'x')).toHaveLength(1)
    expect(entry(worker.explain(read), 'x')).toMatchObject({ action: 'unchanged', bytes: 0 })
    expect(await bytesOf(() => worker.call(read))).toBeLessThanOrEqual(32)
  })

  test('a named function works, and so does an anonymous one that is bound to a name', async () => {
    expect(await worker.call(() => f())).toBe(123)
    expect(await worker.call(() => named())).toBe(123)
    expect(
      entry(
        worker.explain(() => f()),
        'f',
      ),
    ).toMatchObject({ kind: 'function', action: 'known' })
    expect(
      entry(
        explain(() => named()),
        'named',
      ),
    ).toMatchObject({ kind: 'function', action: 'sent' })
  })
})

describe('the rules', () => {
  test('a change in place counts, nobody is asked for equality, and A→B→A sends no content again', async () => {
    const read = (): number => table.k
    await worker.call(read)
    table.k = 6
    expect(await worker.call(read)).toBe(6)
    table.k = 5
    const bytes = await bytesOf(async () => expect(await worker.call(read)).toBe(5))
    // A binding and a call, each with a header.
    expect(bytes).toBeLessThan(160)
  })

  test('each worker has its own account, and a new incarnation has nothing', async () => {
    const read = (): unknown => x
    await worker.call(read)
    const other = await agreeingWorker()
    try {
      expect(entry(other.explain(read), 'x').action).toBe('sent')
      expect(await other.call(read)).toBe(x)
    } finally {
      await other.stop()
    }
  })

  test('what the worker assigns stays until the value here changes', async () => {
    const read = (): number => written
    await worker.call(() => {
      written = 100
    })
    expect([written, await worker.call(read)]).toEqual([1, 100])
    written = 2
    expect(await worker.call(read)).toBe(2)
  })

  test('a constant is constant there', async () => {
    const error = await rejection(
      worker.call(() => {
        // @ts-expect-error -- that it is one is the point
        table = 1
      }),
      Error,
    )
    expect(error.message).toContain('Assignment to constant variable.')
    await expectUsable(worker)
  })

  test('an argument and a captured variable define nothing there', async () => {
    const before = worker.globals.list().length
    const local = [1, 2, 3]
    expect(await worker.call((more: number[]) => [...local, ...more].length, [[4]])).toBe(4)
    expect(worker.globals.list()).toHaveLength(before)
    expect(await worker.call(() => Reflect.has(globalThis, 'local'))).toBe(false)
  })

  test('scenario 61: a function of the same name over there stays what it is, and ours runs', async () => {
    await worker.evaluate('globalThis.f = () => 456; 0')
    expect(await worker.call(() => [f(), (globalThis as unknown as { f(): number }).f()])).toEqual([123, 456])
  })

  test('scenario 60: a global that is deleted is sent again, with the value of now', async () => {
    const read = (): unknown => x
    await worker.call(read)
    expect(await worker.globals.get('x')).toBe(777)
    await worker.globals.set('x', 'changed there')
    expect(await worker.call(read)).toBe('changed there')
    expect(await worker.globals.delete('x')).toBe(true)
    expect(await worker.globals.delete('x')).toBe(false)
    await rejection(worker.globals.get('x'), RangeError)
    expect(await worker.call(read)).toBe(777)
    await worker.call(() => table.k)
    await rejection(worker.globals.set('table', 1), TypeError)
  })

  test('values of the moment of the call, also where calls wait for their turn', async () => {
    const one = await agreeingWorker({ concurrency: 1 })
    try {
      x = 'first'
      const calls = [one.call(() => x)]
      x = 'second'
      calls.push(one.call(() => x))
      x = 'third'
      calls.push(one.call(() => x))
      expect(await Promise.all(calls)).toEqual(['first', 'second', 'third'])
    } finally {
      x = 777
      await one.stop()
    }
  })

  test('two functions that share a variable share it there; where that can not be known it is refused', async () => {
    const makeCounter = () => {
      let count = 0
      return { up: () => ++count, get: () => count }
    }
    const { up, get } = makeCounter()
    expect(await worker.call(() => [up(), up(), get()])).toEqual([1, 2, 2])
    const [a, b] = [makeCounter(), makeCounter()]
    const error = await rejection(
      worker.call(() => [a.up(), b.up()]),
      CaptureError,
    )
    expect(error.path).toContain('count')
    expect(error.hint).toContain('Keep it in an object')
  })

  test('captures win over what is found', async () => {
    expect(await worker.call(() => x, [], { captures: { x: 'given' } })).toBe('given')
    expect(await worker.call(() => [x, f()], [], { captures: { x: 'given' } })).toEqual(['given', 123])
  })

  test('stacks show the file and the line', async () => {
    const helper = (): never => {
      throw new RangeError(`helped by ${String(x)}`)
    }
    const error = await rejection(
      worker.call(() => helper()),
      Error,
    )
    expect((error as Error & { remoteStack: string }).remoteStack).toMatch(
      /at helper \(.*movement\.test\.ts:\d+:\d+\)/,
    )
  })
})

test('the plan, the event and what is sent agree to the byte', async () => {
  const other = await agreeingWorker()
  using recorded = recordEvents({ types: ['call.moved'] })
  try {
    const words = ['malt', 'hops']
    const large = new Uint8Array(10_000)
    const functions: (() => unknown)[] = [
      () => 1,
      () => x,
      () => [x, f(), named()],
      () => words.length,
      () => large.length + table.k,
      () => [worker === undefined].length,
    ]
    for (const fn of functions.slice(0, 5)) {
      for (let round = 0; round < 3; round++) {
        const plan = other.explain(fn)
        const sent = await bytesOf(() => other.call(fn), other)
        const moved = ofType(recorded.events, 'call.moved').at(-1)!
        expect([sent, moved.totalBytes, moved.entries]).toEqual([plan.totalBytes, sent, plan.entries])
        if (round > 0) expect(sent).toBeLessThan(256)
        x = round
      }
    }
  } finally {
    x = 777
    await other.stop()
  }
})

describe('the policy', () => {
  const apiKey = 'secret'
  const login = (): string => apiKey

  test('denied names never leave, also through helpers', async () => {
    const careful = await agreeingWorker({ capture: { deny: ['apiKey', /^secret/], maxBytes: 2000 } })
    try {
      const before = await sentBytes(careful)
      const error = await rejection(
        careful.call(() => login()),
        CaptureError,
      )
      expect(error.message).toContain('fn → login → apiKey')
      const big = 'x'.repeat(5000)
      const tooBig = await rejection(
        careful.call(() => big.length),
        CaptureError,
      )
      expect(tooBig.message).toContain('capture.maxBytes (2000)')
      expect(await sentBytes(careful)).toBe(before)
      expect(await careful.call(() => login(), [], { capture: 'auto' })).toBe('secret')
      // What was found for one call is denied to the next.
      await rejection(careful.call(login), CaptureError)
      expect(String(careful.explain(login)).split('\n')[0]).toContain('apiKey')
    } finally {
      await careful.stop()
    }
  })

  test('what `captures` gives counts as well, whichever way it goes, and so does source', async () => {
    const careful = await agreeingWorker({ capture: { maxBytes: 600 } })
    try {
      const given = 'x'.repeat(1000)
      const before = await sentBytes(careful)
      const alone = make('() => given.length')
      const refused = await rejection(careful.call(alone, [], { captures: { given } }), CaptureError)
      expect(refused.why).toContain('(most of it `given`), more than capture.maxBytes (600)')
      const found = await rejection(
        careful.call(() => [f(), given].length, [], { captures: { given } }),
        CaptureError,
      )
      expect(found.why).toContain('capture.maxBytes (600)')
      const long = make(`() => ${'1 +'.repeat(300)} 1`)
      expect((await rejection(careful.call(long), CaptureError)).why).toContain('most of it `fn`')
      expect(careful.explain(alone, [], { captures: { given } }).entries).toMatchObject([
        { action: 'refused' },
      ])
      expect(String(explain(long, [], { capture: { maxBytes: 600 } }))).toContain('Nothing would be sent.')
      expect(await sentBytes(careful)).toBe(before)
      expect(await careful.call(alone, [], { captures: { given: 'short' } })).toBe(5)
      // A value goes with each call, source only once; and arguments are not what this is about.
      expect(await careful.call((text: string) => text.length, ['x'.repeat(2000)])).toBe(2000)
      await rejection(careful.call(alone, [], { captures: { given } }), CaptureError)
    } finally {
      await careful.stop()
    }
  })

  test('a call adds to what its worker forbids, and takes nothing from it', async () => {
    const careful = await agreeingWorker({ capture: { deny: ['apiKey'], maxBytes: 2000 } })
    const strict = await agreeingWorker({ capture: 'explicit' })
    try {
      for (const capture of [{ maxBytes: 10_000_000 }, { deny: [] }, {}]) {
        expect((await rejection(careful.call(login, [], { capture }), CaptureError)).why).toContain('apiKey')
        expect(careful.explain(login, [], { capture }).entries).toMatchObject([{ action: 'refused' }])
        await rejection(strict.call(login, [], { capture }), CaptureError)
      }
      const large = 'x'.repeat(3000)
      const read = (): number => large.length
      const refused = await rejection(careful.call(read, [], { capture: { maxBytes: 9000 } }), CaptureError)
      expect(refused.why).toContain('capture.maxBytes (2000)')
      const smaller = careful.call(f, [], { capture: { maxBytes: 1 } })
      expect((await rejection(smaller, CaptureError)).why).toContain('capture.maxBytes (1)')
      expect(
        (
          await rejection(
            careful.call(() => x, [], { capture: { deny: ['x'] } }),
            CaptureError,
          )
        ).why,
      ).toContain('`x`')
      const given = { captures: { apiKey: 'given' } }
      await rejection(careful.call(login, [], { ...given, capture: 'explicit' }), CaptureError)
      await rejection(strict.call(login, [], { ...given, capture: { deny: ['apiKey'] } }), CaptureError)
      expect(await strict.call(login, [], { ...given, capture: { maxBytes: 2000 } })).toBe('given')
    } finally {
      await careful.stop()
      await strict.stop()
    }
  })

  test('explicit finds nothing', async () => {
    await rejection(worker.call(login, [], { capture: 'explicit' }), CaptureError)
    expect(await worker.call(login, [], { capture: 'explicit', captures: { apiKey: 'given' } })).toBe('given')
    await rejection(worker.call(login, [], { capture: 'none' as never }), TypeError)
  })
})

test('a capture over 1 MB warns, once', async () => {
  using warned = recordWarnings()
  const large = 'x'.repeat(1_100_000)
  const read = (): number => large.length
  await worker.call(read)
  await until('a warning came', () => warned.warnings.length > 0)
  await worker.call(() => large.length + 1)
  expect(warned.warnings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/bytes on its way to a worker.*`worker\.keep\(fn, args\)`/),
  ])
})

test('import() is resolved from the module, wherever the worker is', async () => {
  const away = await agreeingWorker({ cwd: '/' })
  try {
    expect(
      await away.call(async () => (await import('../fixtures/movement/shipped/library.mjs')).describe(1)),
    ).toBe('<1>')
    await expectUsable(away)
  } finally {
    await away.stop()
  }
})
