import { systemSeams } from '../actors/seams.ts'
import type { Worker } from '../actors/worker.ts'
import type { WorkerOptions } from '../actors/worker-options.ts'
import { startUnderRoot } from './start-under-root.ts'

/**
 * Starts a process and resolves with its worker when it is ready for calls.
 *
 * The process ends when this host does, however that happens. It has its own process group, a short environment, and
 * two lanes to the host on inherited descriptors; nothing listens. In a worker it works the same: what is started there
 * belongs to that worker, has its place below it, and ends with it. Source: Malt.jl `Worker()`, without its port.
 *
 * It is a temporary child of `root()`: its death is told, and nobody starts it again. For one that comes back, see
 * `supervise`.
 *
 * @param options - see `WorkerOptions`; all have defaults
 * @throws {SpawnError} if the process can't be started, or ends before it is ready: with exit code, signal and stderr
 * @throws {BootTimeoutError} if it is not ready within `bootTimeoutMs`
 * @throws {ProtocolError} if what it says is not the protocol of this version
 * @throws {SpecError} if the name belongs to somebody who is alive; the message says to whom
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
  return startUnderRoot(options, systemSeams)
}
