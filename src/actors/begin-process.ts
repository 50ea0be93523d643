import type { LaunchedProcess, Launcher, LaunchRequest } from '../transport/launcher.ts'
import { shown } from './option-checks.ts'

const ownMembers = ['onExit', 'onFailed', 'signalGroup', 'ref', 'unref'] as const
const laneMembers = ['start', 'write', 'pause', 'resume', 'ref', 'unref', 'close', 'destroy'] as const
const streamMembers = ['on', 'pause', 'resume', 'destroy'] as const

/**
 * Has a launcher start a process, and looks at what it gives: a launcher may be the user's own, and what it gives is used
 * from here on without a further look.
 * @throws whatever the launcher throws
 * @throws {TypeError} if what it gives is no process; one that was started nevertheless is ended
 */
export function beginProcess(launcher: Launcher, request: LaunchRequest): LaunchedProcess {
  const launched: unknown = launcher.launch(request)
  const missing = missingOf(launched)
  if (missing === undefined) return launched as LaunchedProcess
  const isPromised = isThenable(launched)
  // Whoever promises a process may start one all the same, or fail where nobody listens.
  if (isPromised) Promise.resolve(launched).then(endLaunched, () => {})
  else endLaunched(launched)
  const given = isPromised ? 'a promise' : shown(launched)
  throw new TypeError(
    `its launcher gave ${given}, which is no process: ${missing}. ` +
      '`launch` has to return a `LaunchedProcess`, at once',
  )
}

/** Ends what a launcher has started and is not used, as far as that can be done. */
export function endLaunched(launched: unknown): void {
  const { signalGroup, data, control } = Object(launched) as Partial<LaunchedProcess>
  for (const end of [
    () => signalGroup?.call(launched, 'SIGKILL'),
    () => data?.destroy(),
    () => control?.destroy(),
  ]) {
    try {
      end()
    } catch {
      // It is not what it should be; then it can't be ended either.
    }
  }
}

/** What it lacks to be a process; undefined if it has all. */
function missingOf(launched: unknown): string | undefined {
  if (isThenable(launched)) return 'it may come later, or never'
  if (typeof launched !== 'object' || launched === null) return 'it is no object'
  const { pid, data, control, stdout, stderr } = launched as Partial<LaunchedProcess>
  if (pid !== undefined && typeof pid !== 'number') return `its \`pid\` is ${shown(pid)}`
  return (
    lackOf('', launched, ownMembers) ??
    lackOf('data.', data, laneMembers) ??
    lackOf('control.', control, laneMembers) ??
    lackOf('stdout.', stdout, streamMembers) ??
    lackOf('stderr.', stderr, streamMembers)
  )
}

function lackOf(prefix: string, owner: unknown, members: readonly string[]): string | undefined {
  const given = Object(owner) as Record<string, unknown>
  const lack = members.find((member) => typeof given[member] !== 'function')
  return lack === undefined ? undefined : `\`${prefix}${lack}\` is no function`
}

function isThenable(value: unknown): boolean {
  return typeof (Object(value) as { then?: unknown }).then === 'function'
}
