import { type Channel, EncodeError, RemoteError } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { collect } from './stream-items.ts'
import { expectUsable, quietWorker, rejection } from './workers.ts'

useLeakCheck()

test('a value beyond the limits of a receiver stays for others, and the error names limit and worker', async () => {
  await using wide = await quietWorker()
  await using narrow = await quietWorker({ name: 'narrow', limits: { maxBodyBytes: 100_000 } })
  const channel = wide.channel<string>({ capacity: 4 })
  await channel.send('x'.repeat(1_000_000))
  await channel.send('little')
  const asked = narrow.call((from: Channel<string>) => from.receive(), [channel])
  const error = await rejection(asked, RemoteError)
  expect(error.remoteName).toBe('EncodeError')
  expect(error.message).toMatch(
    /^The next value of a channel, of 1\d{6} bytes, can't go to worker .*narrow, and stays in it, .* until it is received elsewhere: .* maxBodyBytes \(100000/,
  )
  expect(await wide.call(async (from: Channel<string>) => (await from.receive()).length, [channel])).toBe(1e6)
  expect(await narrow.call((from: Channel<string>) => from.receive(), [channel])).toBe('little')
  channel.close()
  await expectUsable(narrow)
})

test('all who wait in a process where a value can not go learn of it when it is sent', async () => {
  await using narrow = await quietWorker({ limits: { maxBodyBytes: 100_000 } })
  await using wide = await quietWorker()
  const channel = wide.channel<string>({ capacity: 4 })
  const waiting = wide.channel<string>()
  const outcomes = narrow.call(
    async (from: Channel<string>, tell: Channel<string>) => {
      const asked = [from.receive(), from.receive(), from.tryReceive()].map((one) =>
        one.then(String, ({ name }: Error) => name),
      )
      await asked[2]
      await tell.send('they wait')
      return Promise.all(asked)
    },
    [channel, waiting],
  )
  await waiting.receive()
  await channel.send('x'.repeat(1_000_000))
  expect(await outcomes).toEqual(['EncodeError', 'EncodeError', 'undefined'])
  expect((await channel.receive()).length).toBe(1e6)
  channel.close()
  waiting.close()
})

test('a value that comes back after the close is received before the end', async () => {
  await using worker = await quietWorker()
  const channel = worker.channel<string>({ capacity: 4 })
  const ready = worker.channel<string>({ capacity: 1 })
  const giving = worker.call(
    async (from: Channel<string>, tell: Channel<string>) => {
      const given = new AbortController()
      const asked = from.receive({ signal: given.signal }).catch(() => 'gave up')
      await tell.send('asked')
      // Before anything that comes can be read.
      const until = performance.now() + 300
      while (performance.now() < until);
      given.abort()
      return asked
    },
    [channel, ready],
  )
  expect(await ready.receive()).toBe('asked')
  void channel.send('precious')
  channel.close()
  const [received, outcome] = await Promise.all([collect(channel), giving])
  expect(outcome === 'gave up' ? received : [outcome]).toEqual(['precious'])
  await expectUsable(worker)
})

test('errors about values name them as the user does', async () => {
  await using worker = await quietWorker()
  const channel = worker.channel({ capacity: 2 ** 10 })
  const paths = worker.call(
    async (to: Channel, tell: (...given: unknown[]) => Promise<void>) => {
      const pathOf = (promise: Promise<unknown>): Promise<unknown> =>
        promise.catch(({ path, message }: EncodeError) => [path, message.startsWith(`${path} can't`)])
      return [await pathOf(to.send({ z: () => 1 })), await pathOf(tell(1, () => 1))]
    },
    [channel, () => {}],
  )
  expect(await paths).toEqual([
    ['value.z', true],
    ['args[1]', true],
  ])
  expect(() => worker.channel({ capacity: 2 ** 40 })).toThrow('from 0 to 4294967295, got 1099511627776')
  class A {
    readonly n = 1
  }
  const classes = worker.call((...given: unknown[]) => given, [A])
  const { message } = await rejection(classes, EncodeError)
  expect(message).toContain('a class (A)')
  expect(message).not.toContain('proxy')
  channel.close()
})
