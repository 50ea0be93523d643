import { RemoteError, type Worker } from 'maltster'
import { afterEach, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, rejection } from './workers.ts'

useLeakCheck()

const workers: Worker[] = []

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()))
})

/** A worker that has one in it, as its global `inner`. */
async function outerWorker(): Promise<Worker> {
  const outer = await quietWorker()
  workers.push(outer)
  await outer.evaluate(`
    const { spawnWorker } = await import('maltster')
    globalThis.inner = await spawnWorker({ stdout: 'ignore', stderr: 'ignore' })
    undefined`)
  return outer
}

type Inner = { inner: Worker }

/** Passes on what the inner worker yields. */
const passedOn = async function* (count: number): AsyncGenerator<number> {
  const { inner } = globalThis as unknown as Inner
  yield* inner.stream(
    function* (upTo: number) {
      const { noted } = Object.assign(globalThis, { noted: [] as string[] })
      try {
        for (let n = 0; n < upTo; n++) yield n
        if (upTo < 1000) throw new RangeError('from below')
      } finally {
        noted.push('ended below')
      }
    },
    [count],
  )
}

const notedBelow = (outer: Worker): Promise<string[]> =>
  outer.call(() => {
    const { inner } = globalThis as unknown as Inner
    return inner.call(() => (globalThis as { noted?: string[] }).noted?.splice(0) ?? [])
  })

test('a stream passes through the worker in the middle, item by item and in order', async () => {
  const outer = await outerWorker()
  let at = 0
  for await (const n of outer.stream(passedOn, [20_000])) if (n !== at++) throw new Error(`${n} at ${at - 1}`)
  expect(at).toBe(20_000)
  expect(await notedBelow(outer)).toEqual(['ended below'])
})

test('to leave it here ends the generator two workers down, and waits for its `finally`', async () => {
  const outer = await outerWorker()
  for await (const n of outer.stream(passedOn, [1_000_000], { windowItems: 8 })) if (n === 100) break
  expect(await notedBelow(outer)).toEqual(['ended below'])
  await expectUsable(outer)
})

test('an interrupt here ends it two workers down', async () => {
  const outer = await outerWorker()
  const stream = outer.stream(passedOn, [1_000_000], { windowItems: 8 })
  await stream.next()
  expect(await outer.interrupt()).toMatchObject({ outcome: 'detached' })
  await expect(
    (async () => {
      for await (const _ of stream);
    })(),
  ).rejects.toMatchObject({ name: 'InterruptedError' })
  await expect.poll(() => notedBelow(outer)).toEqual(['ended below'])
  await expectUsable(outer)
})

test('what is thrown below arrives here after the items, with the chain of workers', async () => {
  const outer = await outerWorker()
  const seen: number[] = []
  const reading = (async () => {
    for await (const n of outer.stream(passedOn, [100])) seen.push(n)
  })()
  const error = await rejection(reading, RemoteError)
  expect(seen).toHaveLength(100)
  expect(error.message).toBe('from below')
  expect(error.stack).toContain('from below')
})
