import { expect, test } from 'vitest'
import { afterOwnTime } from '../../src/child/own-time.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const after = (delayMs: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, delayMs)
  })

test('what a thread did not get of its time is not counted: others get to their second step before it is over', async () => {
  const order: string[] = []
  const isOver = new Promise<void>((resolve) => {
    afterOwnTime(100, () => {
      order.push('over')
      resolve()
    })
  })
  const other = (async () => {
    await after(1)
    await after(1)
    order.push('other')
  })()
  // As if the machine had given this thread nothing.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150)
  await Promise.all([isOver, other])
  expect(order).toEqual(['other', 'over'])
})

test('it is over once, after all of its time', async () => {
  const startedMs = performance.now()
  let times = 0
  await new Promise<void>((resolve) => {
    afterOwnTime(35, () => {
      times++
      resolve()
    })
  })
  // A timer may be early by a part of a millisecond.
  expect(performance.now() - startedMs).toBeGreaterThan(30)
  await after(20)
  expect(times).toBe(1)
})
