import {
  type Channel,
  MaltsterError,
  type Pool,
  proxy,
  ReleasedError,
  supervise,
  WorkerDiedError,
  WorkerUnavailableError,
} from 'maltster'
import { describe, expect, test } from 'vitest'
import { OnePlace } from '../supervisor/worker/one-place.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietPool, waitUntil, whenFull } from '../support/test-pool.ts'
import { child, killAndWait, killUnnoticed } from './supervision.ts'
import { rejection, until } from './workers.ts'

useLeakCheck()

const members = (workers: Pool) => [...workers] as const

describe('callbacks, references and channels through a handle', () => {
  test('wait with the call, and data beside them is as it was when it was made', async () => {
    await using place = new OnePlace()
    const { handle } = place
    const list = [1]
    const seen: number[][] = []
    const call = handle.call(
      async (tell: (items: number[]) => Promise<number>, items: number[]) => tell(items),
      [(items: number[]) => seen.push(items), list],
    )
    list.push(2)
    await place.up()
    expect(await call).toBe(1)
    expect(seen).toEqual([[1]])
  })

  test('go to the next incarnation with a call that did not reach a dead one', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    killUnnoticed(handle.pid!)
    const call = handle.call(
      async (tell: { n: (n: number) => Promise<number> }) => tell.n(41),
      [{ n: (n: number) => n + 1 }],
    )
    await place.gone()
    await place.up()
    expect(await call).toBe(42)
  })

  test('a callback is called by each attempt, and let go with the last', async () => {
    await using app = await supervise({ children: [child('one')], maxRestarts: 10 })
    const one = app.worker('one')
    let attempts = 0
    const value = one.call(
      async (attempt: () => Promise<number>) => {
        Object.assign(globalThis, { attempt })
        const n = await attempt()
        if (n === 1) throw new Error('not yet')
        if (n === 2) process.kill(process.pid, 'SIGKILL')
        return n
      },
      [() => ++attempts],
      { retry: { times: 2 } },
    )
    expect(await value).toBe(3)
    const late = one.evaluate('attempt().then(() => "called", (error) => error.name)')
    expect(await late).toBe('ReleasedError')
    expect(attempts).toBe(3)
  })

  test('a reference is fetched for the worker of another handle', async () => {
    await using app = await supervise({ children: [child('one'), child('two')] })
    const [one, two] = [app.worker('one'), app.worker('two')]
    const ref = await one.keep(() => new Map([['malt', 1]]))
    const read = (map: Map<string, number>): number | undefined => map.get('malt')
    expect([await one.call(read, [ref]), await two.call(read, [ref])]).toEqual([1, 1])
    await killAndWait(two)
    expect(await two.call(read, [ref], { retry: { times: 1 } })).toBe(1)
    await killAndWait(one)
    expect(await rejection(two.call(read, [ref]), WorkerDiedError)).toMatchObject({
      worker: one.path,
      executed: 'no',
    })
    expect(two.state).not.toBe('dead')
  })

  test('a channel of one incarnation serves the workers of other handles', async () => {
    await using app = await supervise({ children: [child('one'), child('two')] })
    const [one, two] = [app.worker('one'), app.worker('two')]
    const numbers = one.channel<number>()
    const send = async (to: Channel<number>, n: number): Promise<void> => to.send(n)
    await Promise.all([one.call(send, [numbers, 1]), two.call(send, [numbers, 2], { retry: { times: 1 } })])
    expect(new Set([await numbers.receive(), await numbers.receive()])).toEqual(new Set([1, 2]))
  })
})

