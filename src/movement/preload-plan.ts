import type { Codec } from '../transport/codec.ts'
import { type CapturePolicy, permitBytes } from './capture-policy.ts'
import { describeValue } from './describe-value.ts'
import { Ledger } from './graph/ledger.ts'
import type { Survey } from './graph/survey.ts'
import { moduleSpecifier, prepareModuleReference, type ModuleReference } from './module-reference.ts'
import { prepareLive } from './prepare.ts'
import type { LiveStep, PreloadStep } from './preload-step.ts'

// What it takes and gives is up to the user.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyFunction = (...args: any[]) => unknown

/** A function, or the export of a module that is one. */
export type FunctionReference = (() => unknown) | ModuleReference

/** A step that is known as far as that is possible before there is a worker. */
export type PlannedStep = Exclude<PreloadStep, LiveStep> | PlannedLiveStep

/** A function with what it refers to, which goes as far as the worker has not been sent it. */
interface PlannedLiveStep {
  readonly kind: 'survey'
  readonly name: string
  readonly survey: Survey
}

/** How the functions among the steps are made ready. */
export interface PreloadPreparation {
  readonly codec: Codec
  readonly policy: CapturePolicy
}

function functionStep(fn: AnyFunction, index: number, { codec, policy }: PreloadPreparation): PlannedStep {
  const shipment = prepareLive(fn, undefined, policy, codec)
  const name = shipment.name || `preload[${index}]`
  if (shipment.survey === undefined) {
    const { definition } = shipment
    if (definition.kind === 'runtime') throw new TypeError(`\`preload[${index}]\` is no function of yours.`)
    return { kind: 'function', name, definition }
  }
  const { survey } = shipment
  const steps = new Ledger(codec).steps(survey)
  const [largest] = steps.toSorted((a, b) => b.bytes - a.bytes)
  const bytes = steps.reduce((sum, step) => sum + step.bytes, 0)
  const subject = largest === undefined || largest.subject === 'function' ? undefined : largest.subject
  const nameOfLargest = subject === undefined ? name : 'read' in subject ? subject.read.name : subject.name
  permitBytes(policy, bytes, name, nameOfLargest || name)
  return { kind: 'survey', name, survey }
}

function stepOf(option: unknown, index: number, preparation: PreloadPreparation): PlannedStep {
  if (typeof option === 'function') return functionStep(option as AnyFunction, index, preparation)
  if (typeof option === 'string' || option instanceof URL) {
    const module = moduleSpecifier(option)
    return { kind: 'module', name: module, module }
  }
  if (typeof option !== 'object' || option === null || !('source' in option)) {
    if (typeof option === 'object' && option !== null && 'module' in option) {
      const { definition } = prepareModuleReference(option as ModuleReference)
      const name = `${definition.export} of ${definition.module}`
      return { kind: 'function', name, definition }
    }
    const expected = 'a module, a function, `{ module, export }` or `{ source, filename? }`'
    throw new TypeError(`Expected \`preload[${index}]\` to be ${expected}, got ${describeValue(option)}.`)
  }
  const unknown = Object.keys(option).find((key) => key !== 'source' && key !== 'filename')
  if (unknown !== undefined) {
    throw new TypeError(
      `\`preload[${index}]\` has no option \`${unknown}\`. There are: \`source\`, \`filename\`.`,
    )
  }
  const { source, filename } = option as { source: unknown; filename?: unknown }
  if (typeof source !== 'string')
    throw new TypeError(`Expected \`preload[${index}].source\` to be a string, got ${describeValue(source)}.`)
  if (filename !== undefined && typeof filename !== 'string')
    throw new TypeError(
      `Expected \`preload[${index}].filename\` to be a string, got ${describeValue(filename)}.`,
    )
  const name = filename ?? `preload[${index}]`
  return { kind: 'source', name, source, filename: name }
}

/**
 * Makes the steps of a worker's `preload` ready to be sent, to any number of workers. Functions take along what they
 * refer to as it is now.
 * @throws {TypeError | CaptureError} for one that can't be
 */
export function planPreload(options: readonly unknown[], preparation: PreloadPreparation): PlannedStep[] {
  return options.map((option, index) => stepOf(option, index, preparation))
}

/**
 * The steps as one worker is told them.
 * @param ledger - of that worker: what goes along counts as sent
 */
export function preloadFor(planned: readonly PlannedStep[], ledger: Ledger): PreloadStep[] {
  return planned.map((step) => (step.kind === 'survey' ? liveStep(step, ledger) : step))
}

function liveStep({ name, survey }: PlannedLiveStep, ledger: Ledger): LiveStep {
  const frames = ledger.steps(survey).map(({ type, aux, body, commit }) => {
    commit()
    const { buffer, start, end, flags, attachments } = body
    return { type, aux, flags, bytes: buffer.subarray(start, end), attachments }
  })
  ledger.settle(survey)
  return { kind: 'live', name, frames, content: ledger.numberOf(survey) }
}
