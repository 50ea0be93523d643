import { CaptureError, type EncodeError } from '../errors/data-errors.ts'
import { type MovementPlan, planOf, type PlanEntry } from './movement-plan.ts'
import type { SourcePlace } from './definition.ts'
import type { LiveCode } from './live/live-code.ts'
import { refusedName } from './graph/refused-names.ts'
import type { Step } from './graph/ledger.ts'
import type { BindingUse, Survey } from './graph/survey.ts'
import { originOf } from './live/source-maps.ts'
import type { Shipment } from './shipment.ts'

/** What a call has cost, or would, besides what its function refers to. */
export interface CallBytes {
  /** Of the frame that defines the function; 0 if it is defined. */
  readonly define: number
  /** Of the call itself, arguments included. */
  readonly call: number
}

const origin = (place: SourcePlace | undefined): string | undefined =>
  place === undefined ? undefined : originOf(place)

/** What moves with a call of a shipment, and why. */
export function planMovement(shipment: Shipment, steps: readonly Step[], bytes: CallBytes): MovementPlan {
  const entries =
    shipment.survey !== undefined
      ? liveEntries(shipment.survey, steps, bytes.define)
      : plainEntries(shipment, bytes.define)
  const call: PlanEntry = {
    name: 'arguments',
    kind: 'argument',
    origin: undefined,
    bytes: bytes.call,
    action: 'sent',
    reason: 'Arguments go with each call, and define nothing there.',
  }
  return planOf([...entries, call])
}

/** The plan of a function that can't go. */
export function refusedPlan(error: CaptureError | EncodeError): MovementPlan {
  const name = error.path.split(' → ').at(-1) ?? error.path
  const found = error instanceof CaptureError ? refusedName(error) : undefined
  const kind = found?.kind ?? kindOfPath(error.path)
  const reason = error.message
  return planOf([{ name, kind, origin: origin(found?.place), bytes: 0, action: 'refused', reason }])
}

function kindOfPath(path: string): PlanEntry['kind'] {
  if (path.startsWith('args')) return 'argument'
  return path.startsWith('captures.') || path.includes(' → ') ? 'capture' : 'function'
}

function plainEntries(shipment: Exclude<Shipment, { survey: Survey }>, define: number): PlanEntry[] {
  const { definition, name, captureNames } = shipment
  const action = define > 0 ? 'sent' : 'known'
  if (definition.kind !== 'source') {
    const reason =
      definition.kind === 'module' ? 'The worker imports it by its module.' : 'The worker has it already.'
    return [{ name, kind: 'import', origin: undefined, bytes: define, action: 'reference', reason }]
  }
  const reason = define > 0 ? sentSource : knownSource
  const main: PlanEntry = {
    name: name || 'fn',
    kind: 'function',
    origin: origin('place' in definition ? definition.place : undefined),
    bytes: define,
    action,
    reason,
  }
  const others = [
    ...definition.helpers.flatMap(({ bindings }) => bindings).map((helper) => [helper, 'function'] as const),
    ...captureNames.map((captured) => [captured, 'capture'] as const),
  ].map(([given, kind]): PlanEntry => {
    const why =
      kind === 'function'
        ? 'Given by `captures`; it goes with the source of the function.'
        : 'Given by `captures`; its value goes with each call, among the arguments.'
    const isSent = kind === 'capture' || define > 0
    return { name: given, kind, origin: undefined, bytes: 0, action: isSent ? 'sent' : 'known', reason: why }
  })
  return [main, ...others]
}

