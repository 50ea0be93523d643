import {
  type Channel,
  ChannelClosedError,
  EncodeError,
  InterruptedError,
  pool,
  root,
  WorkerDiedError,
  WorkerStoppedError,
} from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { can, expectUsable, quietWorker, rejection, spinner, startWorker, whereItCan } from './workers.ts'

useLeakCheck()

const madeThere = (rest: string): string => `
  const { channel } = await import('maltster/worker')
  const made = channel({ capacity: 20 })
  ${rest}
  made`

async function collect<T>(channel: Channel<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of channel) values.push(value)
  return values
}

const count = (to: number): number[] => Array.from({ length: to }, (_, n) => n)

describe.each(['here', 'there'])('a channel whose queue is %s', (where) => {
  const make = async (worker: Awaited<ReturnType<typeof quietWorker>>): Promise<Channel<number>> =>
    where === 'here'
      ? worker.channel<number>({ capacity: 20 })
      : worker.evaluate<Channel<number>>(madeThere(''), { scope: 'channels' })

  test('scenario 51: what goes in comes out in order, round by round and at once', async () => {
    await using worker = await quietWorker()
    const channel = await make(worker)
    expect(channel.capacity).toBe(20)
    for (const n of count(10)) {
      await channel.send(n)
      expect(await worker.call((from: Channel<number>) => from.receive(), [channel])).toBe(n)
      await worker.call((to: Channel<number>, value: number) => to.send(value), [channel, n])
      expect(await channel.receive()).toBe(n)
    }
    const sent = worker.call(
      async (to: Channel<number>) => {
        for (let n = 0; n < 40; n++) await to.send(n)
      },
      [channel],
    )
    const received: number[] = []
    for (const _ of count(40)) received.push(await channel.receive())
    await sent
    expect(received).toEqual(count(40))
    expect(await channel.size()).toBe(0)
    expect(await channel.tryReceive()).toBe(undefined)
    channel.close()
  })

  test('scenario 53: closing lets what is in it be received, ends iterations, and is known on both sides', async () => {
    await using worker = await quietWorker()
    const channel = await make(worker)
    const values = worker.call(
      async (from: Channel<number>) => {
        const seen: number[] = []
        for await (const value of from) seen.push(value)
        const refused = await from.send(1).catch((error: Error) => error.name)
        return { seen, refused, closed: from.closed }
      },
      [channel],
    )
    for (const n of count(10)) await channel.send(n)
    channel.close()
    expect(await values).toEqual({ seen: count(10), refused: 'ChannelClosedError', closed: true })
    expect(channel.closed).toBe(true)
    await rejection(channel.send(1), ChannelClosedError)
    await rejection(channel.receive(), ChannelClosedError)
    expect(await collect(channel)).toEqual([])
    await expectUsable(worker)
  })

  test('what is sent without waiting and closed right behind arrives, from either side', async () => {
    await using worker = await quietWorker()
    const makeLarge = (): Promise<Channel<number>> | Channel<number> =>
      where === 'here'
        ? worker.channel<number>({ capacity: 1000 })
        : worker.evaluate<Channel<number>>(madeThere('').replace('20', '1000'), { scope: 'channels' })
    const sendAll = (to: Channel<number>): void => {
      for (let n = 0; n < 500; n++) void to.send(n)
      to.close()
    }
    const [fromThere, fromHere] = [await makeLarge(), await makeLarge()]
    await worker.call(sendAll, [fromThere])
    sendAll(fromHere)
    expect(await collect(fromThere)).toEqual(count(500))
    const received = await worker.call(
      async (from: Channel<number>) => {
        const values: number[] = []
        for await (const value of from) values.push(value)
        return values
      },
      [fromHere],
    )
    expect(received).toEqual(count(500))
  })

  test('the end of the worker ends all who wait, with the reason', async () => {
    await using worker = await quietWorker()
    const channel = await make(worker)
    const waiting = rejection(channel.receive(), ChannelClosedError)
    const iterated = rejection(collect(channel), ChannelClosedError)
    const full = await make(worker)
    for (const n of count(20)) await full.send(n)
    const sending = rejection(full.send(20), ChannelClosedError)
    const ended = can('process') ? WorkerDiedError : WorkerStoppedError
    if (can('process')) worker.kill()
    else await worker.stop()
    for (const error of await Promise.all([waiting, iterated, sending])) {
      expect(error.cause).toBeInstanceOf(ended)
    }
    expect([channel.closed, full.closed]).toEqual([true, true])
    await rejection(channel.send(1), ChannelClosedError)
    // What had come here can still be had; what was over there is gone.
    if (where === 'here') expect(await full.receive()).toBe(0)
    else await rejection(full.receive(), ChannelClosedError)
    expect(() => worker.channel()).toThrow(ended)
  })

  test('a receive that was given up takes no value, neither here nor there', async () => {
    await using worker = await quietWorker()
    const channel = await make(worker)
    const given = new AbortController()
    const gaveUp = channel.receive({ signal: given.signal }).catch((error: unknown) => error)
    given.abort(new Error('enough'))
    expect(await gaveUp).toBe(given.signal.reason)
    await rejection(channel.receive({ signal: given.signal }), Error)
    const there = await worker.call(
      async (from: Channel<number>) => {
        const controller = new AbortController()
        const waits = from.receive({ signal: controller.signal }).catch((error: Error) => error.name)
        controller.abort()
        return waits
      },
      [channel],
    )
    expect(there).toBe('AbortError')
    await channel.send(7)
    expect(await channel.tryReceive()).toEqual({ value: 7 })
    channel.close()
  })

  test('what waits for an interrupted call ends with it and takes no value; who outlives a call waits on', async () => {
    await using worker = await quietWorker()
    const channel = await make(worker)
    const told = worker.channel<string>()
    await worker.call(
      (from: Channel<number>, out: Channel<string>) => {
        void (async () => out.send(`outlived ${await from.receive()}`))()
      },
      [channel, told],
    )
    const waiting = rejection(
      worker.call(
        async (from: Channel<number>, out: Channel<string>) => {
          Object.assign(globalThis, { isWaiting: false })
          await Promise.resolve()
          // The interrupt must not find it waiting for this to be answered.
          void out.send('waits')
          const failure = (reason: Error): string => reason.name
          const receiving = from.receive()
          Object.assign(globalThis, { isWaiting: true })
          const first = await receiving.then(() => 'received', failure)
          // What it waits for later is refused as well.
          const later = [out.send('sent'), from.receive(), from.tryReceive()]
          const all = await Promise.all(later.map((one) => one.then(() => 'done', failure)))
          Object.assign(globalThis, { ended: [first, ...all] })
        },
        [channel, told],
      ),
      InterruptedError,
    )
    expect(await told.receive()).toBe('waits')
    // It may not have heard yet that this was received.
    const isWaiting = (): unknown => Reflect.get(globalThis, 'isWaiting')
    await expect.poll(() => worker.call(isWaiting, [], { background: true })).toBe(true)
    await worker.interrupt()
    await waiting
    const ended = await worker.call(() => (globalThis as { ended?: string[] }).ended)
    expect(ended).toEqual(Array.from({ length: 4 }, () => 'InterruptedError'))
    await channel.send(1)
    expect(await told.receive()).toBe('outlived 1')
    await channel.send(2)
    expect(await channel.receive()).toBe(2)
    channel.close()
    told.close()
  })
})

