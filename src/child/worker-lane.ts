import { InterruptedError, RemoteError } from '../errors/call-errors.ts'
import { DecodeError, EncodeError } from '../errors/data-errors.ts'
import { LiveLane } from '../movement/flow/live-lane.ts'
import { liveKinds } from '../movement/flow/live-kinds.ts'
import { serveFunction } from '../movement/flow/remote-functions.ts'
import { releasedError } from '../movement/flow/request-failures.ts'
import type { Limits } from '../transport/limits.ts'
import type { CallFailure, ThrownData } from '../transport/messages.ts'
import type { CallTable } from './call-table.ts'

/** The worker's side of what lives on either side of its data lane. */
export function workerLane(
  limits: Limits,
  table: CallTable,
  thrown: (error: unknown) => ThrownData,
): LiveLane {
  return new LiveLane({
    limits,
    whenCallEnds: table.whenCallEnds,
    callEnded: table.callEnded,
    lastingCame: () => table.trackFromNowOn(),
    kinds: liveKinds,
    serveFunction,
    // The host is believed: what comes late is late.
    stray: () => {},
    transfer: { thrown, error: hostError, place: {} },
  })
}

/** What the host says that it could not do, as an error. */
function hostError(failure: CallFailure): Error {
  switch (failure.kind) {
    case 'encode':
      return new EncodeError(failure.message, { path: failure.path, executed: 'yes' })
    case 'decode':
      return new DecodeError(failure.message, { reason: failure.reason })
    case 'interrupted':
      return new InterruptedError('What was asked for was interrupted.', failure)
    case 'released':
      return releasedError({})
    default:
      return errorOf(failure.thrown)
  }
}

function errorOf(thrown: ThrownData): RemoteError {
  const { name, message, stack, properties, cause } = thrown
  const error = new RemoteError(message, {
    remoteName: name,
    remoteStack: stack,
    properties,
    cause: thrown.isError ? cause && errorOf(cause) : thrown.value,
  })
  return Object.defineProperty(error, 'stack', { value: `${error.stack}\n    --- called from ---\n${stack}` })
}
