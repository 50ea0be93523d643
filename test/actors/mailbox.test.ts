import { getEventListeners } from 'node:events'
import { BackpressureError, CallTimeoutError, type Worker } from 'maltster'
import { expect, test } from 'vitest'
import { expectUsable, quietWorker, rejection } from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const sleep = async (ms: number): Promise<string> => {
  const { setTimeout: wait } = await import('node:timers/promises')
  await wait(ms)
  return 'slept'
}

/** Settles when `release` is called there: no clock ends it too soon. */
const released = (): Promise<string> =>
  new Promise((resolve) => {
    const holder = globalThis as { waiting?: (() => void)[] }
    ;(holder.waiting ??= []).push(() => resolve('released'))
  })
const release = (): void => {
  const { waiting } = globalThis as unknown as { waiting: (() => void)[] }
  for (const settle of waiting.splice(0)) settle()
}

/** A worker that takes nothing until it is resumed. */
async function suspended(maxBytes: number): Promise<Worker> {
  const worker = await quietWorker({ mailbox: { maxBytes } })
  worker.suspend()
  return worker
}

const size = (given: Uint8Array): number => given.length

test('calls over `maxCalls` are refused, sent or not, and taken again when others have settled', async () => {
  await using worker = await quietWorker({ mailbox: { maxCalls: 3 } })
  const controller = new AbortController()
  const { signal } = controller
  const taken = [worker.call(released), worker.call(released), worker.call(sleep, [60_000], { signal })]
  const aborted = rejection(taken[2]!, Error)
  const error = await rejection(worker.call(sleep, [1]), BackpressureError)
  expect(error).toMatchObject({ executed: 'no', worker: worker.path })
  expect(error.message).toMatch(/maxCalls.*3/)
  expect(() => worker.cast(() => 1)).toThrow(BackpressureError)
  controller.abort(new Error('makes room'))
  expect((await aborted).message).toBe('makes room')
  await worker.call(release)
  expect(await Promise.all(taken.slice(0, 2))).toEqual(['released', 'released'])
  await expectUsable(worker)
})

test('one message over `maxBytes` is admitted when nothing else waits', async () => {
  await using worker = await suspended(2 ** 20)
  // More than a system takes off the host's hands for a socket that nobody reads.
  const call = worker.call(size, [new Uint8Array(32 * 2 ** 20)])
  call.catch(() => {})
  await rejection(worker.call(size, [new Uint8Array(1)], { timeoutMs: 1000 }), BackpressureError)
  worker.resume()
  expect(await call).toBe(32 * 2 ** 20)
  await expectUsable(worker)
})

test('a message over what is left of `maxBytes` is refused when something else waits', async () => {
  await using worker = await suspended(40 * 2 ** 20)
  const first = worker.call(size, [new Uint8Array(32 * 2 ** 20)])
  const second = worker.call(size, [new Uint8Array(39 * 2 ** 20)], { timeoutMs: 1000 })
  await rejection(second, BackpressureError)
  worker.resume()
  expect(await first).toBe(32 * 2 ** 20)
})

test('control passes though the mailbox is full', async () => {
  await using worker = await quietWorker({ mailbox: { maxCalls: 1 }, interruptGraceMs: 10_000 })
  const call = worker.call(sleep, [60_000]).catch((error: unknown) => error)
  await rejection(worker.call(sleep, [1]), BackpressureError)
  expect((await worker.stats()).rssBytes).toBeGreaterThan(1e6)
  expect((await worker.interrupt()).outcome).not.toBe('stuck')
  expect(await call).toBeInstanceOf(Error)
  await expectUsable(worker)
})

test('held calls count their bytes', async () => {
  await using worker = await quietWorker({ concurrency: 1, mailbox: { maxBytes: 100_000 } })
  const controller = new AbortController()
  const running = worker.call(sleep, [60_000], { signal: controller.signal })
  const ended = rejection(running, Error)
  // Its own bytes have left: only what is held waits.
  await expect.poll(async () => (await worker.stats()).bytes.pending).toBe(0)
  const held = worker.call(size, [new Uint8Array(120_000)])
  const error = await rejection(worker.call(size, [new Uint8Array(1)]), BackpressureError)
  expect(error.message).toContain('maxBytes')
  controller.abort(new Error('enough'))
  expect((await ended).message).toBe('enough')
  expect(await held).toBe(120_000)
  await expectUsable(worker)
})

