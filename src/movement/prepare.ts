import { CaptureError } from '../errors/data-errors.ts'
import type { Codec } from '../transport/codec.ts'
import { isExplicit, permit, type PolicyInForce } from './capture-policy.ts'
import { isOfModule } from './compiler-shims.ts'
import type { Captures } from './collect.ts'
import { type AnyFunction, type FunctionSource, isNativeText } from './function-source.ts'
import { type Survey, survey } from './graph/survey.ts'
import { hasOwnProperties, hasOwnPrototype } from './graph/function-properties.ts'
import { SameAgain } from './graph/same-again.ts'
import { type Reading, readLive } from './live/reading.ts'
import { isOfMissingNames } from './refusals.ts'
import {
  type FunctionShipment,
  pathOf,
  prepareAlone,
  prepareFunction,
  readMain,
  type Shipment,
} from './shipment.ts'

/** How a function is to be prepared. */
export interface Preparation {
  readonly captures: Captures | undefined
  readonly policy: PolicyInForce
  readonly codec: Codec
}

// The hot path: the same function again, and nothing that it refers to can have changed.
const known = new WeakMap<AnyFunction, Shipment>()
const noCaptures: Captures = Object.freeze({})
/** Nearly as hot: what it refers to had to be read, but is the same. */
const sameAgain = new SameAgain<Shipment>()

/** What a function stands for that is ready to be sent. */
interface StandIn {
  /** It was made ready for whichever worker it comes to, and allowed to go, before there was one. */
  readonly isKept: boolean
  shipmentFor(codec: Codec): Shipment
}

/** Functions that stand here for what is elsewhere: exports of modules, functions of the runtime, what calls that wait have kept. */
const standIns = new WeakMap<AnyFunction, StandIn>()

/** From now on a function is sent as what it stands for, whatever it is here. */
export function standsFor(fn: AnyFunction, shipment: Shipment): void {
  standIns.set(fn, { isKept: false, shipmentFor: () => shipment })
}

/** A function that stands for something that is ready to be sent, where a function is asked for. */
export function standInFor(shipment: Shipment): AnyFunction {
  return standInBy(shipment.name, { isKept: false, shipmentFor: () => shipment })
}

/**
 * A function that stands for another as that was at one moment, with all that it refers to.
 * @param shipmentFor - makes it ready for the worker with that codec
 */
export function standInForKept(name: string, shipmentFor: StandIn['shipmentFor']): AnyFunction {
  return standInBy(name, { isKept: true, shipmentFor })
}

function standInBy(name: string, standsForIt: StandIn): AnyFunction {
  const standIn = (): never => {
    throw new TypeError(`\`${name}\` is not here, and can only be called in a worker.`)
  }
  standIns.set(standIn, standsForIt)
  return standIn
}

/** Whether it has its captures with it. */
export const isKept = (fn: AnyFunction): boolean => standIns.get(fn)?.isKept === true

/**
 * Makes a function ready to be sent with all that it refers to, as far as the policy allows.
 * @throws {CaptureError} for what can't go, or may not; nothing has been sent
 * @throws {TypeError} if the arguments are not of these types
 */
export function prepareLive(
  fn: AnyFunction,
  captures: Captures | undefined,
  policy: PolicyInForce,
  codec: Codec,
): Shipment {
  const findsNothing = isExplicit(policy)
  if (captures === undefined && !findsNothing) {
    const found = known.get(fn)
    if (found !== undefined) return permitted(found, policy)
  }
  const standIn = standIns.get(fn)
  if (standIn !== undefined) return standIn.shipmentFor(codec)
  if (findsNothing || typeof fn !== 'function') return permitted(givenOnly(fn, captures, explicitly), policy)
  const path = pathOf(fn)
  const shipment = find(fn, path, { captures, policy, codec })
  if (captures === undefined && isSettled(shipment)) known.set(fn, shipment)
  return permitted(shipment, policy)
}

const isSettled = (shipment: Shipment): boolean => shipment.survey === undefined || shipment.survey.isSettled

