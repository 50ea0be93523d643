/** How a worker's process came to its end, in one word. */
export type ExitType =
  | 'normal'
  | 'exit'
  | 'signal'
  | 'out-of-memory'
  | 'boot'
  | 'unresponsive'
  | 'transport'
  | 'shutdown'
  | 'killed'
  | 'escalated'

/**
 * Why a process is gone. There is exactly one for each incarnation of a worker.
 *
 * `normal`: it ended by itself with exit code 0. `exit`: with another code. `signal`: by a signal that the host
 * did not send. `out-of-memory`: V8 said so. `boot`: before it was ready. `unresponsive`: killed because it could
 * not be interrupted. `transport`: a lane closed or carried something that is not the protocol. `shutdown`:
 * `stop()`, or the host ending. `killed`: `kill()`.
 */
export interface ExitReason {
  /** In one word; see above. */
  readonly type: ExitType
  /** The exit code, or null if a signal ended it, or nothing is known of that. */
  readonly exitCode: number | null
  /** The signal that ended it, or null. */
  readonly signal: NodeJS.Signals | null
  /** The last lines that the process wrote to stderr, at most 8 KiB. */
  readonly stderrTail: string
  /** The stack of the uncaught error that ended the process, a line a frame; empty if there was none. */
  readonly lastFrames: readonly string[]
  /** From the start of the process to its end, in milliseconds. */
  readonly uptimeMs: number
  /**
   * What led to it: the uncaught error, the information given to `exitWith`, or the protocol error. If a launcher never told
   * of an end, an error that names it.
   */
  readonly cause?: unknown
}

/** `exit code 3`, `signal SIGKILL`: the end of a process as words for a message. */
export function describeExit(reason: ExitReason): string {
  const how =
    reason.signal !== null
      ? `signal ${reason.signal}`
      : reason.exitCode !== null
        ? `exit code ${reason.exitCode}`
        : 'no exit status'
  return `${reason.type}, ${how}`
}
