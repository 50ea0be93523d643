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

/** What the runtime offers to the module `maltster/worker` in the same process. */
export interface WorkerContext {
  currentCall(): CurrentCall | undefined
  exitWith(info: unknown, exitCode: number): never
}

/**
 * The runtime is one bundled file and `maltster/worker` another module: they meet under this registered symbol of
 * the global object.
 */
export const workerContextSymbol = 'maltster.workerContext'
