import { liveWorkers, SpawnError } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { can, expectUsable, quietWorker, rejection, startWorker, whereItCan } from './workers.ts'

useLeakCheck()

test('scenario 1: a worker with default options is idle, another process if it can be one, usable, and the only live one', async () => {
  await using worker = await startWorker()
  expect(worker.state).toBe('idle')
  expect(worker.pid !== process.pid).toBe(can('process'))
  expect(await worker.call((a: boolean, b: boolean) => a && b, [true, true])).toBe(true)
  expect(await worker.call(() => process.pid)).toBe(worker.pid)
  expect(liveWorkers()).toEqual([worker])
})

whereItCan('process')(
  'scenario 2: a flag that Node.js does not know rejects the start, with exit code and stderr',
  async () => {
    const error = await rejection(quietWorker({ execArgv: ['--not-a-flag'] }), SpawnError)
    expect(error.reason).toMatchObject({ type: 'boot', exitCode: 9, signal: null })
    expect(error.reason.stderrTail).toContain('bad option')
    expect(error.message).toContain('bad option')
    expect(liveWorkers()).toEqual([])
  },
)

whereItCan('process')(
  'scenario 6: of eight starts at once and one that fails, the eight are distinct and usable',
  async () => {
    const failing = quietWorker({ execArgv: ['--not-a-flag'] })
    const starting = Array.from({ length: 8 }, () => quietWorker())
    await rejection(failing, SpawnError)
    const workers = await Promise.all(starting)
    expect(new Set(workers.map(({ pid }) => pid)).size).toBe(8)
    expect(new Set(workers.map(({ name }) => name)).size).toBe(8)
    await Promise.all(workers.map(expectUsable))
    await Promise.all(workers.map((worker) => worker.stop()))
  },
)
