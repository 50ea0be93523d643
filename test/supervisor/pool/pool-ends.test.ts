import { liveWorkers, RestartLimitError } from 'maltster'
import { describe, expect, it } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'
import { upTo } from '../../support/numbers.ts'
import { pidsOf, quietPool } from '../../support/test-pool.ts'

useLeakCheck()

describe('a stream over an endless input', () => {
  it('ends when its pool has given up, although `onError` makes up for every item', async () => {
    await using workers = await quietPool({ size: 1, maxRestarts: 1, backoff: { minMs: 0 } })
    const poison = (n: number): number => {
      if (n > 5) process.kill(process.pid, 'SIGKILL')
      return n
    }
    function* endless(): Generator<number> {
      for (let n = 1; n < 1_000_000; n++) yield n
    }
    const got: (number | null)[] = []
    const read = async (): Promise<void> => {
      for await (const one of workers.mapStream(endless(), poison, { onError: () => null })) got.push(one)
    }
    await expect(read()).rejects.toMatchObject({ name: 'WorkerUnavailableError' })
    expect(got.slice(0, 7)).toEqual([1, 2, 3, 4, 5, null, null])
    expect(got.length).toBeLessThan(20)
  })
})

describe('members of a pool that is being stopped', () => {
  it('are replaced also while the pool is stopped, so that all that was made finishes', async () => {
    const workers = await quietPool({ size: 2, recycle: { afterCalls: 3 } })
    const calls = upTo(12).map((n) => workers.call((own: number) => own, [n]))
    await workers.stop({ drainMs: Infinity })
    expect(await Promise.all(calls)).toEqual(upTo(12))
    expect(liveWorkers()).toEqual([])
  })

  it('finish maps that were begun before a stop', async () => {
    const workers = await quietPool({ size: 2 })
    const map = workers.map(upTo(20), (n) => new Promise<number>((done) => setTimeout(done, 5, n)))
    await workers.stop({ drainMs: Infinity })
    expect(await map).toEqual(upTo(20))
    expect(liveWorkers()).toEqual([])
  })
})

describe('a pool that gives up', () => {
  it('rejects what waits at once, and not when its last member is gone', async () => {
    const workers = await quietPool({ size: 2, maxRestarts: 0 })
    const forEver = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 60_000))
    const held = [1, 2].map((n) => workers.call(forEver, []).catch((error: Error) => [n, error.name]))
    const waiting = workers.call(() => 1)
    let isOver = false
    const exited = workers.exited.then((reason) => {
      isOver = true
      return reason
    })
    process.kill(pidsOf(workers)[0]!, 'SIGKILL')
    await expect(waiting).rejects.toMatchObject({
      name: 'WorkerUnavailableError',
      cause: expect.any(RestartLimitError),
    })
    expect([isOver, workers.stats().state]).toEqual([false, 'down'])
    // Nobody waits for what it holds.
    for (const member of workers) member.kill()
    expect(await exited).toMatchObject({ type: 'escalated' })
    expect(await Promise.all(held)).toHaveLength(2)
  })
})
