import {
  BackpressureError,
  CallTimeoutError,
  type Channel,
  ChannelClosedError,
  InterruptedError,
  RemoteError,
  WorkerDiedError,
  WorkerStoppedError,
  WorkerUnavailableError,
} from 'maltster'
import { describe, expect, test } from 'vitest'
import { OnePlace } from '../supervisor/worker/one-place.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { killUnnoticed } from './supervision.ts'
import { rejection, until } from './workers.ts'

useLeakCheck()

const ownPid = (): number => process.pid

function* upTo(count: number): Generator<number> {
  for (let n = 1; n <= count; n++) yield n
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}

const over = { done: true, value: undefined }

/** Dead, and back again. */
async function reborn(place: OnePlace): Promise<void> {
  place.handle.kill()
  await place.gone()
  await place.up()
}

describe('a stream through a handle', () => {
  test('comes from the incarnation that is there, and begins at once', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    expect(await collect(handle.stream(upTo, [3]))).toEqual([1, 2, 3])
    expect(await collect(handle.stream({ module: 'node:path', export: 'normalize' }, ['ab']))).toEqual([
      'a',
      'b',
    ])
    const stream = handle.stream(function* () {
      Object.assign(globalThis, { began: true })
      yield 1
    })
    expect(await handle.evaluate('began')).toBe(true)
    const failing = handle.stream(() => {
      throw new Error('at once')
    })
    await expect(failing.next()).rejects.toThrow('at once')
    expect(await failing.return()).toEqual(over)
    // Several that ask at the same time get the items in their order.
    expect(await Promise.all([stream.next(), stream.next(), stream.next()])).toEqual([
      { done: false, value: 1 },
      over,
      over,
    ])
  })

  test('waits for the next incarnation, in its turn, with its arguments as they were', async () => {
    await using place = new OnePlace()
    const { handle } = place
    const list = [1]
    const called = handle.call(() => Object.assign(globalThis, { before: 'called' }).before)
    const stream = handle.stream(
      function* (items: number[]) {
        yield (globalThis as { before?: string }).before
        yield items
      },
      [list],
    )
    const items = collect(stream)
    list.push(2)
    await place.up()
    expect([await called, await items]).toEqual(['called', ['called', [1]]])
  })

  test("with whenDown: 'reject' the first next rejects, once", async () => {
    await using place = new OnePlace()
    const stream = place.handle.stream(upTo, [3], { whenDown: 'reject' })
    const impatient = place.handle.with({ whenDown: 'reject' }).stream(upTo, [3])
    for (const one of [stream, impatient]) {
      await rejection(one.next(), WorkerUnavailableError)
      expect(await one.next()).toEqual(over)
      expect(await one.return()).toEqual(over)
    }
  })

  test('ends with the worker that it began in, after what came before, and is not begun again', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    const stream = handle.stream(async function* () {
      const counted = globalThis as { begun?: number }
      counted.begun = (counted.begun ?? 0) + 1
      yield 1
      yield 2
      await new Promise(() => {})
    })
    const received = [await stream.next(), await stream.next()]
    expect(received.map(({ value }) => value)).toEqual([1, 2])
    const third = stream.next()
    await Promise.all([reborn(place), rejection(third, WorkerDiedError)])
    expect(await stream.next()).toEqual(over)
    expect(await handle.evaluate('globalThis.begun ?? 0')).toBe(0)
  })

  test('one that died before it gave an item may have begun, and is not begun again either', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    // oxlint-disable-next-line require-yield -- it dies before
    const deadly = handle.stream(function* (): Generator<number> {
      process.kill(process.pid, 'SIGKILL')
    })
    const [error] = await Promise.all([
      rejection(deadly.next(), WorkerDiedError),
      place.gone().then(() => place.up()),
    ])
    expect(error.executed).toBe('unknown')
    expect(handle.incarnation).toBe(2)
  })

  test('whose worker was dead and nobody knew goes to the next', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    killUnnoticed(handle.pid!)
    const stream = handle.stream(
      function* (add: (n: number) => Promise<number>) {
        yield add(1)
      },
      [(n: number) => n + 1],
    )
    const items = collect(stream)
    await place.gone()
    await place.up()
    expect(await items).toEqual([2])
  })

  test('while it waits it can be closed, aborted, interrupted, and its time can be over', async () => {
    await using place = new OnePlace()
    const { handle } = place
    const closed = handle.stream(upTo, [3])
    expect(await closed.return()).toEqual(over)
    expect(await closed.next()).toEqual(over)
    const controller = new AbortController()
    const aborted = handle.stream(upTo, [3], { signal: controller.signal })
    controller.abort(new Error('no more need'))
    await expect(aborted.next()).rejects.toThrow('no more need')
    const already = handle.stream(upTo, [3], { signal: controller.signal })
    await expect(already.next()).rejects.toThrow('no more need')
    const late = await rejection(handle.stream(upTo, [3], { timeoutMs: 20 }).next(), CallTimeoutError)
    expect(late).toMatchObject({ timeoutMs: 20, executed: 'no' })
    const interrupted = handle.stream(upTo, [3])
    await handle.interrupt()
    expect(await rejection(interrupted.next(), InterruptedError)).toMatchObject({ executed: 'no' })
    const lasting = handle.stream(upTo, [3], { background: true })
    await handle.interrupt()
    await place.up()
    expect(await collect(lasting)).toEqual([1, 2, 3])
  })

  test('what is under way is left by leaving the loop, and its finally runs', async () => {
    await using place = new OnePlace()
    const { handle } = place
    const stream = handle.stream(function* (): Generator<number> {
      try {
        for (let n = 1; ; n++) yield n
      } finally {
        Object.assign(globalThis, { left: true })
      }
    })
    await place.up()
    for await (const n of stream) if (n === 3) break
    expect(await handle.evaluate('left')).toBe(true)
  })

  test('is bounded by the mailbox while it waits, refused by a stopped worker, and its options are checked', async () => {
    await using place = new OnePlace({ mailbox: { maxCalls: 1 } })
    const { handle } = place
    const first = handle.stream(upTo, [1])
    await rejection(handle.stream(upTo, [1]).next(), BackpressureError)
    await place.up()
    expect(await collect(first)).toEqual([1])
    const socket = new (class Socket {
      readonly #fd = 3
      read = (): number => this.#fd
    })()
    await expect(handle.stream((() => [socket]) as never).next()).rejects.toMatchObject({
      name: 'CaptureError',
    })
    expect(() => handle.stream(upTo, [1], { windowItem: 1 } as never)).toThrow('Did you mean `windowItems`?')
    expect(() => handle.stream(upTo, [1], { retry: { times: 1 } } as never)).toThrow('no option `retry`')
    expect(() => handle.stream(upTo, [1], { whenDown: 'later' as never })).toThrow(TypeError)
    await place.terminate()
    await rejection(handle.stream(upTo, [1]).next(), WorkerStoppedError)
  })
})