describe('callbacks, references and channels through a pool', () => {
  test('a callback is called here, from calls that waited as well', async () => {
    await using workers = await quietPool()
    const calls = [1, 2, 3, 4, 5].map((n) => {
      const box = { n }
      const call = workers.call(
        async (twice: (n: number) => Promise<number>, given: { n: number }) => twice(given.n),
        [(own: number) => own * 2, box],
      )
      box.n = 100
      return call
    })
    expect(await Promise.all(calls)).toEqual([2, 4, 6, 8, 10])
  })

  test('functions as items, one by one and in batches, and again with retry', async () => {
    await using workers = await quietPool()
    for (const batchSize of [1, 3]) {
      const asked: number[] = []
      const items = [1, 2, 3, 4].map((n) => () => {
        asked.push(n)
        if (n === 3 && asked.filter((one) => one === 3).length === 1) throw new Error('not yet')
        return n
      })
      const results = await workers.map(items, async (item) => item(), { batchSize, retry: { times: 1 } })
      expect(results).toEqual([1, 2, 3, 4])
      expect(asked.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 3, 4])
    }
  })

  test('a reference of a member is the value itself there, and fetched for the others', async () => {
    await using workers = await quietPool()
    const [first] = members(workers)
    const ref = await first!.keep(() => [1, 2, 3])
    const four = [ref, ref, ref, ref]
    const length = (items: number[]): number => items.length
    expect(await Promise.all(four.map((one) => workers.call(length, [one])))).toEqual([3, 3, 3, 3])
    expect(await workers.call(length, [ref], { retry: { times: 1 } })).toBe(3)
    for (const batchSize of [1, 2]) {
      expect(await workers.map(four, (items) => items.length, { batchSize })).toEqual([3, 3, 3, 3])
    }
    expect(await workers.broadcast(length, [ref], { future: false })).toEqual([3, 3])
  })

  test('a reference whose member has died costs its own call, and no member', async () => {
    await using workers = await quietPool()
    const [first] = members(workers)
    const ref = await first!.keep(() => 7)
    await killAndWait(first!)
    await whenFull(workers)
    for (let round = 1; round <= 4; round++) {
      const error = await rejection(
        workers.call((n: number) => n, [ref]),
        WorkerDiedError,
      )
      expect(error).toMatchObject({ worker: first!.path, executed: 'no' })
    }
    const failed = await workers.map<unknown, unknown>([1, ref, 3, 4], (item) => item, {
      batchSize: 4,
      onError: (error) => (error as Error).name,
    })
    expect(failed).toEqual([1, 'WorkerDiedError', 3, 4])
    const { members: there, restarts } = workers.stats()
    expect(there.map(({ role }) => role)).toEqual(['serving', 'serving'])
    expect(restarts).toBe(1)
  })

  test('a reference that was disposed costs its own item of a batch', async () => {
    await using workers = await quietPool({ size: 1 })
    const [first] = members(workers)
    const [ref, other] = [await first!.keep(() => 2), await first!.keep(() => 3)]
    ref.dispose()
    const errors: unknown[] = []
    const results = await workers.map([other, ref, other], (n) => n + 1, {
      batchSize: 3,
      onError: (error) => {
        errors.push(error)
        return -1
      },
    })
    expect(results).toEqual([4, -1, 4])
    expect(errors).toEqual([expect.any(ReleasedError)])
  })

  test('a broadcast for members to come may have callbacks, and no references', async () => {
    await using workers = await quietPool()
    const [first] = members(workers)
    const pids: number[] = []
    const greet = async (tell: (pid: number) => Promise<number>): Promise<number> => tell(process.pid)
    await workers.broadcast(greet, [(pid: number) => pids.push(pid)])
    expect(pids.length).toBe(2)
    await killAndWait(first!)
    await waitUntil(() => pids.length === 3)
    expect(pids[2]).toBe(first!.pid)
    const ref = await first!.keep(() => [1])
    const refused = workers.broadcast((items: { deep: number[] }) => items.deep.length, [{ deep: ref }])
    const error = await rejection(refused, TypeError)
    expect(error.message).toContain(`${ref.toString()} can't be given to members to come`)
    expect(error.message).toContain('future: false')
  })

  test('a member that can not have what the others had takes no calls: it is told, and in the end the pool gives up', async () => {
    await using workers = await quietPool({ size: 1, maxRestarts: 1 })
    const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
    const [first] = members(workers)
    const ref = await first!.keep(() => 5)
    await workers.broadcast(() => {
      Object.assign(globalThis, { five: ref })
    })
    process.kill(first!.pid!, 'SIGKILL')
    expect((await warned).message).toContain('could not run what was broadcast before')
    const refused = rejection(
      workers.call(() => 'served'),
      WorkerUnavailableError,
    )
    expect((await workers.exited).type).toBe('escalated')
    await refused
  })

  test('a channel serves the host and all members', async () => {
    await using workers = await quietPool()
    const [first] = members(workers)
    const numbers = first!.channel<number>()
    const send = async (to: Channel<number>): Promise<void> => to.send(process.pid)
    await workers.broadcast(send, [numbers], { future: false })
    const received = new Set([await numbers.receive(), await numbers.receive()])
    expect(received).toEqual(new Set(workers.stats().members.map(({ pid }) => pid)))
    await Promise.all(Array.from({ length: 4 }, () => workers.call(send, [numbers])))
    expect(await numbers.size()).toBe(4)
  })

  test('a proxy among the arguments of waiting calls stays, and what can not go is refused by its path', async () => {
    await using workers = await quietPool({ size: 1 })
    using note = proxy((n: number) => n + 1)
    const use = async (add: (n: number) => Promise<number>, n: number): Promise<number> => add(n)
    expect(await Promise.all([1, 2, 3].map((n) => workers.call(use, [note, n])))).toEqual([2, 3, 4])
    class Local {
      readonly here = true
    }
    const call = workers.call((given: unknown) => typeof given, [{ deep: Local }])
    expect(await rejection(call, MaltsterError)).toMatchObject({ name: 'EncodeError', path: 'args[0].deep' })
    await until('nothing is under way', () => workers.stats().running === 0)
  })
})
