import type { Limits } from '../transport/limits.ts'
import type { OutputOption } from './output.ts'

/** Bounds of what may wait for a worker. One message over `maxBytes` is admitted when nothing else waits. */
export interface MailboxOptions {
  /** Calls that were made and have not settled. Minimum 1, default 65536. */
  readonly maxCalls?: number
  /** Bytes that were given and have not left the host. Minimum 1, default 64 MiB. */
  readonly maxBytes?: number
}

/** How a worker is started and treated. Everything has a default. */
export interface WorkerOptions {
  /** What it is called in the tree, in events, errors and output. Default `worker-1`, `worker-2`, … */
  readonly name?: string
  /** How bytes flow. Default, and so far the only one: `pipe`, inherited descriptors with nothing listening. */
  readonly transport?: 'pipe'
  /** The Node.js executable: a path, or a name to look for in PATH. Default: the host's own. */
  readonly execPath?: string
  /** Flags for Node.js, before the script. Default none: the host's are not passed on. */
  readonly execArgv?: readonly string[]
  /** What the worker finds in `process.argv` from index 2. Default none. */
  readonly argv?: readonly string[]
  /** Its working directory. Default: the host's. */
  readonly cwd?: string
  /** Added to its environment; `undefined` takes a name out. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * What it inherits of the host's environment. Default: PATH, HOME, LANG, LC_ALL, TMPDIR and TZ (on Windows the few
   * that a process needs). `true`: all but NODE_OPTIONS and its like. A list: those names.
   */
  readonly inheritEnv?: boolean | readonly string[]
  /** Where its output goes, line by line: to the host's own with a tag, nowhere, or to a function. Default `forward`. */
  readonly stdout?: OutputOption
  /** As `stdout`, for its standard error. Its tail is kept in any case, for the reason of an exit. */
  readonly stderr?: OutputOption
  /** How long it may take until it is ready, in milliseconds. Minimum 1, default 20000. */
  readonly bootTimeoutMs?: number
  /** Bounds of what may wait. */
  readonly mailbox?: MailboxOptions
  /** Bounds of one message. */
  readonly limits?: Partial<Limits>
  /** How many calls are with the worker at once; more wait in the host. Casts don't. Minimum 1, default Infinity. */
  readonly concurrency?: number
  /** How long an interrupt tries before the worker counts as stuck, in milliseconds. Minimum 1, default 1000. */
  readonly interruptGraceMs?: number
  /**
   * What happens to a worker that can't be interrupted, because it is inside a native call: `report` leaves it (its
   * calls settle when the native call returns), `kill` ends it. Default `report`.
   */
  readonly onStuck?: 'kill' | 'report'
  /** Another child file than the package's own, for hosts that were bundled. */
  readonly runtimeEntry?: string | URL
}
