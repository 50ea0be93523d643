import { type Callable, prepareCallable } from '../../actors/callable.ts'
import { withCapturePaths } from '../../actors/capture-paths.ts'
import { type CapturePolicy, tightened } from '../../movement/capture-policy.ts'
import { SurveyKeeper } from '../../movement/graph/survey-keeper.ts'
import { standInForKept } from '../../movement/prepare.ts'
import {
  type Captures,
  captureValues,
  type FunctionShipment,
  type LiveShipment,
  type Shipment,
} from '../../movement/shipment.ts'
import type { Codec } from '../../transport/codec.ts'
import type { Limits } from '../../transport/limits.ts'

/** What a call says of what its function takes along. */
export interface Taking {
  readonly captures?: Captures
  readonly capture?: CapturePolicy
}

/** A function with what it refers to, as that was when the call was made. */
export interface KeptFunction {
  /** Is to be called in its place. */
  readonly fn: Callable
  /** What is held because of it. */
  readonly byteLength: number
  /** Why it can't be sent: there was something that can't go, or may not. */
  readonly failure?: Error
}

/** What keeps functions for calls that wait. */
export interface FunctionKeeper {
  keepFunction(fn: Callable, taking: Taking | undefined): KeptFunction
  /**
   * Remembers a function that has been sent, in case it does not arrive.
   * @param sent - what it was made ready as; undefined if the call was refused before
   * @returns what is to be called in its place
   */
  rememberFunction(fn: Callable, sent: Shipment | undefined, taking: Taking | undefined): Callable
}

/** Keeps functions for workers of one kind: all have these limits, and this policy. */
export class ShipmentKeeper implements FunctionKeeper {
  readonly #keeper: SurveyKeeper
  readonly #policy: CapturePolicy

  constructor(limits: Limits, policy: CapturePolicy) {
    this.#keeper = new SurveyKeeper(limits)
    this.#policy = policy
  }

  keepFunction(fn: Callable, taking: Taking = {}): KeptFunction {
    const { captures } = taking
    try {
      const policy = tightened(this.#policy, taking.capture)
      const { codec } = this.#keeper
      const { encoded: shipment, live } = this.#keeper.encoding(() =>
        prepareCallable(fn, captures, policy, codec),
      )
      if (typeof fn === 'function' && captures === undefined && isForGood(shipment))
        return { fn, byteLength: 0 }
      return this.#keep(shipment, live, captures)
    } catch (error) {
      return { fn, byteLength: 0, failure: error as Error }
    }
  }

  rememberFunction(fn: Callable, sent: Shipment | undefined, taking: Taking = {}): Callable {
    const { captures } = taking
    if (typeof fn === 'object' && fn !== null) return { ...fn }
    if (sent === undefined || sent.survey?.isPortable === false) return this.#keptNow(fn, taking)
    if (captures === undefined && isForGood(sent)) return fn
    try {
      return this.#keep(sent, [], captures).fn
    } catch {
      // Then it was not sent.
      return fn
    }
  }

  #keptNow(fn: Callable, taking: Taking): Callable {
    const { fn: kept, failure } = this.keepFunction(fn, taking)
    if (failure === undefined) return kept
    return standInForKept('fn', () => {
      throw failure
    })
  }

  #keep(shipment: Shipment, live: object[], captures: Captures | undefined): KeptFunction {
    const { name } = shipment
    if (shipment.survey !== undefined) return this.#keepSurvey(shipment, live)
    if (shipment.captureNames.length === 0) return { fn: standInForKept(name, () => shipment), byteLength: 0 }
    const { byteLength, copy } = this.#keepValues(shipment, captures)
    const kept = { ...(shipment as FunctionShipment), keptValues: copy }
    return { fn: standInForKept(name, () => kept), byteLength }
  }

  /** No closure here may see the shipment itself, which holds more than is kept of it. */
  #keepSurvey({ key, name, survey }: LiveShipment, live: object[]): KeptFunction {
    const { byteLength, surveyFor } = this.#keeper.keep(survey, live)
    const shipmentFor = (codec: Codec): Shipment => ({
      key,
      name,
      captureNames: [],
      survey: surveyFor(codec),
    })
    return { fn: standInForKept(name, shipmentFor), byteLength }
  }

  #keepValues(shipment: Shipment, captures: Captures | undefined) {
    const values = captureValues(shipment, captures)
    if (values.every(isPrimitive)) return { byteLength: 0, copy: () => values }
    try {
      return this.#keeper.keepValues(values)
    } catch (error) {
      throw withCapturePaths(error, shipment)
    }
  }
}

const isPrimitive = (value: unknown): boolean =>
  value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')

/** Whatever happens meanwhile, the same function leads to the same. */
const isForGood = ({ survey, captureNames }: Shipment): boolean =>
  survey === undefined ? captureNames.length === 0 : survey.isSettled
