import { root, supervise } from 'maltster'
import { describe, expect, it } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'

useLeakCheck()

const ownPid = (): number => process.pid

describe('a pool', () => {
  it('that was never started refuses what waits, when what is above it fails', async () => {
    const init = { module: 'node:assert', export: 'fail' }
    const children = [
      { id: 'first', worker: { stderr: 'ignore' }, init },
      { id: 'jobs', pool: { size: 1 } },
    ] as const
    const app = supervise({ name: 'app', children })
    const jobs = root().pool('app/jobs')
    const { exited } = jobs
    const call = jobs.call(ownPid)
    const items = jobs.map([1, 2], (n) => n)
    await expect(app).rejects.toThrow('`first`')
    const refused = { name: 'WorkerUnavailableError', worker: 'app/jobs', retryAt: undefined }
    await expect(call).rejects.toMatchObject(refused)
    await expect(items).rejects.toMatchObject(refused)
    await expect(jobs.call(ownPid)).rejects.toThrow('was not started')
    expect(await exited).toMatchObject({ type: 'shutdown' })
  })

  it('that is stopped before its turn refuses calls until it is started after all', async () => {
    const app = supervise({
      name: 'app',
      children: [
        { id: 'first', worker: { stderr: 'ignore' } },
        { id: 'jobs', pool: { size: 1 } },
      ],
    })
    const jobs = root().pool('app/jobs')
    const call = jobs.call(ownPid)
    const { exited } = jobs
    await root().terminateChild('app/jobs')
    await expect(call).rejects.toMatchObject({ name: 'WorkerStoppedError', executed: 'no' })
    await expect(jobs.call(ownPid)).rejects.toMatchObject({ name: 'WorkerStoppedError' })
    expect(await exited).toMatchObject({ type: 'shutdown' })
    await using supervisor = await app
    await supervisor.restartChild('jobs')
    expect(await jobs.call(ownPid)).toBe(jobs.stats().members[0]?.pid)
    const again = jobs.exited
    await supervisor.terminateChild('jobs')
    expect(await again).toMatchObject({ type: 'shutdown' })
  })
})
