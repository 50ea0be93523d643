import type { LiveStep, PreloadStep } from '../movement/preload-step.ts'
import { importModule } from '../movement/module-exports.ts'
import { rebuild } from '../movement/rebuild.ts'

type FunctionStep = Extract<PreloadStep, { kind: 'function' }>

/** Runs source text in the default scope of the session. */
export type EvaluateSource = (source: string, filename: string | undefined) => unknown

/** Takes in what a function brings along, and makes it. */
export type MakeLive = (step: LiveStep) => Promise<() => unknown>

async function runFunction({ definition }: FunctionStep): Promise<void> {
  const factory = await rebuild(definition)
  await factory([])()
}

/** A step of `preload` that failed: which, and what it threw. */
export class PreloadFailure {
  readonly step: string
  readonly error: unknown

  constructor(step: string, error: unknown) {
    this.step = step
    this.error = error
  }
}

/**
 * Runs what every incarnation begins with, in order, each step awaited.
 * @throws {PreloadFailure} for the first step that fails; those behind it do not run
 */
export async function preload(
  steps: readonly PreloadStep[],
  evaluate: EvaluateSource,
  makeLive: MakeLive,
): Promise<void> {
  for (const step of steps) {
    try {
      // One after the other is what is asked for.
      if (step.kind === 'module') await importModule(step.module)
      else if (step.kind === 'source') await evaluate(step.source, step.filename)
      else if (step.kind === 'live') await (await makeLive(step))()
      else await runFunction(step)
    } catch (error) {
      // oxlint-disable-next-line typescript/only-throw-error -- carries the thrown value, whatever it is, to its only reader
      throw new PreloadFailure(step.name, error)
    }
  }
}
