import { type Channel, EncodeError, InterruptedError, proxy, RemoteError, type Worker } from 'maltster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { can, expectUsable, quietWorker, rejection } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  await worker.stop()
})

type Tell = (n: number) => Promise<void>

test('a function among the arguments is called here, in order, before the call is over', async () => {
  const seen: number[] = []
  const result = await worker.call(
    async (tell: Tell) => {
      await tell(1)
      void tell(2)
      void tell(3)
      return 'done'
    },
    [(n) => void seen.push(n)],
  )
  expect([result, seen]).toEqual(['done', [1, 2, 3]])
})

test('it may stand anywhere in the arguments, may be async, and answers with a copy', async () => {
  const scale = { factor: 3 }
  const answers = await worker.call(
    async ({
      on,
      all,
    }: {
      on: { ask: (n: number) => Promise<unknown> }
      all: ((n: number) => Promise<number>)[]
    }) => [await on.ask(1), ...(await Promise.all(all.map((one) => one(2))))],
    [
      {
        on: { ask: async (n) => new Map([[n, scale]]) },
        all: [(n) => n * scale.factor, async (n) => n + 40],
      },
    ],
  )
  expect(answers).toEqual([new Map([[1, { factor: 3 }]]), 6, 42])
  expect((answers[0] as Map<number, unknown>).get(1)).not.toBe(scale)
})

test('the same function twice is one function there, and what it throws is thrown there', async () => {
  const fail = async (): Promise<void> => {
    throw Object.assign(new RangeError('not that far'), { limit: 7 })
  }
  const caught = await worker.call(
    async (one: Tell, two: Tell) => {
      const error = (await one(1).catch((reason: unknown) => reason)) as Error & Record<string, unknown>
      const { name, message, remoteName, limit, stack = '' } = error
      return { isSame: one === two, name, message, remoteName, limit, hasStack: stack.includes('fail') }
    },
    [fail, fail],
  )
  expect(caught).toEqual({
    isSame: true,
    name: 'RemoteError',
    message: 'not that far',
    remoteName: 'RangeError',
    limit: 7,
    hasStack: true,
  })
})

test('an answer or an argument that can not be sent is an error there, with its path', async () => {
  const errors = await worker.call(
    async (ask: (what: unknown) => Promise<unknown>) => {
      const told = (error: Error & { path?: string }): unknown => [error.name, error.path]
      return [await ask(1).catch(told), await ask({ deep: () => 1 }).catch(told)]
    },
    [() => ({ socket: () => 1 })],
  )
  expect(errors).toEqual([
    ['EncodeError', 'value.socket'],
    ['EncodeError', 'args[0].deep'],
  ])
})

test('it is let go when its call has settled, however that ends', async () => {
  const seen: number[] = []
  const note = (n: number): void => void seen.push(n)
  const keep = (tell: Tell, isOver: boolean): Promise<void> => {
    ;(globalThis as { told?: Tell }).told = tell
    return isOver ? Promise.reject(new Error('over')) : Promise.resolve()
  }
  const late = (): Promise<string> =>
    worker.call(
      () => (globalThis as { told?: Tell }).told!(1).catch((error: Error) => error.name) as Promise<string>,
    )
  await worker.call(keep, [note, false])
  expect(await late()).toBe('ReleasedError')
  await rejection(worker.call(keep, [note, true]), RemoteError)
  expect(await late()).toBe('ReleasedError')
  expect(seen).toEqual([])
})

test('of a call that is interrupted it is let go, too; the function there is told, and the worker lives on', async () => {
  let begun = (): void => {}
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const call = worker.call(
    async (tell: Tell, wait: () => Promise<void>) => {
      await tell(1)
      await wait()
    },
    [() => begun(), () => new Promise<void>(() => {})],
  )
  await hasBegun
  const ended = rejection(call, InterruptedError)
  await worker.interrupt()
  await ended
  await expectUsable(worker)
})

