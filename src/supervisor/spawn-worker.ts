import { Incarnation } from '../actors/incarnation.ts'
import { resolveOptions } from '../actors/resolve-options.ts'
import { systemSeams } from '../actors/seams.ts'
import type { Worker } from '../actors/worker.ts'
import type { WorkerOptions } from '../actors/worker-options.ts'
import { readLikelyScripts } from '../movement/live/scripts.ts'
import { nextWorkerName, register } from './live-workers.ts'
import { pathOf } from './nesting.ts'

/**
 * Starts a process and resolves with its worker when it is ready for calls.
 *
 * The process ends when this host does, however that happens. It has its own process group, a short environment, and
 * two lanes to the host on inherited descriptors; nothing listens. In a worker it works the same: what is started there
 * belongs to that worker, has its place below it, and ends with it. Source: Malt.jl `Worker()`, without its port.
 *
 * @param options - see `WorkerOptions`; all have defaults
 * @throws {SpawnError} if the process can't be started, or ends before it is ready: with exit code, signal and stderr
 * @throws {BootTimeoutError} if it is not ready within `bootTimeoutMs`
 * @throws {ProtocolError} if what it says is not the protocol of this version
 * @throws {TypeError | RangeError} for wrong options, before anything is started
 * @example
 * import { spawnWorker } from 'maltster'
 *
 * await using worker = await spawnWorker({ name: 'counter' })
 * await worker.call(() => {
 *   Object.assign(globalThis, { count: 41 })
 * })
 * console.log(await worker.call(() => (globalThis as { count?: number }).count! + 1)) // 42
 */
export async function spawnWorker(options: WorkerOptions = {}): Promise<Worker> {
  const resolved = resolveOptions(options, options?.name ?? nextWorkerName())
  const { name } = resolved
  const identity = { name, path: pathOf(name), incarnation: 1 }
  const incarnation = new Incarnation(resolved, identity, systemSeams)
  const worker = register(incarnation)
  // The process takes its time to boot, and the first call is spared this.
  if (resolved.capture !== 'explicit') setImmediate(readLikelyScripts)
  await incarnation.ready
  return worker
}
