import { BackpressureError } from '../../errors/call-errors.ts'
import { DecodeError, EncodeError } from '../../errors/data-errors.ts'
import { ChannelClosedError, ChannelEmptyError, ReleasedError } from '../../errors/flow-errors.ts'
import type { ErrorContext } from '../../errors/maltster-error.ts'
import type { CallFailure, RequestFailure, ThrownData } from '../../transport/messages.ts'

/** How errors go over a lane and come out of it, apart from those that requests have of their own. */
export interface ErrorTransfer {
  /** What was thrown here, as data. Never throws. */
  thrown(error: unknown): ThrownData
  /** What the other side says that it could not do, as an error. The data is not to be trusted. */
  error(failure: CallFailure): Error
  /** The worker that the lane leads to or from, for errors. */
  readonly place: ErrorContext
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Why a request comes to nothing, as data. */
export function failureOf(error: unknown, transfer: ErrorTransfer): RequestFailure {
  if (error instanceof ChannelClosedError) {
    const { message, cause } = error
    return { kind: 'closed', message, ...(cause === undefined ? {} : { cause: transfer.thrown(cause) }) }
  }
  if (error instanceof ReleasedError) return { kind: 'released' }
  if (error instanceof ChannelEmptyError) return { kind: 'empty' }
  if (error instanceof BackpressureError) return { kind: 'backpressure', message: error.message }
  if (error instanceof EncodeError) return { kind: 'encode', message: error.message, path: error.path }
  if (error instanceof DecodeError) return { kind: 'decode', message: error.message, reason: error.reason }
  return { kind: 'thrown', thrown: transfer.thrown(error) }
}

/** The error that a failure stands for. */
export function errorOfFailure(failure: RequestFailure, transfer: ErrorTransfer): Error {
  const { place } = transfer
  switch (failure.kind) {
    case 'closed': {
      const { cause } = failure
      const isTold = typeof cause === 'object' && cause !== null
      const context = isTold ? { ...place, cause: transfer.error({ kind: 'thrown', thrown: cause }) } : place
      return new ChannelClosedError(text(failure.message), context)
    }
    case 'released':
    case 'withdrawn':
      return releasedError(place)
    case 'empty':
      return new ChannelEmptyError('The channel is empty.')
    case 'backpressure':
      return new BackpressureError(text(failure.message), place)
    default:
      return transfer.error(failure)
  }
}

export const releasedError = (context: ErrorContext): ReleasedError =>
  new ReleasedError(
    'What was asked for is not there any more: a callback is let go when its call has settled, unless it was sent as ' +
      '`proxy(callback)`; a `proxy` or a reference when it is disposed.',
    context,
  )
