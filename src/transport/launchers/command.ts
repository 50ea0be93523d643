import { spawn, type SpawnOptions } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { basename, delimiter, join, resolve } from 'node:path'

import type { LaunchedProcess, Launcher, LaunchRequest } from '../launcher.ts'
import { relayArgument } from '../relay/relay-messages.ts'
import { type PipedChild, RelayedProcess } from '../relay/relayed-process.ts'
import { withForkedExit } from './forked-exit.ts'
import { guarded, launchHere } from './local.ts'

/** How a `command` launcher reaches its worker. */
export interface CommandOptions {
  /**
   * `'relay'`: over the program's standard streams, which every such program has; a small process beside the worker
   * holds the other end. `'inherit'`: on descriptors 3 and 4, for programs that pass these on; a process less. Not for
   * a process namespace of its own, where the worker would be the first process and could not be ended from within.
   * Default `'relay'`.
   */
  readonly lanes?: 'relay' | 'inherit'
  /**
   * Whether the program gives what follows the prefix to a POSIX shell, as `ssh` and `sh -c` do, so that it must be
   * quoted. Default: only if the program is `ssh`.
   */
  readonly shell?: boolean
  /**
   * Variables for the program itself, such as `KUBECONFIG`. It gets only a short list of the host's. The worker has
   * its own, from its options; they travel apart from this and are in no command line. With `lanes: 'inherit'` there
   * is one environment for both.
   */
  readonly env?: Readonly<Record<string, string>>
}

/** What a launcher of users' machines tends to need of the host's environment. */
const launcherNames = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TZ',
  'SSH_AUTH_SOCK',
  'XDG_RUNTIME_DIR',
]

/**
 * A launcher that starts workers through another program: another user, namespace, container or machine. The program
 * must run the command that stands behind its own arguments and connect its standard streams.
 *
 * `execPath`, `cwd` and `runtimeEntry` are then places on the side of the program, and the same release of this package
 * must be there. With `'relay'` the end that is reported is the worker's own, as its parent over there has seen it. If
 * the program ends first (a connection is lost), nothing is known of the worker's end, and the reason says so; whatever
 * ran there is ended as soon as that is noticed over there.
 *
 * @param prefix - the program and its arguments
 * @param options - see `CommandOptions`
 * @throws {TypeError} if the prefix or an option is not what it should be
 * @example
 * import { command } from 'maltster/transport'
 *
 * const elsewhere = command(['ssh', '-o', 'BatchMode=yes', 'build-host'])
 * console.log(elsewhere.kind) // ssh
 */
export function command(prefix: readonly string[], options: CommandOptions = {}): Launcher {
  checkPrefix(prefix)
  checkOptions(options)
  const [program = ''] = prefix
  const name = basename(program).replace(/\.exe$/i, '')
  const { lanes = 'relay', shell = name === 'ssh', env = {} } = options
  if (lanes === 'inherit' && name === 'ssh') {
    throw new TypeError("Option `lanes` is 'inherit', but ssh passes no descriptors on: use 'relay'.")
  }
  const behind = (rest: readonly string[]): string[] => [
    findProgram(program),
    ...prefix.slice(1),
    ...(shell ? [`exec ${rest.map(quoted).join(' ')}`] : rest),
  ]
  const launch = (request: LaunchRequest): LaunchedProcess => {
    const { execPath, execArgv, entry, argv } = request
    if (lanes === 'relay') return launchRelay(behind([execPath, entry, relayArgument]), name, env, request)
    // Its own guard, behind the prefix: a launcher that changes the user, or starts it as a child, sheds the other one.
    const worker = guarded([execPath, ...execArgv, entry, ...argv], 'CONT')
    const wrapped = { ...request, env: { ...env, ...request.env } }
    return withForkedExit(launchHere(behind(worker), wrapped, 'KILL'), execPath, name)
  }
  return { kind: name, isLocal: lanes === 'inherit', launch }
}

function launchRelay(
  line: readonly string[],
  name: string,
  env: Readonly<Record<string, string>>,
  request: LaunchRequest,
): RelayedProcess {
  const [file = '', ...args] = guarded(line, 'CONT')
  const options = {
    env: { ...launcherEnvironment(), ...env },
    detached: true,
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  } satisfies SpawnOptions
  const child = spawn(file, args, options)
  // Must be there before anything can fail: an unheard 'error' event ends the host.
  let failure: Error | undefined
  child.on('error', (error) => {
    failure ??= error
  })
  const { stdin, stdout, stderr } = child as Partial<PipedChild>
  if (stdin == null || stdout == null || stderr == null) {
    throw failure ?? Object.assign(new Error('no descriptors are left (EMFILE)'), { code: 'EMFILE' })
  }
  return new RelayedProcess(child as unknown as PipedChild, name, request)
}

function launcherEnvironment(): Record<string, string> {
  const given = launcherNames.map((name) => [name, process.env[name]] as const)
  return Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** As one word for a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** @throws {Error} naming the program, where the system would name what it was to be started by */
function findProgram(program: string): string {
  const isPath = /[/\\]/.test(program)
  const places = isPath ? [''] : (process.env['PATH'] ?? '').split(delimiter)
  const found = places
    .map((place) => (isPath ? resolve(program) : join(place || '.', program)))
    .find(isExecutable)
  if (found !== undefined) return found
  const where = isPath ? '' : ' (looked for in PATH)'
  const message = `its launcher is not an executable file (ENOENT): ${program}${where}`
  throw Object.assign(new Error(message), { code: 'ENOENT' })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function checkPrefix(prefix: unknown): void {
  const isGood =
    Array.isArray(prefix) &&
    prefix.length > 0 &&
    prefix.every((word) => typeof word === 'string' && !word.includes('\0'))
  if (!isGood || prefix[0] === '') {
    const words = "a program and its arguments, such as ['ssh', 'host']"
    throw new TypeError(
      `Expected \`prefix\` of a command launcher to be ${words}, got ${JSON.stringify(prefix)}.`,
    )
  }
}

function checkOptions(options: CommandOptions): void {
  const complain = (name: string, expected: string, value: unknown): never => {
    throw new TypeError(
      `Expected option \`${name}\` of a command launcher to be ${expected}, got ${JSON.stringify(value)}.`,
    )
  }
  const given: Record<string, unknown> = { ...options }
  for (const name of Object.keys(given)) {
    if (!['lanes', 'shell', 'env'].includes(name))
      complain(name, 'left out: there is no such option', given[name])
  }
  const { lanes, shell, env } = given
  if (![undefined, 'relay', 'inherit'].includes(lanes as undefined))
    complain('lanes', "'relay' or 'inherit'", lanes)
  if (!['undefined', 'boolean'].includes(typeof shell)) complain('shell', 'true or false', shell)
  const isRecord = typeof env === 'object' && env !== null
  if (env !== undefined && !(isRecord && Object.values(env).every((value) => typeof value === 'string'))) {
    complain('env', 'an object of strings', isRecord ? Object.keys(env) : env)
  }
}
