import { createHash } from 'node:crypto'
import { CaptureError } from '../errors/data-errors.ts'
import { type Captures, collect, type Collected, leadsToTheSame, type Lookup } from './collect.ts'
import type {
  FunctionDefinition,
  ModuleDefinition,
  RuntimeDefinition,
  SourceDefinition,
  SourcePart,
  SourcePlace,
} from './definition.ts'
import { describeValue } from './describe-value.ts'
import { type AnyFunction, type FunctionSource, nameOf, readFunction } from './function-source.ts'
import { definitionOf } from './layout.ts'
import type { Ledger } from './graph/ledger.ts'
import type { Survey } from './graph/survey.ts'
import { internalsOf } from './live/inspector.ts'
import { placeOfFunction } from './live/live-code.ts'
import { RecentMap } from './recent-map.ts'

export type { Captures } from './collect.ts'

/** A function made ready to be sent; frozen knowledge, shared by all calls of the same function. */
export interface FunctionShipment {
  /** Equal for equal definitions: a worker that has seen the key needs no definition again. */
  readonly key: string
  readonly name: string
  /** The function's own text, as an expression. */
  readonly source: string
  /** The captures whose values travel encoded with each call, in this order. */
  readonly captureNames: readonly string[]
  /** Their values, where they were kept; others are those that each call is given. */
  readonly keptValues?: () => unknown[]
  readonly definition: SourceDefinition
  readonly survey: undefined
}

/** An exported function made ready to be called where its module is imported. */
export interface ModuleShipment {
  readonly key: string
  readonly name: string
  readonly captureNames: readonly []
  readonly definition: ModuleDefinition
  readonly survey: undefined
}

/** A function of the runtime. */
export interface RuntimeShipment {
  readonly key: string
  readonly name: string
  readonly captureNames: readonly string[]
  readonly definition: RuntimeDefinition
  readonly survey: undefined
}

/** A function with all that was found around it. */
export interface LiveShipment {
  readonly key: string
  readonly name: string
  readonly captureNames: readonly []
  readonly survey: Survey
}

export type Shipment = FunctionShipment | ModuleShipment | RuntimeShipment | LiveShipment

/** The names that anything in a shipment looks up around it; undefined where it looks them up over there. */
export function freeNamesOf(shipment: Shipment): ReadonlySet<string> | undefined {
  if (shipment.survey !== undefined) {
    const reads = shipment.survey.codes.map(({ read }) => read)
    return new Set(reads.flatMap(({ analysis }) => analysis.freeNames.map(({ name }) => name)))
  }
  const { definition } = shipment
  if (definition.kind !== 'source') return undefined
  const parts = [definition, ...definition.helpers]
  return new Set([...definition.captureNames, ...parts.flatMap(({ bindings }) => bindings)])
}

const rememberedShipments = 1000

interface Prepared {
  readonly shipment: FunctionShipment
  readonly lookups: readonly Lookup[]
}

// The hot path: the same function again. The second map holds what the last captures led to.
const withoutCaptures = new WeakMap<AnyFunction, FunctionShipment>()
const withCaptures = new WeakMap<AnyFunction, Prepared>()
// New closures of the same text, and the same function with other captures.
const bySource = new WeakMap<FunctionSource, FunctionShipment>()
const bySignature = new RecentMap<string, FunctionShipment>(rememberedShipments)

/**
 * Makes a function ready to be sent by its source.
 *
 * Names it uses that are not its own must be globals of every Node.js process or be given by `captures`.
 * Functions and classes among those go along by source, as helpers, under the same rule; a captured value goes
 * with each call, and every call has its own copy. What nothing refers to is not sent. A name that is only ever
 * the operand of `typeof` may stay unknown.
 *
 * @throws {CaptureError} if something can't go along; nothing has been sent
 * @throws {TypeError} if the arguments are not of these types
 * @example
 * const rates = { EUR: 1.1 }
 * const shipment = prepareFunction((sum) => sum * rates.EUR, { rates })
 * shipment.captureNames // ['rates']
 */
export function prepareFunction(fn: AnyFunction, captures?: Captures): FunctionShipment {
  if (captures !== undefined) return prepareWith(fn, captures)
  const known = withoutCaptures.get(fn)
  if (known !== undefined) return known
  const path = pathOf(fn)
  const main = readMain(fn, path)
  let shipment = bySource.get(main)
  if (shipment === undefined) {
    shipment = shipmentOf(collect(fn, main, path, {}))
    bySource.set(main, shipment)
  }
  withoutCaptures.set(fn, shipment)
  return shipment
}

