import { RemoteError } from '../errors/call-errors.ts'
import { CaptureError, DecodeError } from '../errors/data-errors.ts'
import type { ModulePlace } from '../movement/definition.ts'
import { describeValue } from '../movement/describe-value.ts'
import type { AnyFunction } from '../movement/function-source.ts'
import { readImportArrow } from '../movement/import-arrow.ts'
import { type ExportKind, exportKindNames } from '../movement/module-exports.ts'
import { modulePlace, prepareExport } from '../movement/module-reference.ts'
import { standsFor } from '../movement/prepare.ts'
import { prepareRuntimeFunction, runtimeFunction } from '../movement/runtime-function.ts'
import type { ModuleReference } from '../movement/module-reference.ts'
import type { ModuleShipment, Shipment } from '../movement/shipment.ts'
import { type CallOptions, callOptionChecks, checkCallOptions } from './call-options.ts'
import { loadedModule, type ModuleUser } from './loaded-module.ts'
import { checkOptions } from './option-checks.ts'
import type { StreamOptions } from './stream-options.ts'
import type { WorkerStream } from './worker-stream.ts'

/** What a module is loaded and used by: the calls of a worker, or of a handle, which has one worker after the other. */
export interface LoadingCalls {
  startPrepared(
    shipment: Shipment,
    args: readonly unknown[],
    options: CallOptions | undefined,
  ): Promise<unknown>
  stream(
    fn: ModuleReference,
    args: readonly unknown[],
    options: StreamOptions | undefined,
  ): WorkerStream<unknown>
}

/** How a module is loaded. */
export interface LoadOptions extends Pick<CallOptions, 'timeoutMs' | 'signal' | 'background'> {
  /**
   * The file that a relative path or a package name is resolved from: `import.meta.url`, a `file:` URL or an absolute
   * path. Default: that of the arrow function; for a package given by name the worker's `cwd`.
   */
  readonly from?: string | URL
}

const { timeoutMs, signal, background } = callOptionChecks
// What `from` must be is told where it is used.
const loadChecks = { timeoutMs, signal, background, from: () => undefined }

/**
 * Which module is meant, and where it is.
 * @throws {TypeError} if that is not said
 * @throws {CaptureError} if it can't be found out where the arrow function stands
 */
function placeOf(module: unknown, from: LoadOptions['from']): ModulePlace {
  if (typeof module === 'string' || module instanceof URL) return modulePlace(module, from)
  if (typeof module === 'function') {
    const arrow = readImportArrow(module as AnyFunction)
    return modulePlace(arrow.specifier, from ?? arrow.from)
  }
  throw new TypeError(
    `Expected \`load\` to be given \`() => import('./tasks.js')\` or the name of a module, got ${describeValue(module)}.`,
  )
}

/**
 * Loads a module where these calls lead to, and makes what stands for it here.
 * @throws what `Worker.load` does
 */
export async function load(calls: LoadingCalls, module: unknown, options: LoadOptions = {}): Promise<object> {
  checkOptions('`load`', options, loadChecks)
  const { from, ...callOptions } = options
  const place = placeOf(module, from)
  const exports = prepareRuntimeFunction(runtimeFunction.exportKinds)
  const kinds = await calls.startPrepared(exports, [place], callOptions).catch((error: unknown) => {
    throw isUnreadable(error) ? typeScriptRefusal(place, error) : error
  })
  if (!areKinds(kinds))
    throw new DecodeError(`The answer to \`load\` is no list of exports.`, { reason: 'exports' })
  return loadedModule(place.module, kinds, userOf(calls, place))
}

function userOf(calls: LoadingCalls, place: ModulePlace): ModuleUser {
  const shipments = new Map<string, ModuleShipment>()
  const shipmentOf = (name: string): ModuleShipment => {
    const shipment = shipments.get(name) ?? prepareExport(place, name)
    shipments.set(name, shipment)
    return shipment
  }
  const valueOf = prepareRuntimeFunction(runtimeFunction.exportOf)
  return {
    standsFor: (fn, name) => standsFor(fn, shipmentOf(name)),
    stream: (name, args, options) => {
      const { module, from } = place
      const reference = { module, export: name, ...(from === undefined ? {} : { from }) }
      return calls.stream(reference, args, options)
    },
    call: async (name, args, options) => calls.startPrepared(shipmentOf(name), args, options),
    get: async (name, options) => {
      if (options !== undefined) checkCallOptions(options)
      return calls.startPrepared(valueOf, [place, name], options)
    },
  }
}

/** It comes from the worker. */
const areKinds = (answer: unknown): answer is [string, ExportKind][] =>
  Array.isArray(answer) &&
  answer.every(
    (entry: unknown) =>
      Array.isArray(entry) &&
      typeof entry[0] === 'string' &&
      (exportKindNames as readonly unknown[]).includes(entry[1]),
  )

/** Whether Node.js has met a file of a kind that it can't load. */
const isUnreadable = (error: unknown): error is RemoteError =>
  error instanceof RemoteError &&
  error.properties['code'] === 'ERR_UNKNOWN_FILE_EXTENSION' &&
  /"\.(?:[cm]?ts|tsx|jsx)"/.test(error.message)

const typeScriptRefusal = ({ module }: ModulePlace, cause: RemoteError): CaptureError =>
  new CaptureError({
    path: `load → ${module}`,
    why: 'it is TypeScript, or imports some, which Node.js can not load in the worker',
    hint:
      'Start this program with a loader, as by `node --import tsx`; or use Node.js 22.18 or later; or give the worker ' +
      "`execArgv: ['--import', 'tsx']`; or load the compiled file",
    worker: cause.worker,
    pid: cause.pid,
    cause,
  })
