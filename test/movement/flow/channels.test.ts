import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { BackpressureError } from '../../../src/errors/call-errors.ts'
import { registerClass } from '../../../src/child/register-class.ts'
import { DecodeError, EncodeError } from '../../../src/errors/data-errors.ts'
import { ChannelClosedError } from '../../../src/errors/flow-errors.ts'
import type { Channel } from '../../../src/movement/flow/channel.ts'
import { defaultLimits } from '../../../src/transport/limits.ts'
import { channelOf, Connection, type Observed } from '../../support/live-lanes.ts'

/** It can be sent, and not read, if its number is odd. */
class Odd {
  readonly n: number

  constructor(n: number) {
    this.n = n
  }
}

registerClass(Odd, {
  name: 'Odd',
  encode: ({ n }) => n,
  decode: (n: number) => {
    if (n % 2 === 1) throw new Error('odd')
    return new Odd(n)
  },
})

interface Rig {
  readonly connection: Connection
  readonly observed: Observed
  readonly near: Channel
  readonly far: Channel
}

function rig(capacity: number, maxBytes?: number): Rig {
  const observed: Observed = { strays: 0, putBacks: [] }
  const connection = new Connection(observed)
  const near = channelOf<unknown>(connection, { capacity, ...(maxBytes === undefined ? {} : { maxBytes }) })
  return { connection, observed, near, far: connection.pass(near) }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function collect(channel: Channel): Promise<unknown[]> {
  const values: unknown[] = []
  for await (const value of channel) values.push(value)
  return values
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Lets everything happen until nothing more does. */
async function settle({ connection: { tasks } }: Rig): Promise<void> {
  for (await turn(); tasks.length > 0; await turn()) tasks.runAll()
}

async function settled<T>(rigged: Rig, promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  await settle(rigged)
  return promise
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

test('values that come too late are all put back, and come again in their order to who asks meanwhile', async () => {
  const rigged = rig(2)
  const { near, far, observed, connection } = rigged
  const given = new AbortController()
  const { signal } = given
  const gaveUp = [failure(far.receive({ signal })), failure(far.receive({ signal }))]
  await settle(rigged)
  void near.send('first')
  void near.send('second')
  given.abort()
  for (let steps = 0; observed.putBacks.length === 0; steps++) {
    expect(steps).toBeLessThan(100)
    connection.tasks.runOne()
  }
  const asked = [far.receive(), far.receive()]
  expect(await settled(rigged, Promise.all(asked))).toEqual(['first', 'second'])
  expect(observed).toEqual({ strays: 0, putBacks: ['first', 'second'] })
  expect(await Promise.all(gaveUp)).toEqual([signal.reason, signal.reason])
})

test('a value that comes for somebody who has given up is for the next one who waits in that process', async () => {
  const rigged = rig(2)
  const { near, far, observed } = rigged
  const given = new AbortController()
  const gaveUp = failure(far.receive({ signal: given.signal }))
  await settle(rigged)
  const next = far.receive()
  await near.send('value')
  given.abort()
  expect(await settled(rigged, next)).toBe('value')
  expect(await gaveUp).toBe(given.signal.reason)
  expect(observed).toEqual({ strays: 0, putBacks: [] })
  expect(await near.size()).toBe(0)
})

test('what is sent is a copy from that moment on, on both sides', async () => {
  const rigged = rig(4)
  const { near, far } = rigged
  const value = { list: [1], bytes: new Uint8Array(100_000).fill(1) }
  void near.send(value)
  void far.send(value)
  value.list.push(2)
  value.bytes.fill(2)
  await settle(rigged)
  for (const channel of [near, far]) {
    const received = (await settled(rigged, channel.receive())) as typeof value
    expect(received.list).toEqual([1])
    expect([received.bytes[0], received.bytes.length]).toEqual([1, 100_000])
  }
})

test('it holds no more bytes than it may, but always one value', async () => {
  const rigged = rig(100, 1000)
  const { near, far } = rigged
  const sizes = [5000, 400, 400, 400]
  const sent = sizes.map((size, index) => (index % 2 === 0 ? near : far).send('x'.repeat(size)))
  await settle(rigged)
  expect(await near.size()).toBe(1)
  expect(await near.receive()).toHaveLength(5000)
  await settle(rigged)
  expect(await near.size()).toBe(2)
  expect(await settled(rigged, far.size())).toBe(2)
  await near.receive()
  await settled(rigged, Promise.all(sent))
})

test('far more than fits, sent without waiting, is refused', async () => {
  const { near } = rig(1)
  const { far } = rig(1)
  // One is in the channel, or 256 on their way; 10,000 wait.
  for (const [channel, accepted] of [
    [near, 10_001],
    [far, 10_256],
  ] as const) {
    const refused: unknown[] = []
    for (let n = 0; n < accepted + 5; n++) channel.send(n).catch((error: unknown) => refused.push(error))
    await turn()
    expect(refused.length).toBe(5)
    expect(refused[0]).toBeInstanceOf(BackpressureError)
  }
})

test('what can not be sent is refused where it is sent, with its path', async () => {
  const rigged = rig(1)
  for (const channel of [rigged.near, rigged.far]) {
    const error = await failure(channel.send({ deep: [() => 1] }))
    expect(error).toBeInstanceOf(EncodeError)
    expect((error as EncodeError).message).toMatch(/deep\[0\] can't be sent: it is a function/)
  }
  expect(await rigged.near.size()).toBe(0)
})

test('a channel in a channel is the same one, wherever it comes out', async () => {
  const rigged = rig(2)
  const { near, far } = rigged
  await near.send({ self: near })
  await settled(rigged, far.send({ self: far }))
  expect(((await near.receive()) as { self: unknown }).self).toBe(near)
  expect(((await settled(rigged, far.receive())) as { self: unknown }).self).toBe(far)
  void near.send({ self: near })
  expect(((await settled(rigged, far.receive())) as { self: unknown }).self).toBe(far)
})

test('closing comes behind all that was sent before without waiting, on both sides', async () => {
  for (const side of ['near', 'far'] as const) {
    const rigged = rig(1000)
    const { near } = rigged
    const numbers = Array.from({ length: 900 }, (_, n) => n)
    const sends = numbers.map((n) => rigged[side].send(n))
    rigged[side].close()
    expect(await failure(rigged[side].send(900))).toBeInstanceOf(ChannelClosedError)
    await settled(rigged, Promise.all(sends))
    expect(await settled(rigged, near.size())).toBe(900)
    const received: unknown[] = []
    const iterated = (async () => {
      for await (const value of near) received.push(value)
    })()
    await settled(rigged, iterated)
    expect(received).toEqual(numbers)
  }
})

test('closing refuses what found no room, as many on both sides', async () => {
  for (const side of ['near', 'far'] as const) {
    const rigged = rig(10)
    const sends = Array.from({ length: 500 }, (_, n) => failure(rigged[side].send(n)))
    rigged[side].close()
    const failures = await settled(rigged, Promise.all(sends))
    expect(failures.filter((error) => error === undefined)).toHaveLength(10)
    expect(failures[499]).toBeInstanceOf(ChannelClosedError)
  }
})

test('closing ends who waits, lets what is in it be received, and is known on both sides', async () => {
  const rigged = rig(1)
  const { near, far } = rigged
  const sent = [near.send(1), far.send(2)]
  await settle(rigged)
  far.close()
  expect(far.closed).toBe(true)
  expect(await settled(rigged, failure(sent[1]!))).toBeInstanceOf(ChannelClosedError)
  expect(near.closed).toBe(true)
  expect(await settled(rigged, far.receive())).toBe(1)
  for (const channel of [near, far]) {
    expect(await settled(rigged, failure(channel.receive()))).toBeInstanceOf(ChannelClosedError)
    expect(await settled(rigged, failure(channel.tryReceive()))).toBeInstanceOf(ChannelClosedError)
    expect(await settled(rigged, failure(channel.send(3)))).toBeInstanceOf(ChannelClosedError)
    const rest: unknown[] = []
    const iterated = (async () => {
      for await (const value of channel) rest.push(value)
    })()
    await settled(rigged, iterated)
    expect(rest).toEqual([])
  }
})

test('one that is closed before it is sent arrives closed, and says why', async () => {
  const connection = new Connection({ strays: 0, putBacks: [] })
  const passedOn = new Connection({ strays: 0, putBacks: [] })
  const near = channelOf<unknown>(connection, { capacity: 3 })
  const unread = near.send('left in it')
  near.close()
  await unread
  const far = connection.pass(near)
  expect([far.closed, far.capacity]).toEqual([true, 3])
  const further = passedOn.pass(far)
  expect([further.closed, further.capacity]).toEqual([true, 3])
  const rigged = { connection, observed: { strays: 0, putBacks: [] }, near, far }
  expect(await settled(rigged, failure(far.send(1)))).toBeInstanceOf(ChannelClosedError)
  expect(await settled(rigged, far.receive())).toBe('left in it')
  expect(await settled(rigged, failure(far.receive()))).toBeInstanceOf(ChannelClosedError)
  const other = new Connection({ strays: 0, putBacks: [] })
  const lost = channelOf<unknown>(other, { capacity: 0 })
  other.break(new Error('it has died'))
  const told = connection.pass(lost)
  expect([told.closed, told.capacity]).toEqual([true, 0])
  const error = (await settled(rigged, failure(told.send(1)))) as Error
  expect(error).toBeInstanceOf(ChannelClosedError)
  expect((error.cause as Error).message).toContain('it has died')
})

test.each(['near', 'far'] as const)(
  'options of a wait are checked before anything is done: %s',
  async (side) => {
    const rigged = rig(3)
    const channel = rigged[side]
    const wrong: [unknown, RegExp][] = [
      [{ signal: 5 }, /`signal` of (send|receive) to be an AbortSignal, got 5/],
      [{ signal: null }, /to be an AbortSignal, got null/],
      [{ sgnal: undefined }, /has no option `sgnal`. Did you mean `signal`/],
      ['x', /options of (send|receive) to be an object, got 'x'/],
      [null, /to be an object, got null/],
    ]
    for (const [options, message] of wrong) {
      const waits = [channel.send(1, options as never), channel.receive(options as never)].map(failure)
      for (const error of (await settled(rigged, Promise.all(waits))) as Error[]) {
        expect(error).toBeInstanceOf(TypeError)
        expect(error.message).toMatch(message)
      }
    }
    expect(await settled(rigged, channel.size())).toBe(0)
    await settled(rigged, channel.send(1, { signal: undefined } as never))
    expect(await settled(rigged, channel.receive({ signal: AbortSignal.timeout(60_000) }))).toBe(1)
  },
)

test('leaving an iteration gives up the value that it waits for', async () => {
  const rigged = rig(1)
  const { near, far } = rigged
  const values = far[Symbol.asyncIterator]()
  const next = values.next()
  await settle(rigged)
  expect(await values.return?.()).toEqual({ done: true, value: undefined })
  expect(await next).toEqual({ done: true, value: undefined })
  void near.send('kept')
  await settle(rigged)
  expect(await near.tryReceive()).toEqual({ value: 'kept' })
  expect(await values.next()).toEqual({ done: true, value: undefined })
})

test('the end of the other process ends who waits, with the reason; what had come can be received', async () => {
  const rigged = rig(1)
  const { near, far, connection } = rigged
  await settled(rigged, far.send('arrived'))
  const waiting = [failure(far.send('late')), failure(near.send('later'))]
  const why = new Error('it died')
  connection.break(why)
  for (const error of await Promise.all(waiting)) {
    expect(error).toBeInstanceOf(ChannelClosedError)
    expect((error as Error).cause).toBe(why)
  }
  expect([near.closed, far.closed]).toEqual([true, true])
  const rest: unknown[] = []
  const iterated = (async () => {
    for await (const value of near) rest.push(value)
  })()
  expect(((await failure(iterated)) as Error).cause).toBe(why)
  expect(rest).toEqual(['arrived'])
  expect(((await failure(far.receive())) as Error).cause).toBe(why)
})

test('numbers of a lane that are used up, and requests that make no sense, are answered', async () => {
  const rigged = rig(1)
  const { connection, observed } = rigged
  const answers: unknown[] = []
  const asked = (number: number, operation: string, args: unknown[]): void => {
    connection.far.ask(number, operation, args, {
      replied: (value) => answers.push(value),
      failed: (error) => answers.push(error.name),
    })
  }
  asked(1, 'putBack', ['value', -1])
  asked(1, 'putBack', ['value', 'first'])
  asked(1, 'explode', [])
  asked(77, 'receive', [])
  await settle(rigged)
  expect(answers).toEqual(['BackpressureError', 'BackpressureError', 'Error', 'ReleasedError'])
  expect(observed.strays).toBe(0)
  connection.far.writer.frame(31, 0, 999, 0, 'nobody asked', 'value')
  await settle(rigged)
  expect(observed.strays).toBe(1)
})

test('what is not used on the other side any more is let go here', async () => {
  const rigged = rig(1)
  const { connection, near } = rigged
  const before = connection.near.exports.size
  const made: WeakRef<object>[] = []
  const pass = (): void => {
    for (let n = 0; n < 100; n++) {
      const channel = channelOf(connection, { capacity: 1 })
      connection.pass(channel)
      made.push(new WeakRef(channel))
    }
  }
  pass()
  expect(connection.near.exports.size).toBe(before + 100)
  for (let rounds = 0; connection.near.exports.size > before; rounds++) {
    expect(rounds).toBeLessThan(50)
    collectGarbage()
    await settle(rigged)
  }
  collectGarbage()
  expect(made.filter((channel) => channel.deref() !== undefined).length).toBeLessThan(2)
  // What is in use stays.
  expect(connection.near.exports.of(near)).toBeDefined()
  expect(await settled(rigged, rigged.far.size())).toBe(0)
})

test('a value that can not be read is told to the one who takes it, whether it waited or came later', async () => {
  const rigged = rig(4)
  const { near } = rigged
  const waiting = near.receive()
  await near.send(new Odd(1))
  await expect(waiting).rejects.toBeInstanceOf(DecodeError)
  await near.send(new Odd(3))
  await expect(near.receive()).rejects.toThrow(DecodeError)
  await near.send(new Odd(2))
  expect(await near.receive()).toEqual(new Odd(2))
  const looped = failure(
    (async () => {
      for await (const _ of near);
    })(),
  )
  await near.send(new Odd(5))
  await near.send('next')
  near.close()
  expect(await looped).toBeInstanceOf(DecodeError)
  expect(await near.receive()).toBe('next')
})

test('a value that is put back after the close is still received: the end comes behind all that was given out', async () => {
  for (const capacity of [0, 4]) {
    const rigged = rig(capacity)
    const { near, far } = rigged
    const given = new AbortController()
    const gaveUp = failure(far.receive({ signal: given.signal }))
    await settle(rigged)
    await near.send('precious')
    near.close()
    const looped = collect(near)
    const late = failure(near.receive())
    given.abort()
    expect(await settled(rigged, looped)).toEqual(['precious'])
    expect(await gaveUp).toBe(given.signal.reason)
    expect(await late).toBeInstanceOf(ChannelClosedError)
    expect(
      await settled(
        rigged,
        near.tryReceive().catch((error: unknown) => error),
      ),
    ).toBeInstanceOf(ChannelClosedError)
    expect(rigged.observed.strays).toBe(0)
  }
})

test('a lane that ends keeps nobody waiting at what was given out there', async () => {
  const rigged = rig(4)
  const { near, far, connection } = rigged
  const gaveUp = failure(far.receive())
  await settle(rigged)
  await near.send('lost')
  near.close()
  const looped = collect(near)
  connection.break(new Error('gone'))
  expect(await looped).toEqual([])
  expect(await gaveUp).toBeInstanceOf(ChannelClosedError)
})

test('what a lane can not carry stays in the channel, and who asked there is told the limit', async () => {
  const narrow = {
    ...defaultLimits,
    maxBodyBytes: 10_000,
    maxAttachmentBytes: 100_000,
    maxItems: 50,
    maxDepth: 5,
  }
  const observed: Observed = { strays: 0, putBacks: [] }
  const connection = new Connection(observed, narrow)
  // It was made for another lane, which carries more.
  const near = channelOf<unknown>(new Connection(observed), { capacity: 4 })
  const rigged = { connection, observed, near, far: connection.pass(near) }
  const tooMuch: [unknown, string][] = [
    ['x'.repeat(20_000), 'maxBodyBytes (10000'],
    [new Uint8Array(200_000), 'maxAttachmentBytes (100000'],
    [Array.from({ length: 60 }, () => 1), 'maxItems (50'],
    [[[[[[[1]]]]]], 'maxDepth (5'],
  ]
  for (const [value, limit] of tooMuch) {
    const asked = [rigged.far.receive(), rigged.far.receive()].map(failure)
    await settle(rigged)
    await near.send(value)
    await settle(rigged)
    for (const error of await Promise.all(asked)) expect(String(error)).toBe('Error: encode')
    const now = failure(rigged.far.tryReceive())
    await settle(rigged)
    expect(String(await now)).toBe('Error: encode')
    expect(connection.failures.splice(0)).toEqual(
      Array.from({ length: 3 }, () => expect.stringContaining(limit) as unknown),
    )
    expect(await near.size()).toBe(1)
    expect(await near.receive()).toEqual(value)
  }
  await near.send('little')
  expect(await settled(rigged, rigged.far.receive())).toBe('little')
})

test('a getter of a value may send another one that has a channel', async () => {
  const rigged = rig(4)
  const [one, two, inner] = [0, 0, 0].map(() => channelOf(rigged.connection, { capacity: 1 }))
  const { near } = rigged
  void near.send({
    x: one,
    get b() {
      void near.send({ inner })
      return 2
    },
    y: two,
  })
  expect(await near.receive()).toEqual({ inner })
  const received = (await near.receive()) as { x: unknown; y: unknown }
  expect([received.x === one, received.y === two]).toEqual([true, true])
})