test('with `concurrency: 1` calls run one by one, in order', async () => {
  await using worker = await quietWorker({ concurrency: 1 })
  await worker.call(() => void Object.assign(globalThis, { now: 0, most: 0, order: [] }))
  const calls = Array.from({ length: 10 }, (_, index) =>
    worker.call(
      async (n: number) => {
        const seen = globalThis as unknown as { now: number; most: number; order: number[] }
        seen.order.push(n)
        seen.most = Math.max(seen.most, ++seen.now)
        await new Promise((resolve) => setTimeout(resolve, 5))
        seen.now--
        return n
      },
      [index],
    ),
  )
  expect(await Promise.all(calls)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const seen = await worker.call(() => {
    const { most, order } = globalThis as unknown as { most: number; order: number[] }
    return { most, order }
  })
  expect(seen).toEqual({ most: 1, order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] })
})

test('held calls keep their arguments as they were when the call was made', async () => {
  await using worker = await quietWorker({ concurrency: 1 })
  const first = worker.call(sleep, [50])
  const list = [1, 2, 3]
  const bytes = new Uint8Array(100_000).fill(7)
  const small = worker.call((given: number[]) => given, [list])
  const large = worker.call((given: Uint8Array) => given[99_999]!, [bytes])
  list.push(4)
  bytes.fill(9)
  await first
  expect(await small).toEqual([1, 2, 3])
  expect(await large).toBe(7)
})

test('calls that are not held keep their arguments as they were, too', async () => {
  await using worker = await suspended(2 ** 30)
  const bytes = new Uint8Array(1000).fill(7)
  const call = worker.call((given: Uint8Array) => given[999]!, [bytes])
  bytes.fill(9)
  worker.resume()
  expect(await call).toBe(7)
})

test('held calls that time out or are aborted were not executed, and free their place', async () => {
  await using worker = await quietWorker({ concurrency: 1 })
  const ending = new AbortController()
  const running = worker.call(sleep, [60_000], { signal: ending.signal })
  const ended = rejection(running, Error)
  const timed = rejection(
    worker.call(() => Object.assign(globalThis, { ran: 1 }), [], { timeoutMs: 30 }),
    CallTimeoutError,
  )
  const controller = new AbortController()
  const aborted = worker.call(() => Object.assign(globalThis, { ran: 2 }), [], { signal: controller.signal })
  const last = worker.call(() => Reflect.get(globalThis, 'ran') as unknown)
  controller.abort(new Error('changed my mind'))
  await expect(aborted).rejects.toThrow('changed my mind')
  expect((await timed).executed).toBe('no')
  ending.abort(new Error('enough'))
  expect((await ended).message).toBe('enough')
  expect(await last).toBe(undefined)
})

test('with `concurrency: 1`, a call with a time limit or a signal frees its place when it returns', async () => {
  await using worker = await quietWorker({ concurrency: 1 })
  expect(await worker.call(() => 1, [], { timeoutMs: 20_000 })).toBe(1)
  expect(await worker.call(() => 2, [], { signal: new AbortController().signal, timeoutMs: 5000 })).toBe(2)
  expect(await worker.call(() => 3, [], { timeoutMs: 5000 })).toBe(3)
  await expectUsable(worker)
})

test('with `concurrency: 1`, a call that times out while it runs frees its place', async () => {
  await using worker = await quietWorker({ concurrency: 1, interruptGraceMs: 10_000 })
  for (let round = 0; round < 3; round++) {
    await rejection(worker.call(sleep, [60_000], { timeoutMs: 30 }), CallTimeoutError)
    expect(await worker.call((n: number) => n, [round], { timeoutMs: 20_000 })).toBe(round)
  }
})

test('signals and timers of settled calls are let go', async () => {
  await using worker = await quietWorker()
  const { signal } = new AbortController()
  for (let n = 0; n < 50; n++) await worker.call(() => 1, [], { signal, timeoutMs: 60_000 })
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})
