import { isMainThread } from 'node:worker_threads'
import { expect, inject, test } from 'vitest'
import { cases, differences } from '../fixtures/movement/shipped/cases.mjs'
import { useLeakCheck } from '../support/leak-check.ts'
import { agreeingWorker } from './agreement.ts'

useLeakCheck('file')

// Run twice: in a process of the runner, and in a thread of it.
test('functions of a module that vitest has transformed do there what they do here', async () => {
  expect(isMainThread).toBe(!inject('inThread'))
  const worker = await agreeingWorker()
  try {
    expect(Object.keys(cases).length).toBeGreaterThan(25)
    expect(await differences(worker)).toEqual([])
  } finally {
    await worker.stop()
  }
})
