import type { Incarnation } from '../actors/incarnation.ts'
import { Worker } from '../actors/worker.ts'
import { ownContext } from '../child/worker-context.ts'

/** Every process of this host that has been started and is not known to be gone. */
const incarnations = new Map<Incarnation, Worker>()
let lastNumber = 0
let isListening = false

/** The host ends: what it started ends with it, at once. How else the host may die, the sentinels see to. */
function killAll(): void {
  for (const incarnation of incarnations.keys()) incarnation.process.kill('shutdown')
}

/** This host is a worker that is being stopped: what it started is stopped as well, as far as there is time. */
function stopAll(): Promise<unknown> {
  const delays = { drainMs: 0, exitMs: 500, termMs: 200 }
  return Promise.all([...incarnations.keys()].map((incarnation) => incarnation.stop(delays)))
}

/** The name of the next worker that was given none. */
export function nextWorkerName(): string {
  return `worker-${++lastNumber}`
}

/** Keeps account of a process from its start to its death. */
export function register(incarnation: Incarnation): Worker {
  if (!isListening) {
    isListening = true
    process.on('exit', killAll)
    ownContext()?.beforeExit(stopAll)
  }
  const worker = new Worker(incarnation)
  incarnations.set(incarnation, worker)
  void incarnation.exited.then(() => incarnations.delete(incarnation))
  return worker
}

/**
 * The workers of this host that are alive: ready, and not known to be dead. For tests that want to leave none behind.
 * Source: Malt.jl, which keeps the same list for its own tests.
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
  return [...incarnations.values()].filter(({ state }) => state !== 'booting' && state !== 'dead')
}
