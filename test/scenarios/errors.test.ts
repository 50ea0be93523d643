import { EncodeError, RemoteError, type Worker } from 'maltster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, rejection } from './workers.ts'

useLeakCheck('file')

const tasks = new URL('../fixtures/worker/tasks.mjs', import.meta.url).href
let worker: Worker

beforeAll(async () => {
  worker = await quietWorker({ name: 'thrower' })
})

afterAll(async () => {
  await worker.stop()
})

test('scenario 19: a remote throw has name, message, both stacks, the worker, and its causes', async () => {
  async function theCaller(): Promise<void> {
    await worker.call({ module: tasks, export: 'throwDeep' })
  }
  const error = await rejection(theCaller(), RemoteError)
  expect(error).toMatchObject({
    code: 'ERR_MALTSTER_REMOTE',
    remoteName: 'RangeError',
    message: 'the outer one',
    worker: 'thrower',
    pid: worker.pid,
  })
  expect(error.remoteStack).toMatch(/throwDeep .*tasks\.mjs:\d+:\d+/)
  expect(error.stack).toMatch(/tasks\.mjs:\d+:\d+[^]*called from[^]*theCaller .*errors\.test\.ts:\d+/)
  const { cause } = error as { cause?: unknown }
  expect(cause).toBeInstanceOf(RemoteError)
  expect(cause).toMatchObject({ remoteName: 'TypeError', message: 'the inner one', cause: 'a plain reason' })
  await expectUsable(worker)
})

test('scenario 20: an error class that only the worker has is told in its own words', async () => {
  const error = await rejection(worker.call({ module: tasks, export: 'throwOwnClass' }), RemoteError)
  expect(error.remoteName).toBe('SecretError')
  expect(error.message).toContain('secretttzz')
  expect(error.properties).toMatchObject({ level: 7, detail: { deep: [1, 2] } })
  expect(error).toMatchObject({ level: 7 })
})

test('F46: whatever is thrown, the call rejects with a RemoteError and the worker stays', async () => {
  const { pid } = worker
  const text = await rejection(
    worker.call(() => {
      throw 'only text'
    }),
    RemoteError,
  )
  expect(text).toMatchObject({ message: expect.stringContaining('only text') as string, cause: 'only text' })
  const nothing = await rejection(
    worker.call(() => {
      throw null
    }),
    RemoteError,
  )
  expect(nothing.message).toContain('null')
  await rejection(
    worker.call(async () => {
      throw undefined
    }),
    RemoteError,
  )
  const frozen = await rejection(
    worker.call(() => {
      throw Object.freeze(new Error('frozen'))
    }),
    RemoteError,
  )
  expect(frozen.message).toBe('frozen')
  await expectUsable(worker)
  expect(worker.pid).toBe(pid)
})

test('F46: errors that fight back when they are looked at are still told', async () => {
  await using own = await quietWorker()
  const getters = own.call(() => {
    const error = new Error('fine')
    for (const key of ['name', 'message', 'stack', 'cause', 'own']) {
      Object.defineProperty(error, key, {
        enumerable: true,
        get() {
          throw new Error(`no ${key}`)
        },
      })
    }
    throw error
  })
  await rejection(getters, RemoteError)
  const noPrototype = own.call(() => {
    throw Object.create(null)
  })
  await rejection(noPrototype, RemoteError)
  const cyclic = own.call(() => {
    const error: Error & { self?: unknown; cause?: unknown } = new Error('cyclic')
    error.self = error
    error.cause = error
    throw error
  })
  expect((await rejection(cyclic, RemoteError)).message).toBe('cyclic')
  await expectUsable(own)
})

test('F46: a proxy that is thrown, or a revoked one, is still told', async () => {
  await using own = await quietWorker()
  const proxy = own.call(() => {
    throw new Proxy(new Error('fine'), {
      get() {
        throw new Error('no get')
      },
      ownKeys() {
        throw new Error('no keys')
      },
    })
  })
  await rejection(proxy, RemoteError)
  const revoked = own.call(() => {
    const { proxy: gone, revoke } = Proxy.revocable(new Error('fine'), {})
    revoke()
    throw gone
  })
  await rejection(revoked, RemoteError)
  await expectUsable(own)
})

test('F46: a thenable that throws, and one that settles twice, settle their call once', async () => {
  await using own = await quietWorker()
  await rejection(
    own.call(() => ({
      // eslint-disable-next-line unicorn/no-thenable
      then() {
        throw new Error('from then')
      },
    })),
    RemoteError,
  )
  const twice = own.call(() => ({
    // eslint-disable-next-line unicorn/no-thenable
    then(resolve: (value: number) => void, reject: (error: Error) => void) {
      resolve(1)
      reject(new Error('no'))
      resolve(2)
    },
  }))
  expect(await twice).toBe(1)
  await expectUsable(own)
})

test('F46: a huge error is cut short, not lost', async () => {
  await using own = await quietWorker()
  const huge = own.call(() => {
    throw Object.assign(new Error('x'.repeat(70 * 2 ** 20)), { name: 'Huge' })
  })
  const error = await rejection(huge, RemoteError)
  expect(error.remoteName).toBe('Huge')
  await expectUsable(own)
})

test('F47: a result that can not be sent names its path, and the worker stays', async () => {
  const fault = await rejection(
    worker.call(() => ({ a: [0, 1, 2, { fn: () => 1 }] })),
    EncodeError,
  )
  expect(fault).toMatchObject({ path: 'result.a[3].fn', executed: 'yes', worker: 'thrower' })
  await rejection(
    worker.call(async () => process.stdout as unknown),
    EncodeError,
  )
  await expectUsable(worker)
})

test('F48: an argument that can not be sent rejects before a byte is written', async () => {
  const before = await worker.stats()
  const fault = await rejection(
    worker.call((given: unknown) => typeof given, [{ list: [1, { key: Symbol('mine') }] }]),
    EncodeError,
  )
  expect(fault).toMatchObject({ path: 'args[0].list[1].key', executed: 'no' })
  for (const bad of [Symbol('s'), new WeakMap(), Promise.resolve(), new Proxy({}, {}), process.stdout]) {
    const error: unknown = await worker
      .call((given: unknown) => typeof given, [bad])
      .catch((caught: unknown) => caught)
    // A proxy of a plain object is one to everybody who looks.
    if (typeof error !== 'string') expect(error).toBeInstanceOf(EncodeError)
  }
  expect(worker.state).toBe('idle')
  expect((await worker.stats()).calls.pending).toBe(0)
  expect((await worker.stats()).bytes.sent - before.bytes.sent).toBeLessThan(1000)
  await expectUsable(worker)
})

test('F48: an argument over its limit rejects, and so does a result', async () => {
  await using narrow = await quietWorker({ limits: { maxBodyBytes: 65_536, maxDepth: 20, maxItems: 1000 } })
  const big = await rejection(
    narrow.call((text: string) => text.length, ['x'.repeat(70_000)]),
    EncodeError,
  )
  expect(big.executed).toBe('no')
  const result = await rejection(
    narrow.call(() => 'x'.repeat(70_000)),
    EncodeError,
  )
  expect(result.executed).toBe('yes')
  const deep = await rejection(
    narrow.call(() => {
      let value: unknown[] = []
      for (let depth = 0; depth < 100; depth++) value = [value]
      return value
    }),
    EncodeError,
  )
  expect(deep.path).toContain('result')
  await expectUsable(narrow)
})
