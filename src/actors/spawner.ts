import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import type { Readable } from 'node:stream'
import { isMainThread } from 'node:worker_threads'

import { pipeLanes } from '../transport/pipe-transport.ts'
import type { Transport } from '../transport/transport.ts'

/** What to start. */
export interface SpawnRequest {
  readonly execPath: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** A process that was started, or that the system has refused to start; then `failed` is called. */
export interface SpawnedProcess {
  readonly pid: number | undefined
  readonly data: Transport
  readonly control: Transport
  readonly stdout: Readable
  readonly stderr: Readable
  onExit(listener: (exitCode: number | null, signal: NodeJS.Signals | null) => void): void
  onFailed(listener: (error: Error) => void): void
  /** Sends a signal to the whole process group; silently nothing if it is gone. */
  signalGroup(signal: NodeJS.Signals): void
  ref(): void
  unref(): void
}

/** Starts processes: the seam that a simulation replaces. Throws what the system says. */
export type Spawner = (request: SpawnRequest) => SpawnedProcess

const setprivPaths = ['/usr/bin/setpriv', '/bin/setpriv']
let setpriv: string | undefined | null = null

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * The kernel's help for the orphan guard, where there is some: a process that SIGSTOP holds is woken when its host dies,
 * so that its sentinel can end the group. Not killed: its children would then be left. It fires when the *thread* that
 * started the process ends, hence on the main thread only.
 */
function parentDeathGuard(): string | undefined {
  if (!isMainThread || process.platform !== 'linux') return undefined
  setpriv ??= setprivPaths.find(isExecutable)
  return setpriv
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  const { pid } = child
  if (pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-pid, signal)
  } catch {
    // Already gone.
  }
}

/** Starts a process in its own process group, with two lanes beside its standard streams. */
export const systemSpawner: Spawner = (request) => {
  const guard = parentDeathGuard()
  const options = {
    cwd: request.cwd,
    env: request.env,
    // Its own group: the terminal's Ctrl-C does not reach it, and one signal reaches all that it starts.
    detached: true,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  } satisfies SpawnOptions
  const child =
    guard === undefined
      ? spawn(request.execPath, request.args, options)
      : spawn(guard, ['--pdeathsig', 'CONT', '--', request.execPath, ...request.args], options)
  // Must be there before anything can fail: an unheard 'error' event ends the host.
  let failure: Error | undefined
  child.on('error', (error) => {
    failure ??= error
  })
  const { stdout, stderr } = child
  // Without descriptors Node.js makes no streams at all, whatever its types say, and tells why a turn later.
  const streams = child.stdio as typeof child.stdio | undefined
  if (stdout == null || stderr == null || streams?.[4] == null) {
    throw failure ?? Object.assign(new Error('no descriptors are left (EMFILE)'), { code: 'EMFILE' })
  }
  const { data, control } = pipeLanes(child)
  return {
    pid: child.pid,
    data,
    control,
    stdout,
    stderr,
    onExit: (listener) => child.on('exit', listener),
    onFailed: (listener) => child.on('error', listener),
    signalGroup: (signal) => signalGroup(child, signal),
    ref: () => child.ref(),
    unref: () => child.unref(),
  }
}