test.each(['interrupt', 'timeoutMs'])(
  'who awaits a callback is told when its call ends by %s',
  async (how) => {
    let end = (): void => {}
    const begun = new Promise<void>((resolve) => {
      end = resolve
    })
    const call = worker.call(
      async (wait: () => Promise<void>, kept: () => Promise<void>) => {
        const names: string[] = []
        Object.assign(globalThis, { ended: names })
        const waits = [wait, kept].map(async (one) => {
          await one().catch((error: Error) => names.push(error.name))
          // Who minds no rejection is told again.
          await one().catch((error: Error) => names.push(error.name))
        })
        await Promise.all(waits)
      },
      [() => (end(), new Promise<void>(() => {})), proxy(() => new Promise<void>(() => {}))],
      how === 'interrupt' ? {} : { timeoutMs: 1000 },
    )
    const ended = rejection(call, Error)
    await begun
    if (how === 'interrupt') await worker.interrupt()
    await ended
    const names = await worker.call(() => (globalThis as { ended?: string[] }).ended)
    expect(names).toEqual(Array.from({ length: 4 }, () => 'InterruptedError'))
    await expectUsable(worker)
  },
)

test('proxy: it stays until it is disposed, wherever it was sent', async () => {
  const seen: number[] = []
  const note = proxy((n: number) => void seen.push(n))
  note(0)
  await worker.call(
    (tell: Tell) => {
      ;(globalThis as { kept?: Tell }).kept = tell
    },
    [note],
  )
  const later = (n: number): Promise<string> =>
    worker.call(
      (value: number) =>
        (globalThis as { kept?: Tell }).kept!(value).then(
          () => 'told',
          (error: Error) => error.name,
        ),
      [n],
    )
  expect(await later(1)).toBe('told')
  const captured = (): Promise<void> => (note as unknown as Tell)(2)
  await worker.call(captured)
  expect(seen).toEqual([0, 1, 2])
  note[Symbol.dispose]()
  expect(await later(3)).toBe('ReleasedError')
  expect(seen).toEqual([0, 1, 2])
})

test('proxy: a function of the worker can be called from here', async () => {
  const add = await worker.evaluate<(a: number, b: number) => Promise<number>>(
    `(await import('maltster/worker')).proxy((a, b) => { if (a < 0) throw new RangeError('below'); return a + b })`,
  )
  expect(await add(40, 2)).toBe(42)
  expect(await rejection(add(-1, 2), RemoteError)).toMatchObject({
    remoteName: 'RangeError',
    message: 'below',
  })
  expect(await worker.call((there: typeof add) => there.name, [add])).toBe('')
})

test('without proxy a function in a result is refused with its path, and a class always is', async () => {
  const refused = await rejection(
    worker.call(() => ({ handlers: [() => 1] })),
    EncodeError,
  )
  expect(refused).toMatchObject({ path: 'result.handlers[0]', executed: 'yes' })
  class Local {
    readonly here = true
  }
  const error = await rejection(
    worker.call((given: unknown) => given, [Local]),
    EncodeError,
  )
  expect(error.path).toBe('args[0]')
  expect(() => proxy(Local as never)).toThrow(TypeError)
  expect(() => worker.cast((given: unknown) => given, [() => 1])).toThrow(EncodeError)
})

test('a cast has no callbacks, and says what serves instead', () => {
  expect(() => worker.cast((tell: Tell) => void tell(1), [async () => {}])).toThrow(/`proxy\(fn\)`/)
})

test('thousands of calls without waiting all come, in order; far more are refused there', async () => {
  const seen: number[] = []
  const outcome = await worker.call(
    async (tell: Tell) => {
      const calls = Array.from({ length: 5000 }, (_, n) => tell(n))
      await Promise.all(calls)
      const many = Array.from({ length: 20_000 }, (_, n) => tell(5000 + n))
      const settled = await Promise.allSettled(many)
      const refused = settled.filter(({ status }) => status === 'rejected')
      const first = refused[0] as PromiseRejectedResult
      return { refused: refused.length, name: (first.reason as Error).name }
    },
    [(n) => void seen.push(n)],
  )
  expect(outcome.name).toBe('BackpressureError')
  expect(outcome.refused).toBe(20_000 - 10_000 - 1024)
  expect(seen).toEqual(Array.from({ length: 5000 + 11_024 }, (_, n) => n))
})

