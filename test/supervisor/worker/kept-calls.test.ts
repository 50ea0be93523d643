import { BackpressureError, CaptureError, proxy } from 'maltster'
import { expect, test } from 'vitest'
import { killUnnoticed } from '../../scenarios/supervision.ts'
import { useLeakCheck } from '../../support/leak-check.ts'
import { rejection } from '../../scenarios/workers.ts'
import { OnePlace } from './one-place.ts'

useLeakCheck()

/** A name that only `captures` gives. */
declare const given: { readonly n: number }
const byName = (): number => given.n

test('what is asked of a worker that is down takes what its function referred to then', async () => {
  await using place = new OnePlace()
  const { handle } = place
  let value = 1
  const job = { n: 1 }
  const told: number[] = []
  let tell = proxy((n: number) => void told.push(n))
  const calls = [
    handle.call(() => value),
    handle.call(() => job.n),
    handle.call(byName, [], { captures: { given: job } }),
    handle.call(byName, [], { captures: { given: job }, capture: 'explicit' }),
    handle.call(() => value, [], { retry: { times: 1 } }),
  ]
  const kept = handle.keep(() => [value, job.n])
  const stream = handle.stream(function* () {
    yield value
    yield job.n
  })
  handle.cast(() => tell(value))
  value = job.n = 2
  tell = proxy((n: number) => void told.push(100 * n))
  await place.up()
  expect(await Promise.all(calls)).toEqual([1, 1, 1, 1, 1])
  using ref = await kept
  expect(await ref.get()).toEqual([1, 1])
  const streamed: number[] = []
  for await (const one of stream) streamed.push(one)
  expect(streamed).toEqual([1, 1])
  await handle.call(async () => tell(value))
  expect(told).toEqual([1, 200])
})

test('what can not be sent is refused at once, also if nobody is there yet', async () => {
  await using place = new OnePlace({ capture: { deny: ['secret'] } })
  const { handle } = place
  let value: unknown = 1
  const secret = 1
  const fine = handle.call(() => value)
  value = new WeakMap()
  await expect(handle.call(() => value)).rejects.toThrow(CaptureError)
  await expect(handle.keep(() => value)).rejects.toThrow(CaptureError)
  expect(() => handle.cast(() => void value)).toThrow(CaptureError)
  await expect(handle.stream(() => [value]).next()).rejects.toThrow(CaptureError)
  await expect(handle.call(() => secret)).rejects.toThrow('denies `secret`')
  await place.up()
  expect(await fine).toBe(1)
})

test('what is held for calls that wait counts for the bound of the mailbox, once', async () => {
  await using place = new OnePlace({ mailbox: { maxBytes: 20_000 } })
  const { handle } = place
  const text = (letter: string): string => letter.repeat(12_000)
  let large = text('a')
  const same = [1, 2, 3].map(() => handle.call(() => large[0]))
  large = text('b')
  await expect(handle.call(() => large[0])).rejects.toThrow(BackpressureError)
  await place.up()
  expect(await Promise.all(same)).toEqual(['a', 'a', 'a'])
  expect(await handle.call(() => large[0])).toBe('b')
})

test('what went to a worker that was gone goes to the next as it was', async () => {
  await using place = await new OnePlace().up()
  const { handle } = place
  let value = 1
  const job = { n: 1 }
  const large = new Uint8Array(100_000).fill(1)
  const told: number[] = []
  let tell = proxy((n: number) => void told.push(n))
  killUnnoticed(handle.pid!)
  const calls = [
    handle.call(() => value),
    handle.call(() => job.n),
    handle.call(() => large[0]),
    handle.call(async () => tell(job.n)),
    handle.call(byName, [], { captures: { given: job } }),
    handle.call(byName, [], { captures: { given: job }, capture: 'explicit' }),
  ]
  const stream = handle.stream(() => [value])
  value = job.n = 2
  large.fill(2)
  tell = proxy((n: number) => void told.push(100 * n))
  await place.gone()
  place.become('backing-off')
  await place.up()
  expect(await Promise.all(calls)).toEqual([1, 1, 1, undefined, 1, 1])
  expect(await stream.next()).toEqual({ done: false, value: 1 })
  await stream.return()
  expect(told).toEqual([1])
})

test('so does what was refused by a worker that was about to be gone, and what is tried again', async () => {
  await using place = await new OnePlace().up()
  const { handle } = place
  let value: unknown = 1
  handle.kill()
  const call = handle.call(() => value)
  value = new WeakMap()
  const never = rejection(
    handle.call(() => value),
    CaptureError,
  )
  value = 2
  await place.gone()
  place.become('backing-off')
  await never
  await place.up()
  expect(await call).toBe(1)
  const failsOnce = (): unknown => {
    const counts = globalThis as { tries?: number }
    counts.tries = (counts.tries ?? 0) + 1
    if (counts.tries === 1) throw new Error('once')
    return value
  }
  const when = (): boolean => {
    value = 3
    return true
  }
  expect(await handle.call(failsOnce, [], { retry: { times: 1, when } })).toBe(2)
})

test('each incarnation has the options that the place was made with', async () => {
  const options = { env: { MARK: 'first' }, argv: ['first'] }
  await using place = new OnePlace(options)
  options.env.MARK = options.argv[0] = 'second'
  await place.up()
  expect(await place.handle.call(() => [process.env['MARK'], process.argv.at(-1)])).toEqual([
    'first',
    'first',
  ])
})
