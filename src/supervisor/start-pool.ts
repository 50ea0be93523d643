import { PoolKind } from './pool/pool-kind.ts'
import type { PoolOptions } from './pool/pool-options.ts'
import type { Pool } from './pool/pool.ts'
import { addToRoot, freeName } from './root.ts'

/**
 * Starts a pool of workers, and resolves with it when all are ready.
 *
 * Its members have a supervisor of their own, which is a temporary child of `root()`: they come back when they die, and
 * if they die too often the pool gives up, and `exited` says why. For a pool that is started again then, make it a child
 * of a supervisor: `supervise({ children: [{ id: 'jobs', pool: { size: 4 } }] })`. Source: Julia's `WorkerPool`, with
 * Elixir's `PartitionSupervisor` for keys.
 *
 * @param options - see `PoolOptions`; all have defaults
 * @returns the pool; stop it by `stop()`, or with `await using`
 * @throws {SpawnError | BootTimeoutError} if a member can't be started; those that were are stopped again
 * @throws {SpecError} if the name has an owner who is alive, or the rules for restarts are not right
 * @throws {TypeError | RangeError} for wrong options, before anything is started
 * @example
 * import { pool } from 'maltster'
 *
 * await using workers = await pool({ size: 2, spares: 1 })
 * console.log(await workers.map(['malt', 'hops'], (word) => word.toUpperCase())) // [ 'MALT', 'HOPS' ]
 * console.log([...workers].map(({ name }) => name)) // [ 'worker-1', 'worker-2', 'worker-3' ]
 */
export async function pool(options: PoolOptions = {}): Promise<Pool> {
  const name = options?.name ?? freeName('pool')
  const kind = new PoolKind(name, options)
  await addToRoot(name, kind, Infinity)
  return kind.handle
}
