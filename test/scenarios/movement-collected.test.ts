import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Worker } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { agreeingWorker } from './agreement.ts'
import { quietWorker } from './workers.ts'

useLeakCheck('file')

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Weak references are held until the turn is over. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const heapThere = (worker: Worker): Promise<number> =>
  worker.call(() => {
    ;(globalThis as { gc?: () => void }).gc!()
    return process.memoryUsage().heapUsed
  })

const bigHandler = (round: number): (() => number) => {
  const data = Array.from({ length: 20_000 }, () => round)
  return () => data[0]! + data.length
}

let handler: (() => number) | undefined
const run = (): number | undefined => handler?.()

const counter = (() => {
  const state = { count: 0 }
  return { up: () => ++state.count }
})()

test('functions that nobody here has any more are not held over there either', async () => {
  await using worker = await quietWorker({ execArgv: ['--expose-gc'] })
  await worker.call(() => counter.up())
  const before = await heapThere(worker)
  for (let round = 0; round < 200; round++) {
    handler = bigHandler(round)
    expect(await worker.call(run)).toBe(20_000 + round)
    if (round % 50 === 49) {
      await nextTurn()
      collect()
    }
  }
  // All of them together are 32 MB, and as they came some 10 MB more.
  expect((await heapThere(worker)) - before).toBeLessThan(25e6)
  expect(await worker.call(() => counter.up())).toBe(2)
}, 90_000)

test('to delete a variable frees what is only held because of it', async () => {
  await using worker = await agreeingWorker({ execArgv: ['--expose-gc'] })
  handler = () => 1
  await worker.call(run)
  const before = await heapThere(worker)
  const big = Array.from({ length: 1_000_000 }, (_, index) => index)
  handler = () => big.length + counter.up()
  expect(await worker.call(run)).toBe(1_000_001)
  expect((await heapThere(worker)) - before).toBeGreaterThan(7e6)
  await worker.globals.delete('handler')
  expect((await heapThere(worker)) - before).toBeLessThan(2e6)
  // What others refer to stays, and what it was is sent again.
  expect(await worker.call(run)).toBe(1_000_002)
}, 90_000)
