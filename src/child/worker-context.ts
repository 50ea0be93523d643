/** Where in the tree this worker is. */
export interface WorkerIdentity {
  readonly name: string
  readonly path: string
  readonly incarnation: number
}

/** The call that the running code belongs to. */
export interface CurrentCall {
  /** Its number: rises from call to call of one incarnation. */
  readonly id: number
  /** Aborted, with the `InterruptedError` as its reason, when the call is interrupted, timed out or aborted. */
  readonly signal: AbortSignal
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
