import type { Readable } from 'node:stream'
import type { Transport } from './transport.ts'

/** What to start: Node.js with the child file, and where. */
export interface LaunchRequest {
  /** The Node.js executable: an absolute path where the launcher is local. */
  readonly execPath: string
  /** Flags for Node.js. */
  readonly execArgv: readonly string[]
  /** The child file. */
  readonly entry: string
  /** What the worker finds in `process.argv` from index 2. */
  readonly argv: readonly string[]
  /** The working directory. */
  readonly cwd: string
  /** Whether somebody has asked for that directory: if not, and where there is none such, any will do. */
  readonly isCwdGiven: boolean
  /** What it inherits of the environment where it starts: these names, all, or nothing. */
  readonly inheritEnv: boolean | readonly string[]
  /** What is added to that; `undefined` takes a name out. */
  readonly env: Readonly<Record<string, string | undefined>>
}

/** How a process ended, as far as its launcher could see. */
export interface ProcessExit {
  /** The exit code, or null if a signal ended it. */
  readonly exitCode: number | null
  /** The signal that ended it, or null. */
  readonly signal: NodeJS.Signals | null
  /** Set if what ended was the launcher, and not the worker: nothing is known of the worker's own end. */
  readonly lost?: Error
}

/** A process that was started, or that the system has refused to start; then `onFailed` is called. */
export interface LaunchedProcess {
  /** The worker's process id, once it is known. */
  readonly pid: number | undefined
  /** The lane of calls and answers: its descriptor 3. */
  readonly data: Transport
  /** The lane of its sentinel: its descriptor 4. */
  readonly control: Transport
  /** What it prints. */
  readonly stdout: Readable
  /** What it prints to its standard error. */
  readonly stderr: Readable
  /**
   * Tells of the end. After `SIGKILL` it has ten seconds: then the worker counts as gone, and the `cause` of its
   * `ExitReason` names the launcher.
   * @param listener - called once, when the worker's process is gone
   */
  onExit(listener: (exit: ProcessExit) => void): void
  /**
   * Tells that the system has refused it.
   * @param listener - called at most once, when there will be no process, and no exit
   */
  onFailed(listener: (error: Error) => void): void
  /**
   * Sends a signal to the whole process group; silently nothing if it is gone.
   * @param signal - which
   */
  signalGroup(signal: NodeJS.Signals): void
  /** From here on it holds the host's event loop open. */
  ref(): void
  /** From here on it does not. */
  unref(): void
}

/** How a process begins: the seam between a worker and the system that runs it. */
export interface Launcher {
  /** One word for messages. */
  readonly kind: string
  /** Set where the worker is no process of its own. */
  readonly isGuest?: true
  /** Whether `execPath` and `cwd` are of this machine, so that they can be looked at before. */
  readonly isLocal: boolean
  /**
   * Starts a process in a process group of its own, with two lanes beside its standard streams. What it throws, and what
   * it returns that is no such process (a promise of one, for instance), becomes the `SpawnError` of the worker.
   * @param request - what to start, and where
   * @throws {Error} what the system says, if it can't even be tried
   */
  launch(request: LaunchRequest): LaunchedProcess
}
