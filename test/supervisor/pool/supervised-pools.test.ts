import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { liveWorkers, supervise } from 'maltster'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'
import { upTo } from '../../support/numbers.ts'
import { pidsOf, waitUntil, whenFull } from '../../support/test-pool.ts'

useLeakCheck()

const ownPid = (): number => process.pid
const dieNow = (): boolean => process.kill(process.pid, 'SIGKILL')

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pool-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a pool in a supervisor', () => {
  it('is started again with its size when it has given up, and its handle goes on', async () => {
    await using app = await supervise({
      name: 'app',
      children: [
        {
          id: 'jobs',
          pool: { size: 1, maxRestarts: 0, worker: { stdout: 'ignore', stderr: 'ignore' } },
        },
      ],
    })
    const jobs = app.pool('jobs')
    expect(await jobs.call(() => 1)).toBe(1)
    await jobs.resize(2)
    await expect(jobs.call(dieNow)).rejects.toThrow('died')
    await waitUntil(() => jobs.stats().state === 'up' && jobs.stats().members.length === 2)
    expect(await jobs.call(() => 2)).toBe(2)
    expect(app.whichChildren()).toMatchObject([{ id: 'jobs', kind: 'pool', state: 'up', incarnation: 2 }])
    expect(
      jobs
        .stats()
        .members.map(({ path }) => path)
        .toSorted(),
    ).toEqual(['app/jobs/worker-1', 'app/jobs/worker-2'])
  })

  it('says when it is started again, and that it was stopped once it was', async () => {
    const pool = { size: 1, maxRestarts: 0, worker: { stderr: 'ignore' } } as const
    const children = [
      { id: 'jobs', pool },
      { id: 'others', pool },
    ] as const
    const backoff = { minMs: 60_000, maxMs: 60_000 }
    await using app = await supervise({ maxRestarts: 100, periodMs: 60_000, backoff, children })
    const before = Date.now()
    for (const id of ['jobs', 'others'] as const) {
      const workers = app.pool(id)
      const isDown = (): boolean =>
        app.whichChildren().some((one) => one.id === id && one.state === 'backing-off')
      // The first restart comes at once.
      await expect(workers.call(dieNow)).rejects.toThrow('died')
      await waitUntil(() => workers.stats().state === 'up' && workers.stats().members.length === 1)
      await expect(workers.call(dieNow)).rejects.toThrow('died')
      await waitUntil(isDown)
      const refused = await workers.call(ownPid).catch((error: unknown) => error)
      expect(refused).toMatchObject({ name: 'WorkerUnavailableError', cause: { name: 'RestartLimitError' } })
      const { retryAt } = refused as { retryAt: number }
      expect(retryAt).toBeGreaterThan(before)
      if (id === 'jobs') await workers.stop()
      else await app.terminateChild(id)
      await expect(workers.call(ownPid)).rejects.toMatchObject({ name: 'WorkerStoppedError', executed: 'no' })
      expect(workers.stats().state).toBe('stopped')
    }
    await app.restartChild('jobs')
    expect(await app.pool('jobs').call(ownPid)).toBeGreaterThan(0)
  })

  it('has the size that it was given while it was about to give up', async () => {
    const options = { size: 1, spares: 1, maxRestarts: 0, worker: { stderr: 'ignore' } } as const
    await using app = await supervise({ maxRestarts: 100, children: [{ id: 'jobs', pool: options }] })
    const jobs = app.pool('jobs')
    const resized = jobs.resize(4)
    for (const pid of pidsOf(jobs)) process.kill(pid, 'SIGKILL')
    await expect(resized).rejects.toMatchObject({ name: 'WorkerUnavailableError' })
    await waitUntil(() => jobs.stats().state === 'up')
    await whenFull(jobs, 1)
    expect(jobs.size).toBe(4)
    expect(liveWorkers()).toHaveLength(5)
    const keyed = upTo(12).map((key) => jobs.call(ownPid, [], { key }))
    expect(await Promise.all(keyed)).toHaveLength(12)
  })

  it('fails its start with the story of its member, and the siblings are stopped', async () => {
    const flag = join(folder, 'flag')
    writeFileSync(flag, '')
    const children = [
      { id: 'store', worker: { stdout: 'ignore', stderr: 'ignore' } },
      { id: 'jobs', pool: { size: 2, worker: { preload: [{ source: 'throw new Error("no licence")' }] } } },
    ] as const
    await expect(supervise({ name: 'app', children })).rejects.toThrow(/jobs.*no licence/s)
    expect(liveWorkers()).toEqual([])
  })
})