test('scenario 52: code that makes no channel, or throws, does no harm', async () => {
  await using worker = await quietWorker()
  expect(await worker.evaluate('1')).toBe(1)
  await expect(worker.evaluate(madeThere('null.x'))).rejects.toMatchObject({ remoteName: 'TypeError' })
  await expectUsable(worker)
})

test('capacity 0: a send is over when its value has been received', async () => {
  await using worker = await quietWorker()
  const channel = worker.channel<number>({ capacity: 0 })
  let isSent = false
  const sent = channel.send(1).then(() => void (isSent = true))
  await worker.call(() => 1)
  expect([isSent, await channel.size()]).toEqual([false, 0])
  expect(await worker.call((from: Channel<number>) => from.receive(), [channel])).toBe(1)
  await sent
  const back = worker.call((to: Channel<number>) => to.send(2), [channel])
  expect(await channel.receive()).toBe(2)
  await back
  expect(await channel.tryReceive()).toBe(undefined)
  channel.close()
})

test('a slow consumer stops its producer: no more is ahead than the channel holds', async () => {
  await using worker = await quietWorker()
  const channel = worker.channel<number>({ capacity: 4 })
  const progress = worker.channel<number>({ capacity: 1000 })
  const done = worker.call(
    async (to: Channel<number>, tell: Channel<number>) => {
      for (let n = 0; n < 100; n++) {
        await to.send(n)
        await tell.send(n)
      }
      to.close()
    },
    [channel, progress],
  )
  const seen: number[] = []
  for (let n = 0; n < 100; n++) {
    seen.push(await channel.receive())
    const sent: number[] = []
    for (let one = await progress.tryReceive(); one !== undefined; one = await progress.tryReceive()) {
      sent.push(one.value)
    }
    expect((sent.at(-1) ?? 0) - n).toBeLessThanOrEqual(5)
  }
  await done
  expect(seen).toEqual(count(100))
  progress.close()
})

