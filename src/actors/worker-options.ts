import type { CapturePolicy } from '../movement/capture-policy.ts'
import type { Limits } from '../transport/limits.ts'
import type { FunctionReference } from '../movement/preload-plan.ts'
import type { Launcher } from '../transport/launcher.ts'
import type { OutputOption } from './output.ts'

/** Bounds of what may wait for a worker. One message over `maxBytes` is admitted when nothing else waits. */
export interface MailboxOptions {
  /** Calls that were made and have not settled. Minimum 1, default 65536. */
  readonly maxCalls?: number
  /** Bytes that were given and have not left the host. Minimum 1, default 64 MiB. */
  readonly maxBytes?: number
}

/** One step of a worker's `preload`. */
export type PreloadOption =
  | string
  | URL
  | FunctionReference
  | { readonly source: string; readonly filename?: string }

/** How a worker is watched. */
export interface HeartbeatOptions {
  /** Milliseconds between two questions. Minimum 1, default 1000. */
  readonly intervalMs?: number
  /** So many questions without an answer are a verdict. Minimum 1, default 5. */
  readonly maxMissed?: number
  /** What happens to a process that is frozen: an event only, or it is killed. Default `report`. */
  readonly onUnresponsive?: 'report' | 'kill'
}

/** How a worker is started and treated. Everything has a default. */
export interface WorkerOptions {
  /** What it is called in the tree, in events, errors and output. Default `worker-1`, `worker-2`, … */
  readonly name?: string
  /**
   * How the data lane flows. `pipe`: an inherited descriptor, nothing listens. `uds`, `tcp`: a socket in a directory of
   * mode 0700, or on 127.0.0.1; both sides prove by a secret of this one worker who they are, and nothing listens once
   * they have met. Default `pipe`.
   */
  readonly transport?: 'pipe' | 'uds' | 'tcp'
  /** How its process begins. Default: as a child of the host. `command([...])` of `maltster/transport` wraps it. */
  readonly launcher?: Launcher
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
   * What it inherits of the host's environment; behind a launcher that is not local, of the environment over there. Default: PATH, HOME, LANG, LC_ALL, TMPDIR and TZ (on Windows the few
   * that a process needs). `true`: all but NODE_OPTIONS and its like. A list: those names.
   */
  readonly inheritEnv?: boolean | readonly string[]
  /**
   * Where its output goes: `forward`, line by line to the host's own with a tag; `pipe`, to `stdout` of the worker;
   * `ignore`, nowhere; or each line to a function. Default `forward`.
   */
  readonly stdout?: OutputOption
  /** As `stdout`, for its standard error. Its tail is kept in any case, for the reason of an exit. */
  readonly stderr?: OutputOption
  /**
   * What it does on every boot, in order and each awaited, before it is ready: a module to import (a URL, an absolute
   * path, `node:` or a package name), a function to call, or `{ source, filename? }` to evaluate. Default nothing.
   */
  readonly preload?: readonly PreloadOption[]
  /** The most memory for JavaScript objects, in MiB (`--max-old-space-size`); over it V8 aborts. Default: Node's own. */
  readonly maxHeapMb?: number
  /** The most resident memory of the process in MiB, buffers included; over it the worker is ended. Default none. */
  readonly maxRssMb?: number
  /**
   * Asks the process every `intervalMs` whether it is there, and tells by events whether its main thread is blocked
   * (it may be computing) or the whole process frozen. `true`: with the defaults. Default `false`.
   */
  readonly heartbeat?: boolean | HeartbeatOptions
  /** Opens an inspector on 127.0.0.1, whose URL is `debugUrl` of the worker. Default false. */
  readonly debug?: boolean
  /**
   * `untrusted` sets other defaults, for code that is not yours: nothing of the environment, `maxHeapMb` 256,
   * `maxRssMb` 512, `onStuck: 'kill'`, output ignored outside of `run`, messages of 16 MiB at most; for `run` a
   * `timeoutMs` of 10000 and a `maxOutputBytes` of 1 MiB. What is given here still holds.
   *
   * **It is a seat belt, not a sandbox.** The code runs as your user: it can read and write your files, use the
   * network, start processes that leave the group, and signal the host. To keep it from that takes a launcher that
   * confines the process, such as `command([...])` with a container, a namespace or another user id.
   */
  readonly preset?: 'untrusted'
  /**
   * What may leave with a function besides its text and its arguments. `auto`: what it refers to is found, and goes
   * along; `explicit`: only what `captures` gives; `{ deny, maxBytes }`: found, but no variable whose name is denied
   * (exactly, or by a pattern), and at most so many bytes. Default `auto`, with `preset: 'untrusted'` `explicit`.
   */
  readonly capture?: CapturePolicy
  /** How long it may take until it is ready, in milliseconds. Minimum 1, default 20000. */
  readonly bootTimeoutMs?: number
  /** Bounds of what may wait. */
  readonly mailbox?: MailboxOptions
  /** Bounds of one message. */
  readonly limits?: Partial<Limits>
  /**
   * How many calls are with the worker at once; more wait in the host. Casts don't. With 1, a callback must not await another
   * call to the worker that calls it back: each would wait for the other. Minimum 1, default Infinity.
   */
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
