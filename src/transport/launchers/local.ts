import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

import type { LaunchedProcess, Launcher, LaunchRequest } from '../launcher.ts'
import { pipeLanes } from '../pipe-transport.ts'
import { workerEnvironment } from './environment.ts'

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

/**
 * A command that gets a signal when the thread that starts it ends; as it is where there is no such help.
 * @param signal - CONT for a worker with a sentinel; KILL for what can't end itself, or has nothing to end
 */
export function guarded(command: readonly string[], signal: 'CONT' | 'KILL'): readonly string[] {
  const guard = parentDeathGuard()
  return guard === undefined ? command : [guard, '--pdeathsig', signal, '--', ...command]
}

/** The permission model allows no second thread, unless it is told to. */
function hasSentinel({ execArgv }: LaunchRequest): boolean {
  const isRestricted = execArgv.some((flag) => /^--(?:experimental-)?permission$/.test(flag))
  return !isRestricted || execArgv.includes('--allow-worker')
}

export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  const { pid } = child
  if (pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-pid, signal)
  } catch {
    // Already gone.
  }
}

/**
 * Starts a command in its own process group, with the two lanes as its descriptors 3 and 4. The command is the worker,
 * or becomes it.
 * @param atHostsDeath - what it gets from the kernel then, where that helps
 * @throws what the system says, such as EMFILE
 */
export function launchHere(
  command: readonly string[],
  request: LaunchRequest,
  atHostsDeath: 'CONT' | 'KILL',
): LaunchedProcess {
  const options = {
    cwd: request.cwd,
    env: workerEnvironment(process.env, request.inheritEnv, request.env),
    // Its own group: the terminal's Ctrl-C does not reach it, and one signal reaches all that it starts.
    detached: true,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  } satisfies SpawnOptions
  const [file = '', ...args] = guarded(command, atHostsDeath)
  const child = spawn(file, args, options)
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
    onExit: (listener) => child.on('exit', (exitCode, signal) => listener({ exitCode, signal })),
    onFailed: (listener) => child.on('error', listener),
    signalGroup: (signal) => signalGroup(child, signal),
    ref: () => child.ref(),
    unref: () => child.unref(),
  }
}

/** Starts the worker as a child process of the host, on this machine. */
export const localLauncher: Launcher = {
  kind: 'local',
  isLocal: true,
  launch: (request) =>
    launchHere(
      [request.execPath, ...request.execArgv, request.entry, ...request.argv],
      request,
      hasSentinel(request) ? 'CONT' : 'KILL',
    ),
}
