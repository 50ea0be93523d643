import type { Worker } from 'maltster'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { make } from '../fixtures/movement/make.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { ofType, quietWorker, recordEvents } from './workers.ts'

useLeakCheck()

let worker: Worker
let atStart: number

const sent = async (): Promise<number> => (await worker.stats()).bytes.sent

beforeEach(async () => {
  worker = await quietWorker()
  atStart = await sent()
})

afterEach(async () => {
  await worker.stop()
})

let list = [1]
const factor = { by: 2 }
const total = (): number => list.reduce((sum, one) => sum + one * factor.by, 0)

/** Does a little of everything that puts bytes on the lane. */
async function workOn(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    list = [...list, round]
    const local = { round }
    await worker.call(() => [total(), local])
    await worker.call((n: number) => n, [round])
    worker.cast(() => factor.by)
  }
  await worker.call({ module: 'node:path', export: 'basename' }, ['/a/b'])
  await worker.call(make('() => given.length'), [], { captures: { given: 'x'.repeat(3000) } })
  await worker.evaluate('1 + 1')
  await worker.globals.get('list')
  await worker.call((bytes: Uint8Array) => bytes.length, [new Uint8Array(100_000)])
}

describe('the account of a worker', () => {
  test('is what went over the lane, to the byte', async () => {
    expect(worker.movement).toMatchObject({ entries: [], totalBytes: 0, calls: { made: 0, bytes: 0 } })
    await workOn()
    const { movement } = worker
    expect(movement.totalBytes).toBe((await sent()) - atStart)
    expect(movement.calls.made).toBe((await worker.stats()).calls.made)
    expect(movement.otherBytes).toBe(0)
    const found = movement.entries.find(({ name }) => name === 'list')
    expect(found).toMatchObject({ kind: 'global', times: 5 })
    expect(movement.resent.map(({ name }) => name).toSorted()).toEqual(['list', 'local'])
  })

  test('has the figures of the events, one by one', async () => {
    using recorded = recordEvents({ types: ['call.moved'] })
    await workOn()
    const told = new Map<string, number>()
    for (const { entries } of ofType(recorded.events, 'call.moved')) {
      for (const { name, kind, bytes } of entries) {
        if (bytes > 0) told.set(`${kind} ${name}`, (told.get(`${kind} ${name}`) ?? 0) + bytes)
      }
    }
    const { entries, calls } = worker.movement
    const kept = new Map([['argument arguments', calls.bytes]])
    for (const { name, kind, bytes } of entries) {
      kept.set(`${kind} ${name}`, (kept.get(`${kind} ${name}`) ?? 0) + bytes)
    }
    expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(told))
  })

  // Thousands of functions, each asked for by itself.
  test('counts what the worker is told to drop, and stays bounded', { timeout: 120_000 }, async () => {
    // More contents than a worker holds, each by a variable of another function.
    for (let n = 0; n < 4500; n++) {
      const local = n
      worker.cast(() => local)
      if (n % 500 === 0) await worker.call(() => 0)
    }
    await worker.call(() => 0)
    const { entries, otherBytes, totalBytes } = worker.movement
    expect(totalBytes).toBe((await sent()) - atStart)
    expect(otherBytes).toBeGreaterThan(0)
    expect(entries.find(({ name }) => name === 'local')?.times).toBe(4500)
  })

  test('has nothing of a call that was refused, nor of one that waits', async () => {
    const one = await quietWorker({ concurrency: 1 })
    try {
      const before = one.movement.totalBytes
      const promise = Promise.resolve()
      await expect(one.call(() => promise)).rejects.toThrow('promise')
      expect(one.movement.totalBytes).toBe(before)
      const first = one.call(() => 'first')
      const moved = one.movement.totalBytes
      const second = one.call(() => 'second, which waits')
      expect(one.movement.totalBytes).toBe(moved)
      await Promise.all([first, second])
      expect(one.movement.totalBytes).toBeGreaterThan(moved)
    } finally {
      await one.stop()
    }
  })
})