function liveEntries(survey: Survey, steps: readonly Step[], define: number): PlanEntry[] {
  const bytesOf = (...subjects: (Step['subject'] | undefined)[]): number =>
    steps.reduce((sum, step) => (subjects.includes(step.subject) ? sum + step.bytes : sum), 0)
  const named = new Set(survey.bindings.filter(({ module }) => module !== '').map(({ code }) => code))
  const counted = new Set<LiveCode>()
  const told = new Set<BindingUse>()
  const codeBytes = (code: LiveCode | undefined): number => {
    if (code === undefined || counted.has(code)) return 0
    counted.add(code)
    return bytesOf(code)
  }
  const entries: PlanEntry[] = [mainEntry(survey, bytesOf('function'), codeBytes(survey.code), define)]
  for (const use of survey.bindings) {
    const isHelper = use.kind === 'function' || use.kind === 'class'
    // A function by itself is told by the name that the module has for it.
    if (isHelper && use.module === '' && named.has(use.code)) continue
    // Once, also if it has several names.
    const own = survey.bindings.filter(
      (one) =>
        isHelper && one !== use && one.module === '' && one.code !== undefined && one.code === use.code,
    )
    const bytesOfOwn = bytesOf(...own.filter((one) => !told.has(one)))
    for (const one of own) told.add(one)
    const bytes = bytesOf(use) + bytesOfOwn + (isHelper ? codeBytes(use.code) : 0)
    entries.push(bindingEntry(use, bytes))
  }
  for (const code of survey.codes) {
    const bytes = codeBytes(code)
    if (bytes === 0) continue
    entries.push({
      name: code.read.name || 'anonymous',
      kind: code.isClass ? 'class' : 'function',
      origin: origin(code.place),
      bytes,
      action: 'sent',
      reason: sentSource,
    })
  }
  return [...entries, ...capturedEntries(survey, bytesOf('function')), ...importEntries(survey)]
}

function mainEntry(survey: Survey, content: number, code: number, define: number): PlanEntry {
  const bytes = code + define + (survey.captured.length > 0 ? 0 : content)
  const isKnown = bytes === 0
  return {
    name: survey.name || 'fn',
    kind: 'function',
    origin: origin(survey.code?.place),
    bytes,
    action: isKnown ? 'known' : 'sent',
    reason: survey.code === undefined ? ofTheLanguage : isKnown ? knownSource : sentSource,
  }
}

const sentSource = 'Its source goes once to each worker.'
const knownSource = 'The worker has its source from an earlier call.'
const ofTheLanguage = 'The worker has it as well: it is told which it is.'

function capturedEntries({ captured, code }: Survey, bytes: number): PlanEntry[] {
  if (captured.length === 0) return []
  const isSent = bytes > 0
  const reason = isSent
    ? 'A variable of the function around it: its value goes with the call, and defines nothing there.'
    : 'The worker still has these very bytes from an earlier call.'
  return [
    {
      name: captured.join(', '),
      kind: 'capture',
      origin: origin(code?.place),
      bytes,
      action: isSent ? 'sent' : 'unchanged',
      reason,
    },
  ]
}

function importEntries({ codes }: Survey): PlanEntry[] {
  const entries = new Map<string, PlanEntry>()
  for (const code of codes) {
    for (const { name, reference } of code.names) {
      if (reference === undefined || entries.has(`${code.module} ${name}`)) continue
      entries.set(`${code.module} ${name}`, {
        name,
        kind: 'import',
        origin: origin(code.place),
        bytes: 0,
        action: 'reference',
        reason:
          reference.specifier === ''
            ? 'The worker makes it as the module has it.'
            : `The worker imports it by itself, from '${reference.specifier}'.`,
      })
    }
  }
  return [...entries.values()]
}

const sentReasons = {
  global: 'A variable of the module, which is new to the worker or has another value than it was sent.',
  constant: 'A constant of the module, which is new to the worker or whose content has changed.',
  function: 'A function that it refers to: its source goes once to each worker.',
  class: 'A class that it refers to: its source goes once to each worker.',
  capture: 'Several things that the worker keeps refer to it, and share it.',
}

function bindingEntry(use: BindingUse, bytes: number): PlanEntry {
  const { kind, name, code, user, isSettled } = use
  const isKnown = kind === 'function' || kind === 'class' || isSettled
  const kept = isKnown
    ? 'The worker has it from an earlier call, and it can not have changed.'
    : 'The worker was sent these very bytes before.'
  return {
    name: name || 'anonymous',
    kind,
    origin: origin(code?.place ?? user?.place),
    bytes,
    action: bytes > 0 ? 'sent' : isKnown ? 'known' : 'unchanged',
    reason: bytes > 0 ? sentReasons[kind] : kept,
  }
}
