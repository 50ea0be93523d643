import { ProtocolError } from '../errors/data-errors.ts'
import { describeExit, type ExitReason } from '../errors/exit-reason.ts'
import type { Executed } from '../errors/maltster-error.ts'
import {
  AuthenticationError,
  BootTimeoutError,
  SpawnError,
  WorkerDiedError,
  WorkerStoppedError,
} from '../errors/worker-errors.ts'
import type { CallFailure } from '../transport/messages.ts'
import { shown } from './option-checks.ts'
import { callError, type ErrorPlace } from './remote-error.ts'
import { isUntold } from './bounded-exit.ts'

/** Why a process was not even started. */
export interface SpawnProblem {
  readonly code: string
  readonly message: string
  readonly error?: unknown
}

/** What the system, or a launcher, said when it was to start a process. */
export function refusedBySystem(error: unknown): SpawnProblem {
  if (!(error instanceof Error))
    return { code: 'UNKNOWN', message: `its launcher threw ${shown(error)}`, error }
  const { code, message } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') return { code: 'UNKNOWN', message: `its launcher failed: ${message}`, error }
  return { code, message: `the system refused it: ${message}`, error }
}

/** The error of a worker that has never had a process. */
export function spawnError(path: string, problem: SpawnProblem): SpawnError {
  const cause = problem.error ?? Object.assign(new Error(problem.message), { code: problem.code })
  const reason: ExitReason = {
    type: 'boot',
    exitCode: null,
    signal: null,
    stderrTail: '',
    lastFrames: [],
    uptimeMs: 0,
    cause,
  }
  return new SpawnError(`Worker ${path} can't be started: ${problem.message}.`, {
    worker: path,
    reason,
    cause,
  })
}

/** Which step of `preload` an error is of. */
const preloadSteps = new WeakMap<object, string>()

/** The cause of the end of a worker whose `preload` failed: what the step threw. */
export function preloadError(step: string, failure: CallFailure, place: ErrorPlace): Error {
  const error = callError(failure, place)
  preloadSteps.set(error, step)
  return error
}

/** The error of a worker whose process ended before it was ready. */
export function bootError(place: ErrorPlace, reason: ExitReason, bootTimeoutMs: number): Error {
  const path = place.worker
  if (reason.cause instanceof ProtocolError || reason.cause instanceof AuthenticationError)
    return reason.cause
  const untold = isUntold(reason.cause) ? reason.cause : undefined
  const led = untold === undefined ? reason.cause : untold.cause
  const step = led instanceof Error ? preloadSteps.get(led) : undefined
  if (step !== undefined) {
    const why = (led as Error).message
    const message = `Worker ${path} could not be prepared: its \`preload\` step ${step} threw: ${why}`
    return new SpawnError(message, { ...place, reason, cause: reason.cause })
  }
  if (reason.type === 'shutdown') return stoppedError(place, 'no')
  const tail = reason.stderrTail.trim()
  const note = untold === undefined ? '' : `${untold.message}. `
  const said = note + (tail === '' ? 'It wrote nothing to stderr.' : `It wrote to stderr:\n${tail}`)
  const context = { ...place, reason, cause: reason.cause }
  // Nothing else that ends a boot is called so and has no cause.
  const hasRunOut =
    untold === undefined ? reason.signal === 'SIGKILL' : reason.type === 'boot' && led === undefined
  if (hasRunOut && reason.uptimeMs >= bootTimeoutMs) {
    const message = `Worker ${path} was not ready within ${bootTimeoutMs} ms (\`bootTimeoutMs\`). ${said}`
    return new BootTimeoutError(message, { ...context, timeoutMs: bootTimeoutMs })
  }
  const message = `Worker ${path} ended before it was ready (${describeExit(reason)}). ${said}`
  return new SpawnError(message, context)
}

/** The error of a call whose worker died. */
export function deathError(place: ErrorPlace, reason: ExitReason, executed: Executed): Error {
  if (reason.type === 'shutdown') return stoppedError(place, executed)
  const message = `Worker ${place.worker} died (${describeExit(reason)}).`
  const tail = reason.stderrTail.trim()
  const note = isUntold(reason.cause) ? ` ${reason.cause.message}.` : ''
  const said = tail === '' ? '' : ` Its last words on stderr:\n${tail}`
  return new WorkerDiedError(message + note + said, { ...place, reason, executed, cause: reason.cause })
}

/** The error of a call whose worker was stopped. */
export function stoppedError(place: ErrorPlace, executed: Executed): WorkerStoppedError {
  const message = `Worker ${place.worker} has been stopped, or is about to be. Start another one.`
  return new WorkerStoppedError(message, { ...place, executed })
}
