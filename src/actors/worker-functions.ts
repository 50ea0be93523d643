import { BackpressureError } from '../errors/call-errors.ts'
import { functionName } from '../movement/flow/function-tokens.ts'
import type { ImportKind } from '../movement/flow/imports.ts'
import type { LiveLane } from '../movement/flow/live-lane.ts'
import { liveSymbol } from '../movement/flow/live-object.ts'
import { serveFunction } from '../movement/flow/remote-functions.ts'
import { prepareExportedFunction } from '../movement/runtime-function.ts'
import type { Captures, Shipment } from '../movement/shipment.ts'
import type { Calls } from './calls.ts'
import { type CallsOptions, placeOf } from './calls-options.ts'
import { rejectionNow } from './remote-error.ts'

/** What may be under way to the functions of one worker; more is refused. */
const bounds = { calls: 10_000, bytes: 64 * 2 ** 20 }

const homes = new WeakMap<LiveLane, WorkerFunctions>()

/** From now on functions that the worker gives are called by these calls. */
export const callFunctionsBy = (calls: Calls, options: CallsOptions): void =>
  void homes.set(options.process.live, new WorkerFunctions(calls, options))

/** The calls of functions that a worker has given. They take no turns, so that the mailbox is not what bounds them. */
class WorkerFunctions {
  readonly #calls: Calls
  readonly #options: CallsOptions
  #underWay = 0
  readonly #settled = (): void => void this.#underWay--

  constructor(calls: Calls, options: CallsOptions) {
    this.#calls = calls
    this.#options = options
  }

  call(shipment: Shipment, args: readonly unknown[], captures: Captures): Promise<unknown> {
    const { pendingBytes } = this.#options.process.data
    if (this.#underWay >= bounds.calls || pendingBytes > bounds.bytes) {
      const place = placeOf(this.#options)
      const waiting = `${this.#underWay} calls of its functions, and ${pendingBytes} bytes, wait for worker ${place.worker}`
      throw new BackpressureError(`${waiting}. Nothing was sent. Await earlier calls first.`, place)
    }
    const result = this.#calls.startExported(shipment, args, captures)
    this.#underWay++
    // Often such a function is called without waiting: its rejection must not end the process as an unhandled one.
    result.then(this.#settled, this.#settled)
    return result
  }
}

/** A function of the worker, which it has given to be called: each time is a call like any other. */
export const workerFunctionKind: ImportKind = {
  make({ lane, number, data }) {
    const name = functionName(data)
    const { shipment, captures } = prepareExportedFunction(name, number)
    const call = (...args: unknown[]): Promise<unknown> => {
      try {
        const home = homes.get(lane)
        if (home === undefined) throw new Error('There is no worker whose function it could be.')
        return home.call(shipment, args, captures)
      } catch (error) {
        const refused = rejectionNow(error)
        refused.catch(ignore)
        return refused
      }
    }
    Object.defineProperty(call, 'name', { value: name, configurable: true })
    // Passed on to another worker it is called from there, by way of here.
    Object.defineProperty(call, liveSymbol, { value: serveFunction(call) })
    return call
  },
}

const ignore = (): void => {}
