import { describeValue } from './describe-value.ts'
import { moduleSpecifier, prepareModuleReference, type ModuleReference } from './module-reference.ts'
import type { PreloadStep } from './preload-step.ts'
import { prepareFunction } from './shipment.ts'

// What it takes and gives is up to the user.
// oxlint-disable-next-line typescript/no-explicit-any
type AnyFunction = (...args: any[]) => unknown

/** A function, or the export of a module that is one. */
export type FunctionReference = (() => unknown) | ModuleReference

function stepOf(option: unknown, index: number): PreloadStep {
  if (typeof option === 'function') {
    const { name, definition } = prepareFunction(option as AnyFunction)
    return { kind: 'function', name: name || `preload[${index}]`, definition, captures: [] }
  }
  if (typeof option === 'string' || option instanceof URL) {
    const module = moduleSpecifier(option)
    return { kind: 'module', name: module, module }
  }
  if (typeof option !== 'object' || option === null || !('source' in option)) {
    if (typeof option === 'object' && option !== null && 'module' in option) {
      const { definition } = prepareModuleReference(option as ModuleReference)
      const name = `${definition.export} of ${definition.module}`
      return { kind: 'function', name, definition, captures: [] }
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
 * Makes the steps of a worker's `preload` ready to be sent.
 * @throws {TypeError | CaptureError} for one that can't be
 */
export function planPreload(options: readonly unknown[]): PreloadStep[] {
  return options.map(stepOf)
}
