import { isWorkerOption } from '../actors/resolve-options.ts'
import { systemSeams } from '../actors/seams.ts'
import type { Worker } from '../actors/worker.ts'
import type { WorkerOptions } from '../actors/worker-options.ts'
import { inProcessLauncher } from './in-process-launcher.ts'
import { startUnderRoot } from './start-under-root.ts'

/** The options of a worker that mean something without a process. */
export type InProcessOptions = Pick<
  WorkerOptions,
  'name' | 'preload' | 'mailbox' | 'limits' | 'concurrency' | 'bootTimeoutMs' | 'capture'
>

const known: ReadonlySet<string> = new Set([
  'name',
  'preload',
  'mailbox',
  'limits',
  'concurrency',
  'bootTimeoutMs',
  'capture',
] satisfies (keyof InProcessOptions)[])

/**
 * A worker without a process: the same handle, states, errors and copies of values, and the functions run in this very
 * process. For tests, for platforms without processes, and for work that is too small to send away.
 *
 * Its `capabilities` say what it can't do: nothing that spins can be cut off, since it blocks this process; there are no
 * limits of memory; what it prints is this process's output; `process.exit()` in a function ends this process. `kill`
 * settles its calls at once, and what runs there runs on unheard. Its session has names of its own, not globals. Workers
 * that its functions start are this process's, not its own. Source:
 * Malt.jl `InProcessWorker`, but values are copied as they would be between processes.
 *
 * @param options - those of `WorkerOptions` that mean something here
 * @throws {SpawnError} if a step of `preload` fails
 * @throws {SpecError} if the name belongs to somebody who is alive
 * @throws {TypeError | RangeError} for wrong options, and for those that need a process
 * @example
 * import { inProcessWorker } from 'maltster'
 *
 * await using worker = await inProcessWorker()
 * console.log(worker.capabilities.process, await worker.call(() => 6 * 7)) // false 42
 */
export async function inProcessWorker(options: InProcessOptions = {}): Promise<Worker> {
  if (typeof options === 'object' && options !== null) {
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined || known.has(name) || !isWorkerOption(name)) continue
      const advice = `An in-process worker takes ${[...known].join(', ')}. For \`${name}\` use \`spawnWorker\`.`
      throw new TypeError(`Option \`${name}\` needs a process of its own. ${advice}`)
    }
  }
  return startUnderRoot(options, { ...systemSeams, launcher: inProcessLauncher })
}
