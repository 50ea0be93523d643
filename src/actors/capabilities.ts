/** What a worker can do where it runs. */
export interface WorkerCapabilities {
  /** Whether running code can be cut off; if not, a busy worker can only be killed. */
  readonly interrupt: boolean
  /** Whether it is a process of its own. */
  readonly process: boolean
  /** Whether its standard output and error can be read. */
  readonly stdio: boolean
}
