import type { Clock } from '../transport/clock.ts'
import type { EventStream } from './events.ts'
import type { InterruptResult } from './interrupts.ts'
import type { PendingEdges } from './pending-calls.ts'
import type { ErrorPlace } from './remote-error.ts'
import type { ResolvedOptions } from './resolve-options.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What the calls of a worker need of it. */
export interface CallsOptions {
  readonly options: ResolvedOptions
  readonly process: WorkerProcess
  readonly clock: Clock
  readonly events: EventStream
  readonly identity: { readonly path: string; readonly incarnation: number }
  readonly edges: PendingEdges
  /** Ends one call by the ladder. */
  readonly endOne: (callId: number) => Promise<InterruptResult>
  /** Why calls are not taken now, if they aren't. */
  readonly refusal: () => Error | undefined
}

/** Which worker that is. */
export const placeOf = ({ identity, process }: CallsOptions): ErrorPlace => ({
  worker: identity.path,
  pid: process.pid,
})