const withPlace = new WeakMap<FunctionSource, FunctionShipment>()

/** As `prepareFunction` for a function that needs nothing; it knows its place in its file, for stacks. */
export function prepareAlone(fn: AnyFunction, main: FunctionSource, path: string): FunctionShipment {
  let shipment = withPlace.get(main)
  if (shipment === undefined) {
    shipment = shipmentOf(collect(fn, main, path, {}), placeOf(fn, main))
    withPlace.set(main, shipment)
  }
  return shipment
}

function prepareWith(fn: AnyFunction, captures: Captures): FunctionShipment {
  if (typeof captures !== 'object' || captures === null) {
    throw new TypeError(
      `Expected \`captures\` to be an object of names and values, got ${describeValue(captures)}`,
    )
  }
  const known = withCaptures.get(fn)
  if (known !== undefined && leadsToTheSame(known.lookups, captures)) return known.shipment
  const path = pathOf(fn)
  const collected = collect(fn, readMain(fn, path), path, captures)
  const shipment = shipmentOf(collected)
  withCaptures.set(fn, { shipment, lookups: collected.lookups })
  return shipment
}

/** Functions of the same text are taken for one: which of them it is would take longer to ask than to run most. */
function placeOf(fn: AnyFunction, main: FunctionSource): SourcePlace | undefined {
  const internals = internalsOf(fn)
  return internals && placeOfFunction(main, internals)
}

export const pathOf = (fn: AnyFunction): string => (typeof fn === 'function' && nameOf(fn)) || 'fn'

export function readMain(fn: AnyFunction, path: string): FunctionSource {
  if (typeof fn !== 'function') {
    throw new TypeError(
      `Expected \`fn\` to be a function or \`{ module, export }\`, got ${describeValue(fn)}`,
    )
  }
  const main = readFunction(fn, path)
  if (main.analysis.kind === 'class') throw classRefusal(main.name || 'Class', path)
  return main
}

function shipmentOf(collected: Collected, place?: SourcePlace): FunctionShipment {
  const signature = place === undefined ? collected.signature : `${collected.signature} ${placeText(place)}`
  const known = bySignature.get(signature)
  if (known !== undefined) return known
  const { name, source } = collected.main.read
  const definition = { ...definitionOf(collected), ...(place === undefined ? {} : { place }) }
  const { captureNames } = definition
  const shipment = { key: keyOf(definition), name, source, captureNames, definition, survey: undefined }
  bySignature.set(signature, shipment)
  return shipment
}

const classRefusal = (name: string, path: string): CaptureError =>
  new CaptureError({
    path,
    why: 'it is a class, which can only be called with `new`',
    hint: `Send a function that makes the object, \`(...args) => new ${name}(...args)\`, with the class in \`captures\``,
  })

/** The values that travel with a call of the shipment, in the order of its `captureNames`. */
export function captureValues(shipment: Shipment, captures: Captures | undefined): unknown[] {
  if ('keptValues' in shipment && shipment.keptValues !== undefined) return shipment.keptValues()
  return shipment.captureNames.map((name) => captures?.[name])
}

/** A key for the content of a definition: the same in every process. */
export function keyOf(definition: SourceDefinition | ModuleDefinition): string {
  const content =
    definition.kind === 'module'
      ? ['module', definition.module, definition.export, definition.from ?? '']
      : [
          'source',
          definition.captureNames,
          [definition, ...definition.helpers].map(partContent),
          ...(definition.place === undefined ? [] : [placeText(definition.place)]),
        ]
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url').slice(0, 22)
}

const placeText = ({ file, line, column }: SourcePlace): string => `${line}:${column} ${file}`

const partContent = (part: SourcePart): unknown[] => [part.name, part.source, part.isStrict, part.bindings]

/** What a worker is told of a shipment, once. */
export function definitionFor(shipment: Shipment, ledger: Ledger): FunctionDefinition {
  if (shipment.survey === undefined) return shipment.definition
  return { kind: 'live', content: shipment.survey.isFresh ? 0 : ledger.numberOf(shipment.survey) }
}
