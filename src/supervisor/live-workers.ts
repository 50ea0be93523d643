import type { Worker } from '../actors/worker.ts'
import { hostProcesses } from './host-processes.ts'

/**
 * The workers of this host that are alive: ready, and not known to be dead; all leaves of the tree, those of supervisors
 * and pools included. For tests that want to leave none behind. Source: Malt.jl, which keeps the same list for its own
 * tests.
 *
 * @returns a new array, oldest first
 * @example
 * import { liveWorkers, spawnWorker } from 'maltster'
 *
 * const worker = await spawnWorker()
 * console.log(liveWorkers().length) // 1
 * await worker.stop()
 * console.log(liveWorkers().length) // 0
 */
export function liveWorkers(): Worker[] {
  return Array.from(hostProcesses(), ({ worker }) => worker).filter(
    ({ state }) => state !== 'booting' && state !== 'dead',
  )
}