function permitted(shipment: Shipment, policy: PolicyInForce): Shipment {
  if (typeof policy !== 'object') return shipment
  if (shipment.survey !== undefined) for (const found of shipment.survey.names) permit(policy, found)
  else if (shipment.definition.kind === 'source') {
    const { captureNames, helpers } = shipment.definition
    for (const name of [...captureNames, ...helpers.flatMap(({ bindings }) => bindings)]) {
      permit(policy, { name, path: `${shipment.name || 'fn'} → ${name}` })
    }
  }
  return shipment
}

function find(fn: AnyFunction, path: string, { captures, policy, codec }: Preparation): Shipment {
  const given = captures ?? noCaptures
  let reading: Reading | undefined
  if (!isNativeText(fn)) {
    const main = readMain(fn, path)
    if (needsNothing(main, fn)) return prepareAlone(fn, main, path)
    reading = readLive(fn, path, given)
    if (reading === undefined) return givenOnly(fn, captures, denied)
    const plain = asPlain(fn, path, reading, captures)
    if (plain !== undefined) return plain
  }
  // What is given, or denied, has to be looked at with the rest.
  const isPlainAsked = reading !== undefined && captures === undefined && policy === 'auto'
  const again = isPlainAsked ? sameAgain.find(fn, reading!, codec) : undefined
  if (again !== undefined) return again
  const found = survey(fn, path, { codec, given, policy, reading })
  const shipment = shipmentOf(found)
  if (isPlainAsked && !found.isSettled) sameAgain.note(fn, reading!, codec, found, shipment)
  return shipment
}

const needsNothing = (main: FunctionSource, fn: AnyFunction): boolean =>
  main.analysis.freeNames.length === 0 &&
  isAlone(main) &&
  !hasOwnProperties(fn, main.analysis.kind === 'class') &&
  !hasOwnPrototype(fn)

/** Whether it is the same wherever its module is. */
function isAlone({ analysis: { freeNames, hasImportMeta, dynamicImports } }: FunctionSource): boolean {
  const imports = dynamicImports.specifiers.length > 0 || dynamicImports.hasComputed
  return !hasImportMeta && !imports && !freeNames.some(({ name }) => isOfModule(name))
}

/** A function that needs nothing, or only what `captures` gives, and no object among that, goes by its source alone. */
function asPlain(
  fn: AnyFunction,
  path: string,
  { code: { read, names, isClass } }: Reading,
  captures: Captures | undefined,
): FunctionShipment | undefined {
  // What an object is besides its data (class, identity, frozenness, members that hide) only a look at it keeps.
  const isGiven = ({ name }: { name: string }): boolean =>
    captures !== undefined && Object.hasOwn(captures, name) && !isObject(captures[name])
  if (!isAlone(read) || !names.every(isGiven) || hasOwnProperties(fn, isClass)) return undefined
  if (hasOwnPrototype(fn)) return undefined
  if (names.length === 0) return prepareAlone(fn, read, path)
  try {
    return prepareFunction(fn, captures)
  } catch (error) {
    // What is given may refer to more, which can be found.
    if (error instanceof CaptureError) return undefined
    throw error
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

const explicitly = 'the policy `capture` is `explicit`, so only what `captures` gives goes'
const denied = 'this process may not use its inspector (as under `--permission`), so nothing can be found'

/** A function that gets only what `captures` gives. */
function givenOnly(fn: AnyFunction, captures: Captures | undefined, because: string): FunctionShipment {
  try {
    return prepareFunction(fn, captures)
  } catch (error) {
    if (!(error instanceof CaptureError) || !isOfMissingNames(error)) throw error
    const { path, why, hint } = error
    throw new CaptureError({ path, why: `${why}, and ${because}`, hint, cause: error })
  }
}

function shipmentOf(found: Survey): Shipment {
  const key = found.isFresh ? 'live' : `live:${found.content.key}`
  return { key, name: found.name, captureNames: [], survey: found }
}
