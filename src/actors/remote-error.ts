import { CallTimeoutError, InterruptedError, RemoteError } from '../errors/call-errors.ts'
import { DecodeError, EncodeError } from '../errors/data-errors.ts'
import { type Executed, MaltsterError } from '../errors/maltster-error.ts'
import { releasedError } from '../movement/flow/request-failures.ts'
import { mapStack } from '../movement/live/source-maps.ts'
import type { CallFailure, ThrownData } from '../transport/messages.ts'

/** Which worker an error is about. */
export interface ErrorPlace {
  readonly worker: string
  readonly pid: number | undefined
}

/** Stands between the frames of one process and those of the one that called it. */
const callerMark = '    --- called from ---'

/** The frames of a stack that came from a worker. Where that has called another one, the mark between says who. */
function framesOf(stack: string, worker: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at |^ {4}--- called from/.test(line))
    .map((line) => (line === callerMark ? `    --- called from worker ${worker} ---` : line))
    .join('\n')
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Rebuilds what was thrown over there. The data comes from the worker: nothing in it is taken on trust. */
function remoteError(thrown: ThrownData, place: ErrorPlace): RemoteError {
  const inner = innerHop(thrown)
  // Passed on by the worker in between, as is all that hangs on an error from further down.
  if (inner?.worker === place.worker) return remoteError(inner.thrown, place)
  const errors = Array.isArray(thrown.errors) ? thrown.errors : []
  const properties = {
    ...(typeof thrown.properties === 'object' && thrown.properties !== null ? thrown.properties : {}),
    ...(errors.length > 0 ? { errors: errors.map((one) => asCause(one as ThrownData, place)) } : {}),
  }
  const remoteName = text(thrown.name)
  const remoteStack = mapStack(text(thrown.stack))
  const isBelow = inner?.worker.startsWith(`${place.worker}/`) === true
  const hop = isBelow ? hopBelow(inner, thrown.cause) : undefined
  const error = new RemoteError(text(thrown.message), {
    ...place,
    remoteName,
    remoteStack,
    properties,
    cause: hop ?? causeOf(thrown, place),
  })
  const head = `RemoteError [${originalName(error)}]: ${error.message}`
  const frames = framesOf(remoteStack, place.worker)
  const mark = callerMark.replace('from', `from worker ${place.worker}`)
  // Where the worker in between has no frames of its own there is no mark either.
  const hopMark = hop === undefined || frames.includes(mark) ? '' : mark
  setStack(error, [head, frames, hopMark].filter((part) => part !== '').join('\n'))
  return error
}

/** The hop below. One that is two or more workers down hangs on the error as its cause already, with all below it. */
function hopBelow(inner: Hop, cause: ThrownData | undefined): RemoteError {
  const told = typeof cause === 'object' && cause !== null ? innerHop(cause) : undefined
  const isTold = told?.worker === inner.worker && told.thrown.stack === inner.thrown.stack
  return remoteError(isTold ? told.thrown : inner.thrown, inner)
}

/** A worker further down, and what it had thrown. */
type Hop = ErrorPlace & { readonly thrown: ThrownData }

/**
 * What a worker in the worker had thrown, and the worker in between has passed on: as it was there, so that the chain of
 * causes is the chain of workers.
 */
function innerHop(thrown: ThrownData): Hop | undefined {
  if (thrown.name !== 'RemoteError' || typeof thrown.properties !== 'object' || thrown.properties === null)
    return undefined
  const { remoteName, remoteStack, worker, pid, properties } = thrown.properties
  if (typeof remoteName !== 'string' || typeof remoteStack !== 'string' || typeof worker !== 'string')
    return undefined
  const inner: ThrownData = {
    isError: true,
    name: remoteName,
    message: thrown.message,
    stack: remoteStack,
    properties: typeof properties === 'object' && properties !== null ? { ...properties } : {},
    ...(thrown.cause === undefined ? {} : { cause: thrown.cause }),
  }
  return { worker, pid: typeof pid === 'number' ? pid : undefined, thrown: inner }
}

