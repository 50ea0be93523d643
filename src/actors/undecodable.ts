import { DecodeError, ProtocolError } from '../errors/data-errors.ts'
import type { ErrorPlace } from './remote-error.ts'

/** The error of a call whose answer can't be read. */
export function undecodable(error: unknown, place: ErrorPlace): Error {
  if (error instanceof DecodeError) {
    const message = `The answer of worker ${place.worker} could not be read: ${error.message}`
    return new DecodeError(message, { ...place, reason: error.reason, cause: error })
  }
  return new ProtocolError(`Worker ${place.worker} answered in a way that is none.`, {
    ...place,
    cause: error,
  })
}
