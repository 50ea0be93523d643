import { CaptureError, type Pool, proxy } from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'
import { ofType, recordEvents } from '../../scenarios/workers.ts'
import { quietPool } from '../../support/test-pool.ts'

useLeakCheck()

/** A pool in which all waits until `resume`. */
async function pausedPool(): Promise<Pool> {
  const workers = await quietPool({ size: 1 })
  workers.pause()
  return workers
}

const unsendable = new WeakMap()

/** A name that only `captures` gives. */
declare const given: { readonly n: number }
const byName = (): number => given.n
let ofModule = 0

describe('what a call takes that waits in a pool', () => {
  test('is what its function referred to when it was made, however it did', async () => {
    await using workers = await pausedPool()
    let ofClosure = 0
    const job = { n: 0, deep: [0] }
    const large = new Uint8Array(100_000)
    const makers = [(n: number) => () => n]
    const calls = [1, 2, 3].map((n) => {
      ofModule = ofClosure = job.n = job.deep[0] = large[0] = n
      makers[0] = (factor) => () => n * factor
      const captures = { given: job }
      return Promise.all([
        workers.call(() => ofModule),
        workers.call(() => ofClosure),
        workers.call(() => job.n + job.deep[0]!),
        workers.call(() => large[0]),
        workers.call(() => makers[0]!(10)()),
        workers.call(byName, [], { captures }),
        workers.call(byName, [], { captures, capture: 'explicit' }),
        workers.call(byName, [], { captures: { given: { n } }, retry: { times: 1 } }),
      ])
    })
    ofModule = ofClosure = job.n = large[0] = 9
    job.deep = []
    makers.length = 0
    workers.resume()
    expect(await Promise.all(calls)).toEqual([1, 2, 3].map((n) => [n, n, 2 * n, n, 10 * n, n, n, n]))
  })

  test('can be sent if it could be then, and is refused at once if it could not', async () => {
    await using workers = await pausedPool()
    let value: unknown = 1
    const fine = workers.call(() => value)
    value = unsendable
    const early = { signal: AbortSignal.abort(new Error('not now')) }
    await expect(workers.call(() => value, [], early)).rejects.toThrow('not now')
    await expect(workers.call(() => value)).rejects.toThrow(CaptureError)
    await expect(workers.call(() => ofModule, [], { capture: { deny: ['ofModule'] } })).rejects.toThrow(
      'denies `ofModule`',
    )
    await expect(workers.broadcast(() => value)).rejects.toThrow(CaptureError)
    value = 2
    const much = 'much'.repeat(100)
    const tooMuch = workers.call(() => much.length, [], { capture: { maxBytes: 300 } })
    tooMuch.catch(() => {})
    workers.resume()
    expect(await fine).toBe(1)
    await expect(tooMuch).rejects.toThrow('capture.maxBytes')
  })

  test('stays where it is if that is its way, and has the number that it has with its member', async () => {
    await using workers = await pausedPool()
    const told: string[] = []
    let tell = proxy((text: string) => void told.push(`first ${text}`))
    const parts = { tell, texts: ['a'] }
    const one = workers.call(async () => tell('x'))
    const other = workers.call(async () => parts.tell(parts.texts.join()))
    const again = workers.call(async () => parts.tell(parts.texts.join()))
    tell = parts.tell = proxy((text: string) => void told.push(`second ${text}`))
    parts.texts.push('b')
    workers.resume()
    await Promise.all([one, other, again])
    expect(told).toEqual(['first x', 'first a', 'first a'])
    await workers.call(async () => parts.tell(parts.texts.join()))
    expect(told.at(-1)).toBe('second a,b')
  })

  test('is planned, told of and counted as that of a call that goes at once', async () => {
    await using workers = await pausedPool()
    const worker = [...workers][0]!.current!
    const rates = new Map([['EUR', 1.1]])
    const helper = (sum: number): number => sum * rates.get('EUR')!
    const convert = (sum: number): number => helper(sum)
    using recorded = recordEvents()
    const plan = worker.explain(convert, [10])
    const before = worker.movement.totalBytes
    const waiting = workers.call(convert, [10])
    workers.resume()
    expect(await waiting).toBe(11)
    const [moved] = ofType(recorded.events, 'call.moved')
    expect(moved?.totalBytes).toBe(plan.totalBytes)
    expect(worker.movement.totalBytes - before).toBe(plan.totalBytes)
    expect(worker.explain(convert, [10]).totalBytes).toBeLessThan(plan.totalBytes)
  })
})

test('what is tried again takes the values of the first time', async () => {
  await using workers = await quietPool({ size: 1 })
  let value = 1
  const failsOnce = (): number => {
    const counts = globalThis as { tries?: number }
    counts.tries = (counts.tries ?? 0) + 1
    if (counts.tries === 1) throw new Error('once')
    return value
  }
  const when = (): boolean => {
    value = 2
    return true
  }
  expect(await workers.call(failsOnce, [], { retry: { times: 1, when } })).toBe(1)
})

test('a map, and what all members run, take the values of when they were asked for', async () => {
  await using workers = await quietPool({ size: 1 })
  let add = 10
  const asked = [1, 2].map((batchSize) => workers.map([1, 2, 3], (n) => n + add, { batchSize }))
  const stream = workers.mapStream([1, 2, 3], (n) => n + add)
  const done = workers.broadcast(() => void Object.assign(globalThis, { told: add }))
  add = 100
  expect(await Promise.all(asked)).toEqual([
    [11, 12, 13],
    [11, 12, 13],
  ])
  const streamed: number[] = []
  for await (const one of stream) streamed.push(one)
  expect(streamed).toEqual([11, 12, 13])
  await done
  await workers.resize(2)
  const toldOf = (): number => (globalThis as unknown as { told: number }).told
  expect(await Promise.all([...workers].map((handle) => handle.call(toldOf)))).toEqual([10, 10])
})

test('a map whose function can not be sent says so of each item', async () => {
  await using workers = await quietPool({ size: 1 })
  const value = unsendable
  for (const batchSize of [1, 2]) {
    const onError = (error: unknown): boolean => error instanceof CaptureError
    expect(await workers.map([1, 2, 3], () => value, { batchSize, onError })).toEqual([true, true, true])
    await expect(workers.map([1, 2], () => value, { batchSize })).rejects.toThrow(CaptureError)
  }
})

test('a pool and its new members have the options that it was made with', async () => {
  const worker = { env: { MARK: 'first' }, argv: ['first'] }
  await using workers = await quietPool({ size: 1, worker })
  worker.env.MARK = worker.argv[0] = 'second'
  await workers.resize(2)
  const marks = [...workers].map((handle) => handle.call(() => [process.env['MARK'], process.argv.at(-1)]))
  expect(await Promise.all(marks)).toEqual([
    ['first', 'first'],
    ['first', 'first'],
  ])
})
