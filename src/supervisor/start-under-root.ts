import type { Seams } from '../actors/seams.ts'
import type { Worker } from '../actors/worker.ts'
import type { WorkerOptions } from '../actors/worker-options.ts'
import { addToRoot, freeName } from './root.ts'
import { WorkerKind } from './worker/worker-kind.ts'

/** How long a worker of the root may take to end when the whole tree is stopped. */
const shutdownMs = 5000

/** Starts a worker as a temporary child of the root, and resolves when it is ready. */
export async function startUnderRoot(options: WorkerOptions, seams: Seams): Promise<Worker> {
  const name = options?.name ?? freeName('worker')
  const kind = new WorkerKind(name, options, { seams })
  await addToRoot(name, kind, shutdownMs)
  // Its supervisor says that it is up, so that there is one.
  return kind.newest!
}