test('it travels as an argument, in a captured variable, in a result, and in another channel, and stays the same', async () => {
  await using worker = await quietWorker()
  const first = worker.channel({ capacity: 3 })
  const second = worker.channel({ capacity: 3 })
  const nested = { deep: [new Map([['channel', first]])] }
  const isSame = await worker.call(
    async (argument: Channel, holder: typeof nested) => {
      await second.send({ inside: first, bytes: new Uint8Array(10_000).fill(7) })
      return argument === first && holder.deep[0]!.get('channel') === first
    },
    [first, nested],
  )
  expect(isSame).toBe(true)
  const { inside, bytes } = (await second.receive()) as { inside: unknown; bytes: Uint8Array }
  expect([inside === first, bytes.length, bytes[9_999]]).toEqual([true, 10_000, 7])
  expect(await worker.call((channel: Channel) => [channel], [second])).toEqual([second])
  expect(await worker.call(() => first)).toBe(first)
  first.close()
  second.close()
})

test('each value goes to one receiver, also where two workers take from the channel of one', async () => {
  await using one = await quietWorker()
  await using other = await quietWorker()
  const work = one.channel<number>({ capacity: 8 })
  const results = one.channel<number>({ capacity: 8 })
  const square = async (from: Channel<number>, to: Channel<number>): Promise<number> => {
    let taken = 0
    for await (const n of from) {
      taken++
      await to.send(n * n)
    }
    return taken
  }
  const workers = [one, other].map((worker) => worker.call(square, [work, results]))
  void (async () => {
    for (const n of count(200)) await work.send(n)
    work.close()
  })()
  const squares: number[] = []
  for (const _ of count(200)) squares.push(await results.receive())
  expect(squares.toSorted((a, b) => a - b)).toEqual(count(200).map((n) => n * n))
  const taken = await Promise.all(workers)
  expect(taken[0]! + taken[1]!).toBe(200)
  results.close()
})

test('a channel of a worker that has died is closed for the other workers too', async () => {
  await using owner = await quietWorker()
  await using other = await quietWorker()
  const channel = owner.channel<number>({ capacity: 1 })
  const waiting = other.call(
    (from: Channel<number>) =>
      from.receive().catch((error: Error) => ({ name: error.name, cause: (error.cause as Error).name })),
    [channel],
  )
  await other.call(() => 1)
  await owner.stop()
  expect(await waiting).toMatchObject({ name: 'ChannelClosedError' })
  await expectUsable(other)
})

test('through a worker in a worker, both ways, and a channel that was made there', async () => {
  await using worker = await quietWorker()
  const down = worker.channel<number>({ capacity: 2 })
  const up = worker.channel<number>({ capacity: 0 })
  const through = worker.call(
    async (from: Channel<number>, to: Channel<number>, isProcess: boolean) => {
      const { inProcessWorker, spawnWorker } = await import('maltster')
      const below = isProcess ? await spawnWorker({ stdout: 'ignore' }) : await inProcessWorker()
      const made = await below.evaluate<Channel<number>>(
        `(await import('maltster/worker')).channel({ capacity: 1 })`,
      )
      const doubled = below.call(
        async (inlet: Channel<number>, outlet: Channel<number>, own: Channel<number>) => {
          for await (const n of inlet) {
            await own.send(n)
            await outlet.send(n * 2)
          }
          own.close()
        },
        [from, to, made],
      )
      const seen: number[] = []
      for await (const n of made) seen.push(n)
      await doubled
      to.close()
      await below.stop()
      return { seen, closed: [from.closed, made.closed] }
    },
    [down, up, can('process')],
  )
  void (async () => {
    for (const n of count(20)) await down.send(n)
    down.close()
  })()
  expect(await collect(up)).toEqual(count(20).map((n) => n * 2))
  expect(await through).toEqual({ seen: count(20), closed: [true, true] })
})

