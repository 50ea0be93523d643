import { MaltsterError } from '../errors/maltster-error.ts'
import { type Channel, makeChannel } from '../movement/flow/channel.ts'
import { type ChannelOptions, checkChannelOptions } from '../movement/flow/channel-options.ts'
import { type CurrentCall, ownContext, type WorkerContext, workerContexts } from './worker-context.ts'

/** The directory of this package; none where it was bundled with the user's code, which could not be told apart. */
const ownPlace = /\/child\/worker\.[jt]s$/.test(import.meta.url)
  ? new URL('../', import.meta.url).href
  : undefined

/** Contexts that know that code of this copy, too, is not to be torn. */
const protectedIn = new WeakSet<WorkerContext>()

function contexts(): WorkerContext[] {
  const found = workerContexts()
  if (found.length > 0) return found
  throw new MaltsterError(
    'maltster/worker works inside a worker only: this process was not started by maltster.',
  )
}

/** The call on the stack and whose it is. Guests first: they know theirs by context, the process by elimination. */
function running(): { context: WorkerContext; call: CurrentCall } | undefined {
  for (const context of contexts().toReversed()) {
    const call = context.currentCall()
    if (call !== undefined) return { context, call }
  }
  return undefined
}

/**
 * The call that the running code belongs to: its number, its abort signal, and the worker it runs in.
 *
 * The signal is how code that waits gets to know that its call was interrupted, timed out or aborted; its reason is
 * the `InterruptedError`. Several calls may overlap; each sees its own. Semantics: Node's `AbortSignal` conventions;
 * the idea of a call's own signal is gRPC's context.
 *
 * @returns the call's `id`, its `signal`, and `worker: { name, path, incarnation }`
 * @throws {MaltsterError} outside a worker, and in code that no call is waiting for
 * @example
 * import { spawnWorker } from 'maltster'
 *
 * await using worker = await spawnWorker({ name: 'example' })
 * const name = await worker.call(async () => {
 *   const { currentCall } = await import('maltster/worker')
 *   return currentCall().worker.name
 * })
 * console.log(name) // example
 */
export function currentCall(): CurrentCall {
  const call = running()?.call
  if (call === undefined) {
    throw new MaltsterError(
      'No call is running here: this code was started by none, or outlived the one that did.',
    )
  }
  return call
}

/**
 * Makes a channel whose queue is in this worker, for the host to use: the result of a call or an evaluation that holds it
 * brings it there as it is. It ends with this worker. See `Worker.channel` for one whose queue is in the host; apart from
 * where the values wait there is no difference.
 *
 * @param options - see `ChannelOptions`
 * @throws {TypeError | RangeError} for wrong options
 * @throws {MaltsterError} outside a worker
 * @example
 * import { spawnWorker, type Channel } from 'maltster'
 *
 * await using worker = await spawnWorker()
 * const ticks = await worker.evaluate<Channel<number>>(`
 *   const { channel } = await import('maltster/worker')
 *   const ticks = channel({ capacity: 1 })
 *   ticks.send(42)
 *   ticks
 * `)
 * console.log(await ticks.receive()) // 42
 */
export function channel<T = unknown>(options: ChannelOptions = {}): Channel<T> {
  checkChannelOptions(options)
  const context = running()?.context ?? ownContext()
  if (context === undefined) {
    throw new MaltsterError('No call is running here, so there is no worker for a channel to belong to.')
  }
  if (ownPlace !== undefined && !protectedIn.has(context)) {
    protectedIn.add(context)
    context.protect(ownPlace)
  }
  return makeChannel<T>(options, context.channelLane)
}

/**
 * Ends this worker at once and says why: the host finds `info` as `cause` of the `ExitReason`.
 *
 * `process.exit()` works too; this one gives the reason along. Handlers of the process's `exit` event run. Calls that
 * are under way reject with `WorkerDiedError`.
 *
 * @param info - any value that can be sent
 * @param options - `exitCode`: 0 to 255, default 0
 * @throws {EncodeError} if `info` can't be sent; then the worker goes on
 * @throws {RangeError} if `exitCode` is not an integer from 0 to 255
 * @throws {MaltsterError} outside a worker
 * @example
 * import { spawnWorker } from 'maltster'
 *
 * const worker = await spawnWorker()
 * const lost = worker.call(async () => {
 *   const { exitWith } = await import('maltster/worker')
 *   exitWith({ because: 'enough' }, { exitCode: 3 })
 * })
 * const { reason } = await lost.catch((error) => error)
 * console.log(reason.exitCode, reason.cause) // 3 { because: 'enough' }
 */
export function exitWith(info: unknown, options: { readonly exitCode?: number } = {}): never {
  const { exitCode = 0 } = options
  if (!Number.isInteger(exitCode) || exitCode < 0 || exitCode > 255) {
    throw new RangeError(`Expected \`exitCode\` to be an integer from 0 to 255, got \`${String(exitCode)}\`.`)
  }
  const context = running()?.context ?? ownContext()
  if (context === undefined) {
    throw new MaltsterError('No call is running here, so there is no worker to end.')
  }
  return context.exitWith(info, exitCode)
}
