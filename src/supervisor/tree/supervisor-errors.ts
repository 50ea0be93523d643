import { describeExit, type ExitReason, type ExitType } from '../../errors/exit-reason.ts'
import { RestartLimitError } from '../../errors/supervision-errors.ts'
import { SpawnError } from '../../errors/worker-errors.ts'
import type { Child, ChildLife } from './child.ts'

/** The end of what has no process of its own. */
export function reasonWithoutProcess(type: ExitType, uptimeMs: number, cause?: unknown): ExitReason {
  const none = { exitCode: null, signal: null, stderrTail: '', lastFrames: [] }
  return { type, ...none, uptimeMs, ...(cause === undefined ? {} : { cause }) }
}

/** A child that was to be started is not. */
export function notStarted(child: Child, why: string, reason?: ExitReason): SpawnError {
  const how = reason === undefined ? '' : ` (${describeExit(reason)})`
  return new SpawnError(`\`${child.path}\` was not started: ${why}${how}.`, {
    worker: child.path,
    reason: reason ?? reasonWithoutProcess('shutdown', 0),
    cause: reason?.cause,
  })
}

/** A supervisor could not be started because of one of its children; those before it have been stopped again. */
export function rollbackError(path: string, child: Child, life: ChildLife, reason: ExitReason): SpawnError {
  const error = life.error ?? notStarted(child, 'it ended before it was ready', reason)
  const who = path === '' ? 'The root supervisor' : `Supervisor \`${path}\``
  return new SpawnError(
    `${who} could not be started, because of its child \`${child.id}\`: ${error.message}`,
    {
      worker: child.path,
      reason,
      cause: error,
    },
  )
}

/** What a supervisor that gives up says, and takes up with it. */
export function limitError(
  path: string,
  facts: Omit<ConstructorParameters<typeof RestartLimitError>[1], 'worker'>,
): RestartLimitError {
  const { child, reason, maxRestarts, periodMs, history } = facts
  const who = path === '' ? 'The root supervisor' : `Supervisor \`${path}\``
  const message =
    `${who} has given up: \`${child}\` ended (${describeExit(reason)}), which was restart ${history.length} within ` +
    `${periodMs} ms, and ${maxRestarts} are allowed. Find out why it ends, or raise \`maxRestarts\`.`
  return new RestartLimitError(message, { ...facts, worker: path })
}
