import { pool, type Pool, type PoolOptions } from 'maltster'
import { optionsOfKind } from '../scenarios/workers.ts'
import { setTimeout as delay } from 'node:timers/promises'

/** A pool of workers of this run's kind that print nothing, and that comes back fast. */
export function quietPool(options: PoolOptions = {}): Promise<Pool> {
  return pool({
    size: 2,
    // All deaths of a test count, however long it takes.
    periodMs: 60_000,
    backoff: { minMs: 10 },
    ...options,
    worker: { ...optionsOfKind(), stdout: 'ignore', stderr: 'ignore', ...options.worker },
  })
}

/** The processes of all its members. */
export const pidsOf = (workers: Pool): number[] => workers.stats().members.map(({ pid }) => pid)

/** Resolves when all members of a pool are up, spares included. */
export function whenFull(workers: Pool, spares = 0): Promise<unknown> {
  return waitUntil(() => {
    const { members, size } = workers.stats()
    return members.length === size + spares && members.every(({ role }) => role !== 'leaving')
  })
}

/** Asks until it is so; fails if that takes half a minute. */
export async function waitUntil(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let asked = 0; asked < 3000; asked++) {
    if (await isDone()) return
    await delay(10)
  }
  throw new Error(`after 30 s it is still not so: ${String(isDone)}`)
}