test.each(['returned', 'threw', 'yielded'])(
  'thousands of calls that nobody awaits all come before the call that %s is over',
  async (how) => {
    const seen: number[] = []
    const note = (n: number): undefined => void seen.push(n)
    if (how === 'yielded') {
      const stream = worker.stream(
        function* (tell: Tell) {
          for (let n = 0; n < 3000; n++) void tell(n)
          yield 'all'
          for (let n = 3000; n < 6000; n++) void tell(n)
        },
        [note],
      )
      for await (const item of stream) expect(item).toBe('all')
    } else {
      const call = worker.call(
        (tell: Tell, fails: boolean) => {
          for (let n = 0; n < 6000; n++) void tell(n)
          if (fails) throw new Error('in the end')
        },
        [note, how === 'threw'],
      )
      await call.catch((error: Error) => expect(error.message).toBe('in the end'))
    }
    expect(seen).toEqual(Array.from({ length: 6000 }, (_, n) => n))
  },
)

test('through a worker in a worker it is called here', async () => {
  const seen: number[] = []
  const total = await worker.call(
    async (tell: (n: number) => Promise<number>, isProcess: boolean) => {
      const { inProcessWorker, spawnWorker } = await import('maltster')
      const below = isProcess ? await spawnWorker({ stdout: 'ignore' }) : await inProcessWorker()
      const sum = await below.call(async (told: typeof tell) => (await told(1)) + (await told(2)), [tell])
      await below.stop()
      return sum
    },
    [
      (n) => {
        seen.push(n)
        return n * 10
      },
      can('process'),
    ],
  )
  expect([seen, total]).toEqual([[1, 2], 30])
})

test('a getter among the arguments may itself make a call with callbacks', async () => {
  const seen: string[] = []
  const call = (name: string, inner: () => unknown): Promise<unknown> =>
    worker.call(
      async (given: {
        first: (text: string) => Promise<void>
        inner: unknown
        last: (text: string) => Promise<void>
      }) => {
        await given.first('first')
        await given.last('last')
      },
      [
        {
          first: (text) => void seen.push(`${name} ${text}`),
          get inner() {
            return inner()
          },
          last: (text) => void seen.push(`${name} ${text}`),
        },
      ],
    )
  let below: Promise<unknown> | undefined
  await call('outer', () => {
    below ??= call('inner', () => null)
    return 1
  })
  await below
  expect(seen.toSorted()).toEqual(['inner first', 'inner last', 'outer first', 'outer last'])
})

/* oxlint-disable unicorn/no-thenable -- they are what it is about */
test('a function under `then` is not sent, by whatever way: nobody could await what has it', async () => {
  const hidden = async (): Promise<object> => {
    const { proxy: wrap } = await import('maltster')
    const fn = wrap(() => 1)
    let reads = 0
    const value: object = {
      get then() {
        return reads++ === 0 ? undefined : fn
      },
    }
    return value
  }
  const called = await rejection(worker.call(hidden, [], { timeoutMs: 20_000 }), EncodeError)
  expect(called).toMatchObject({ path: 'result.then' })
  const channel = worker.channel({ capacity: 4 })
  using fn = proxy(() => 1)
  await rejection(channel.send({ then: fn }), EncodeError)
  const sent = worker.call(
    async (to: Channel) => {
      const { proxy: wrap } = await import('maltster')
      await to.send({ then: wrap(() => 1) })
    },
    [channel],
  )
  expect((await rejection(sent, RemoteError)).remoteName).toBe('EncodeError')
  expect(await channel.size()).toBe(0)
  const streamed = worker
    .stream(async function* () {
      const { proxy: wrap } = await import('maltster')
      yield [{ then: wrap(() => 1) }]
    })
    .next()
  expect(await rejection(streamed, EncodeError)).toMatchObject({ path: 'item[0][0].then' })
  const answered = worker.call(
    async (ask: () => Promise<unknown>) => {
      const answer = await ask().catch((error: Error) => error.name)
      return answer
    },
    [
      async () => {
        let reads = 0
        const value: object = {
          get then() {
            return reads++ === 0 ? undefined : fn
          },
        }
        return value
      },
    ],
  )
  expect(await answered).toBe('EncodeError')
  channel.close()
  await expectUsable(worker)
})