/** Of an error that was passed on from worker to worker: what it was called where it was thrown. */
function originalName(error: RemoteError): string {
  const { cause, remoteName } = error
  return remoteName === 'RemoteError' && cause instanceof RemoteError ? originalName(cause) : remoteName
}

function causeOf(thrown: ThrownData, place: ErrorPlace): unknown {
  if (!thrown.isError) return thrown.value
  return thrown.cause === undefined ? undefined : asCause(thrown.cause, place)
}

function asCause(thrown: ThrownData, place: ErrorPlace): unknown {
  if (typeof thrown !== 'object' || thrown === null) return thrown
  return thrown.isError || thrown.value === undefined ? remoteError(thrown, place) : thrown.value
}

function setStack(error: Error, stack: string): void {
  Object.defineProperty(error, 'stack', {
    value: stack,
    configurable: true,
    writable: true,
    enumerable: false,
  })
}

/** The error that a call rejects with, from what the worker sent. */
export function callError(failure: CallFailure, place: ErrorPlace): MaltsterError {
  if (failure.kind === 'encode') {
    const path = text(failure.path)
    const what = path.startsWith('item[') ? 'an item of a stream' : 'the result of a call'
    const message = `${text(failure.message)} It is ${what} in worker ${place.worker}.`
    return new EncodeError(message, { ...place, path, executed: 'yes' })
  }
  if (failure.kind === 'decode') {
    const message = `Worker ${place.worker} could not read the arguments: ${text(failure.message)}`
    return new DecodeError(message, { ...place, reason: text(failure.reason) })
  }
  if (failure.kind === 'interrupted') {
    const { collateral, executed, at } = failure
    return interruptedError(place, { collateral, executed, at })
  }
  if (failure.kind === 'released') return releasedError(place)
  return remoteError(failure.thrown, place)
}

/** The error of an interrupted call, in the words of its case. */
export function interruptedError(
  place: ErrorPlace,
  context: { collateral: boolean; executed: Executed; at?: string | undefined },
): InterruptedError {
  const { collateral, executed, at } = context
  const what = collateral
    ? `A call in worker ${place.worker} shared its process with one that was cut off, and may have been harmed. \`concurrency: 1\` avoids this.`
    : executed === 'no'
      ? `A call was interrupted before worker ${place.worker} began it.`
      : `A call in worker ${place.worker} was interrupted. The worker and its state live on.`
  return new InterruptedError(what, { ...place, collateral, executed, at: at === '' ? undefined : at })
}

/** The directory of this package, whose frames say nothing to a caller; this file, where it was bundled with others. */
const ownPlace = /\/actors\/remote-error\.[jt]s$/.test(import.meta.url)
  ? new URL('../', import.meta.url).href
  : `${import.meta.url}:0:0`

const aTurn = Promise.resolve()

/**
 * What to resolve a call's promise with, so that it rejects and the error's stack has the caller's frames. V8 finds
 * functions that wait by following promises from the job it is in to those who wait for them: from the second turn of
 * this function to the promise of the call, which has subscribed to it in the first, and on to who awaits that. So only
 * a call that fails pays for a stack.
 */
export async function rejection(error: unknown): Promise<never> {
  await aTurn
  await aTurn
  throw withCallerStack(error)
}

/** A promise that rejects with an error that comes before anything was sent: its caller is on the stack. */
export async function rejectionNow(error: unknown): Promise<never> {
  throw withCallerStack(error)
}

/** Adds the caller's frames to the stack of an error: see `rejection` for one that comes out of the event loop. */
function withCallerStack(error: unknown): unknown {
  if (!(error instanceof MaltsterError) || error.stack === undefined || error.stack.includes(callerMark))
    return error
  const here = new Error('here')
  const caller = (here.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line) && !line.includes(ownPlace) && !line.includes('(node:internal/'))
    .join('\n')
  if (caller === '') return error
  const at =
    (error instanceof InterruptedError || error instanceof CallTimeoutError) && error.at !== undefined
  const head = at
    ? `${error.name}: ${error.message}\n${error.at}`
    : error instanceof RemoteError
      ? error.stack
      : `${error.name}: ${error.message}`
  setStack(error, `${head}\n${callerMark}\n${caller}`)
  return error
}