test('handles of processes are refused by name wherever they are sent', async () => {
  await using worker = await quietWorker()
  const stream = worker.stream(function* () {
    yield 1
  })
  const lane = worker.channel()
  await using members = await pool({ size: 1 })
  const handles = [
    [worker, 'a Worker'],
    [stream, 'a WorkerStream'],
    [root(), 'a Supervisor'],
    [[...members][0], 'a WorkerHandle'],
    [members, 'a Pool'],
  ] as const
  for (const [handle, what] of handles) {
    const sends = [worker.call((sent: object) => typeof sent, [{ handle }]), lane.send({ handle })]
    for (const sent of sends) {
      const error = await rejection(sent, EncodeError)
      expect(error.message).toContain(what)
      expect(error.path).toMatch(/\.handle$/)
    }
  }
  await stream.return()
  const there = worker.evaluate(`
    class Held {}
    Object.defineProperty(Held.prototype, Symbol.for('maltster.handle'), { value: 'a thing\\nLeave it.' })
    new Held()`)
  await expect(there).rejects.toThrow(/a thing/)
})

test('options that make no sense are refused by name', async () => {
  await using worker = await quietWorker()
  expect(() => worker.channel({ capacity: -1 })).toThrow(
    /`capacity` to be a whole number from 0 to 4294967295, got -1/,
  )
  expect(() => worker.channel({ maxBytes: 0 })).toThrow(
    /`maxBytes` to be a whole number from 1 to 4294967295, got 0/,
  )
  expect(() => worker.channel({ size: 1 } as never)).toThrow(
    /no option `size`; it has `capacity` and `maxBytes`/,
  )
  const there = worker.evaluate(`(await import('maltster/worker')).channel({ capacity: 1.5 })`)
  await expect(there).rejects.toMatchObject({ remoteName: 'RangeError' })
})

whereItCan('process')(
  'a producer that is killed has sent what had been taken in, in order, and no more comes',
  async () => {
    await using worker = await startWorker()
    const channel = worker.channel<number>({ capacity: 10 })
    const lost = rejection(
      worker.call(
        async (to: Channel<number>) => {
          for (let n = 0; ; n++) {
            await to.send(n)
            if (n === 25) process.kill(process.pid, 'SIGKILL')
          }
        },
        [channel],
      ),
      WorkerDiedError,
    )
    const seen: number[] = []
    const error = await rejection(
      (async () => {
        for await (const n of channel) seen.push(n)
      })(),
      ChannelClosedError,
    )
    expect(error.cause).toBeInstanceOf(WorkerDiedError)
    expect(seen).toEqual(count(26))
    await lost
  },
)

whereItCan('interrupt')(
  'code that spins and is cut off leaves a channel as it was: what was received stays received, what comes next comes',
  async () => {
    await using worker = await quietWorker()
    const channel = worker.channel<number>({ capacity: 4 })
    const told = worker.channel<number>()
    for (let round = 0; round < 5; round++) {
      const cut = rejection(
        worker.call(
          async (from: Channel<number>, out: Channel<number>) => {
            for await (const n of from) {
              await out.send(n)
              if (n % 2 === 1) for (;;) Math.random()
            }
          },
          [channel, told],
        ),
        InterruptedError,
      )
      await channel.send(round * 2)
      expect(await told.receive()).toBe(round * 2)
      await channel.send(round * 2 + 1)
      expect(await told.receive()).toBe(round * 2 + 1)
      await worker.interrupt()
      await cut
    }
    channel.close()
    await expectUsable(worker)
  },
)

whereItCan('interrupt')('code that sends and calls back without end can be cut off', async () => {
  const { worker, spins } = await spinner()
  await using _worker = worker
  const channel = worker.channel<number>({ capacity: 4 })
  const cut = rejection(
    worker.call(
      async (to: Channel<number>, tell: (n: number) => Promise<void>) => {
        await tell(0)
        for (let n = 0; ; n++) {
          if (n === 2) process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
          to.send(n).catch(() => {})
          tell(n).catch(() => {})
          for (let work = 0; work < 1_000_000; work++) if (work < 0) return
        }
      },
      [channel, () => {}],
    ),
    InterruptedError,
  )
  await spins()
  const { outcome } = await worker.interrupt()
  expect(outcome).toBe('interrupted')
  await cut
  // What it had sent comes, from the first on.
  expect([await channel.receive(), await channel.receive()]).toEqual([0, 1])
  await expectUsable(worker)
  channel.close()
  expect(await worker.call(async (ask: () => Promise<number>) => ask(), [() => 7])).toBe(7)
})
