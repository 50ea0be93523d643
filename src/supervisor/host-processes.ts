import type { Incarnation } from '../actors/incarnation.ts'
import { Worker } from '../actors/worker.ts'
import { ownContext } from '../child/worker-context.ts'

/** A process of this host: the leaf of the tree that it is. */
export interface HostProcess {
  readonly incarnation: Incarnation
  readonly worker: Worker
  /** Whether its number is one of this system: behind a launcher it may be another system's. */
  readonly isLocal: boolean
  /** The most resident memory that was seen of it. */
  memoryPeakBytes: number | undefined
}

const processes = new Map<Incarnation, HostProcess>()
/** The newest at each place; a place has one process at a time. */
const byPath = new Map<string, HostProcess>()
let isListening = false

/** The host ends: what it started ends with it, at once. How else the host may die, the sentinels see to. */
function killAll(): void {
  for (const started of processes.values())
    if (!endsItself(started)) started.incarnation.process.kill('shutdown')
}

/**
 * Open streams get the time to run their `finally` that they have when the host is killed: the sentinel sees that the host
 * is gone, and gives it to them; one that has not said hello yet is starting, and will see it first of all. Where there is
 * no sentinel the worker is killed, and so is a launcher that may not have come as far as to start one.
 */
function endsItself({ incarnation: { calls, process, state }, isLocal }: HostProcess): boolean {
  const isStarted = isLocal || state !== 'booting'
  const hasSentinel = process.isInterruptible ?? isStarted
  return hasSentinel && calls.pending.all().some(({ stream }) => stream !== undefined)
}

/** This host is a worker that is being stopped: what it started is stopped as well, as far as there is time. */
function stopAll(): Promise<unknown> {
  const delays = { drainMs: 0, exitMs: 500, termMs: 200 }
  return Promise.all([...processes.keys()].map((incarnation) => incarnation.stop(delays)))
}

/** Keeps account of a process from its start to its death. */
export function register(incarnation: Incarnation, isLocal: boolean): HostProcess {
  if (!isListening) {
    isListening = true
    process.on('exit', killAll)
    ownContext()?.beforeExit(stopAll)
  }
  const started = { incarnation, worker: new Worker(incarnation), isLocal, memoryPeakBytes: undefined }
  const { path } = incarnation.identity
  processes.set(incarnation, started)
  byPath.set(path, started)
  void incarnation.exited.then(() => {
    processes.delete(incarnation)
    if (byPath.get(path) === started) byPath.delete(path)
  })
  return started
}

/** Every process of this host that has been started and is not known to be gone, oldest first. */
export function hostProcesses(): Iterable<HostProcess> {
  return processes.values()
}

/** That life of a place, if there is a process of it. */
export function hostProcessAt(path: string, incarnation: number): HostProcess | undefined {
  const found = byPath.get(path)
  return found?.incarnation.identity.incarnation === incarnation ? found : undefined
}
