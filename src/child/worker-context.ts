import type { ClassTable } from '../transport/codec/registered-classes.ts'
import type { ChannelLane } from '../movement/flow/channel.ts'

/** Where in the tree this worker is. */
export interface WorkerIdentity {
  /** What it is called. */
  readonly name: string
  /** Its place in the tree. */
  readonly path: string
  /** Which life of that place, from 1. */
  readonly incarnation: number
}

/** The call that the running code belongs to. */
export interface CurrentCall {
  /** Its number: rises from call to call of one incarnation. */
  readonly id: number
  /** Aborted, with the `InterruptedError` as its reason, when the call is interrupted, timed out or aborted. */
  readonly signal: AbortSignal
  /** The worker it runs in. */
  readonly worker: WorkerIdentity
}

/** What one worker in this process offers to `maltster/worker` and to a `maltster` that is a host in here. */
export interface WorkerContext {
  /** The call that the code on the stack belongs to, if it is one of this worker's. */
  currentCall(): CurrentCall | undefined
  exitWith(info: unknown, exitCode: number): never
  /** For channels that are made here. */
  readonly channelLane: ChannelLane
  /** The worker that this whole process is; undefined for one that is a guest in its host's process. */
  readonly identity: WorkerIdentity | undefined
  /** Tells the host of this worker what happened to a worker that was started in here. */
  report(event: object): void
  /** Tells below which directory the code is by which this worker is a host: like the runtime it must not be torn. */
  protect(place: string): void
  /** The classes of a guest; undefined where they are the process's. */
  readonly classes?: ClassTable
  /** Whether the code on the stack is run by this guest. */
  isCurrent?(): boolean
  /** Has something done when the host asks this worker to exit, before it does. */
  beforeExit(task: () => Promise<unknown>): void
}

/**
 * The runtime is one bundled file and `maltster/worker` another module: they meet under this registered symbol of the
 * global object, where there is a list. A process is at most one worker, and may be host to guests besides.
 */
const contextsSymbol = Symbol.for('maltster.workerContexts')

/** The workers that this process is, and has as guests; oldest first. */
export function workerContexts(): WorkerContext[] {
  const holder = globalThis as unknown as Record<symbol, WorkerContext[] | undefined>
  const found = holder[contextsSymbol]
  if (found !== undefined) return found
  const contexts: WorkerContext[] = []
  Object.defineProperty(globalThis, contextsSymbol, { value: contexts })
  return contexts
}

/** The worker that this process is, if it is one. */
export function ownContext(): WorkerContext | undefined {
  return workerContexts().find((context) => context.identity !== undefined)
}