describe('values that are kept through a handle', () => {
  test('belong to their incarnation, also those that had to wait for it', async () => {
    await using place = new OnePlace()
    const { handle } = place
    expect(handle.refs()).toEqual([])
    const waiting = handle.keep((words: string[]) => new Map(words.map((word, i) => [word, i])), [['malt']])
    await place.up()
    const ref = await waiting
    expect(handle.refs()).toMatchObject([{ number: ref.number, type: 'Map' }])
    const read = (map: Map<string, number>): number | undefined => map.get('malt')
    expect(await handle.call(read, [ref])).toBe(0)
    expect(await collect(handle.stream((map: Map<string, number>) => map.keys(), [ref]))).toEqual(['malt'])
    await reborn(place)
    expect(handle.refs()).toEqual([])
    await rejection(ref.get(), WorkerDiedError)
    // It is the value that is gone, and no incarnation has it: there is nothing to wait for.
    const calls = [
      handle.call(read, [ref]),
      handle.call(read, [ref], { retry: { times: 2 } }),
      handle.keep(read, [ref]),
    ]
    for (const call of calls) expect(await rejection(call, WorkerDiedError)).toMatchObject({ executed: 'no' })
    handle.kill()
    await place.gone()
    const patient = handle.call(read, [ref])
    await Promise.all([place.up(), rejection(patient, WorkerDiedError)])
    expect(await handle.call(ownPid)).toBe(handle.pid)
  })

  test('are kept again by retry, and their options are checked', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    const tries: number[] = []
    const ref = handle.keep(
      async (attempt: () => Promise<number>) => {
        if ((await attempt()) === 1) throw new Error('not yet')
        return [1, 2]
      },
      [() => tries.push(1)],
      { retry: { times: 1 } },
    )
    expect(await (await ref).get()).toEqual([1, 2])
    await expect(handle.keep(ownPid, [], { result: 'value' } as never)).rejects.toThrow('no option `result`')
    handle.kill()
    await place.gone()
    await rejection(handle.keep(ownPid, [], { whenDown: 'reject' }), WorkerUnavailableError)
    await rejection(handle.keep(ownPid, [], { timeoutMs: 20 }), CallTimeoutError)
  })
})

