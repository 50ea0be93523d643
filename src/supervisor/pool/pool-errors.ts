import type { RemoteRef } from '../../actors/remote-ref.ts'
import { BackpressureError } from '../../errors/call-errors.ts'
import { describeExit, type ExitReason } from '../../errors/exit-reason.ts'
import { WorkerUnavailableError } from '../../errors/supervision-errors.ts'
import { WorkerStoppedError } from '../../errors/worker-errors.ts'

/** There is nobody, and nobody is to come. */
export const emptyError = (path: string): WorkerUnavailableError =>
  new WorkerUnavailableError(`Pool ${path} has no members: its size is 0. Give it some by \`resize\`.`, {
    worker: path,
    retryAt: undefined,
  })

export const startingError = (path: string): WorkerUnavailableError =>
  new WorkerUnavailableError(`Pool ${path} is starting: resize it when it is up.`, {
    worker: path,
    retryAt: undefined,
  })

export const resizeOvertakenError = (path: string, size: number): WorkerUnavailableError =>
  new WorkerUnavailableError(
    `Pool ${path} ended while it was resized to ${size}. If its supervisor starts it again, it has that size.`,
    { worker: path, retryAt: undefined },
  )

export const stoppedPoolError = (path: string): WorkerStoppedError =>
  new WorkerStoppedError(`Pool ${path} has been stopped, or is about to be. Make another one.`, {
    worker: path,
    executed: 'no',
  })

/** Its supervisor has ended, or could not be started, before it was its turn. */
export const neverStartedError = (path: string): WorkerUnavailableError =>
  new WorkerUnavailableError(`Pool ${path} was not started: what is above it has ended before that.`, {
    worker: path,
    retryAt: undefined,
  })

/** Its members died too often, or could not be started again. */
export function gaveUpError(
  path: string,
  reason: ExitReason | undefined,
  cause: unknown,
): WorkerUnavailableError {
  const why = cause instanceof Error ? cause.message : reason === undefined ? '' : describeExit(reason)
  const message = `Pool ${path} has given up: ${why}`
  return new WorkerUnavailableError(message, { worker: path, retryAt: undefined, cause })
}

/** It has ended as that says, and its supervisor starts it again, in milliseconds since 1970. */
export function backingOffError(
  { message, cause }: Error,
  path: string,
  retryAt: number,
): WorkerUnavailableError {
  const when = new Date(retryAt).toISOString()
  return new WorkerUnavailableError(`${message} It is started again at ${when}.`, {
    worker: path,
    retryAt,
    cause,
  })
}

export const overfullError = (path: string, waiting: number): BackpressureError =>
  new BackpressureError(
    `${waiting} calls wait for a member of pool ${path}, which is its \`maxQueued\`. Nothing was sent. ` +
      'Await earlier calls first, or use `mapStream`, which reads its input no further than there is room for.',
    { worker: path },
  )

export const lastingReferenceError = (reference: RemoteRef<unknown>): TypeError =>
  new TypeError(
    `${reference.toString()} can't be given to members to come: it ends with its worker. ` +
      'Pass what its `get()` gives, or broadcast with `future: false`.',
  )
