import { expect, test } from 'vitest'
import { quietWorker } from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const module = new URL('../fixtures/worker/tasks.mjs', import.meta.url).href

interface Own extends Array<unknown> {
  0: number
  1: number
  2: number
  3: boolean
}

test('calls that overlap each see their own number and signal', async () => {
  await using worker = await quietWorker({ name: 'counted' })
  const delays = [80, 60, 40, 20, 10, 5, 1, 30]
  const all = await Promise.all(delays.map((ms) => worker.call<Own>({ module, export: 'ownNumber' }, [ms])))
  for (const [before, between, after, isSame, identity] of all) {
    expect(between).toBe(before)
    expect(after).toBe(before)
    expect(isSame).toBe(true)
    expect(identity).toEqual({ name: 'counted', path: 'counted', incarnation: 1 })
  }
  expect(new Set(all.map(([before]) => before)).size).toBe(delays.length)
  const [alone] = [await worker.call<Own>({ module, export: 'ownNumber' }, [1])]
  expect(alone[0]).toBe(alone[2])
})

test('code that outlived its call is in none', async () => {
  await using worker = await quietWorker()
  await worker.call({ module, export: 'outlive' })
  await expect.poll(() => worker.call({ module, export: 'whatWasSeen' })).toBe('MaltsterError')
})

test('outside a worker there is no current call', async () => {
  const { currentCall } = await import('maltster/worker')
  expect(() => currentCall()).toThrow(/inside a worker only/)
})