describe('a channel of a handle', () => {
  test('is that of the incarnation, and ends with it', async () => {
    await using place = await new OnePlace().up()
    const { handle } = place
    const numbers = handle.channel<number>({ capacity: 1 })
    expect(numbers.capacity).toBe(1)
    const sent = handle.call(async (to: Channel<number>) => to.send(42), [numbers])
    expect(await numbers.receive()).toBe(42)
    await sent
    await Promise.all([reborn(place), rejection(numbers.receive(), ChannelClosedError)])
    const next = handle.channel<number>()
    await handle.call(async (to: Channel<number>) => to.send(43), [next])
    expect(await next.receive()).toBe(43)
  })

  test('is refused while there is none, and says when it is tried again', async () => {
    await using place = new OnePlace()
    const { handle } = place
    place.become('backing-off', performance.now() + 5000)
    const before = Date.now()
    const refused = (): unknown => handle.channel()
    expect(refused).toThrow(WorkerUnavailableError)
    expect(refused).toThrow('whenUp()')
    expect(() => handle.channel({ size: 1 } as never)).toThrow(TypeError)
    try {
      handle.channel()
    } catch (error) {
      expect((error as WorkerUnavailableError).retryAt).toBeGreaterThanOrEqual(before + 4900)
    }
    await place.up()
    expect(handle.channel().closed).toBe(false)
    await place.terminate()
    expect(refused).toThrow(WorkerStoppedError)
  })
})

describe('a module that is loaded through a handle', () => {
  const load = (place: OnePlace) => place.handle.load(() => import('../fixtures/modules/tasks.mjs'))

  test('is there in each incarnation, with a state of its own', async () => {
    await using place = new OnePlace()
    const loading = load(place)
    await place.up()
    const tasks = await loading
    expect(await tasks.increase(2)).toBe(2)
    expect(await tasks.count.get()).toBe(2)
    expect(await collect(tasks.upTo(2))).toEqual([1, 2])
    expect(await rejection(tasks.fails(), RemoteError)).toMatchObject({ remoteName: 'RangeError' })
    await reborn(place)
    expect(await tasks.count.get()).toBe(0)
    expect(await tasks.increase(3)).toBe(3)
    expect(await collect(tasks.upToLater.with({ windowItems: 1 })(3))).toEqual([1, 2, 3])
    expect(await place.handle.call(tasks.double, [21], { retry: { times: 1 } })).toBe(42)
    expect(await collect(place.handle.stream(tasks.upTo, [2]))).toEqual([1, 2])
    expect(Object.keys(tasks)).toContain('double')
    expect(() => (tasks as unknown as { duble: unknown }).duble).toThrow('Did you mean `double`?')
  })

  test('its calls wait, or are rejected, as the handle has it', async () => {
    await using place = await new OnePlace().up()
    const tasks = await load(place)
    const handle = place.handle.with({ whenDown: 'reject' })
    const impatient = await handle.load<typeof tasks>('../fixtures/modules/tasks.mjs', {
      from: import.meta.url,
    })
    place.handle.kill()
    await place.gone()
    const doubled = tasks.double(4)
    const counted = collect(tasks.upTo(2))
    await rejection(impatient.double(4) as unknown as Promise<unknown>, WorkerUnavailableError)
    await rejection(handle.load('node:path'), WorkerUnavailableError)
    await rejection(tasks.double.with({ timeoutMs: 20 })(4), CallTimeoutError)
    await place.up()
    expect([await doubled, await counted]).toEqual([8, [1, 2]])
  })

  test('a call that may have run is not made again when its worker dies', async () => {
    await using place = await new OnePlace().up()
    const tasks = await load(place)
    const slow = tasks.slowly()
    await place.handle.call(ownPid)
    await Promise.all([reborn(place), rejection(slow, WorkerDiedError)])
    await expect(place.handle.load('../fixtures/nothing.mjs')).rejects.toThrow('relative')
    await expect(
      place.handle.load('../fixtures/nothing.mjs', { from: import.meta.url }),
    ).rejects.toMatchObject({ remoteName: 'Error' })
    await until('nothing is under way', () => place.handle.state === 'idle')
  })
})
