import { importOrigin } from './import-origin.ts'
import { loadedModule } from './loaded-module.ts'
import type { Variable } from './module-facts.ts'

/** The variable behind an import: that of the module that exports it. */
export interface VariableHome {
  /** What the bindings of that module are told apart by. */
  readonly module: string
  readonly name: string
  readonly variable: Variable
}

/** How many modules may stand between an import and what it gives. */
const mostSteps = 32

/** The variable that an imported name stands for; undefined if it is none, or not known. */
export function homeOf(name: string, variable: Variable, module: string): VariableHome | undefined {
  if (variable.kind !== 'import') return undefined
  const origin = importOrigin(name, variable)
  return origin && homeOfExport(origin.specifier, origin.name, module)
}

/** The variable that another module, as this process has loaded it, exports under a name. */
export function homeOfExport(specifier: string, name: string, module: string): VariableHome | undefined {
  const steps = { left: mostSteps }
  return name === '*' ? undefined : follow(specifier, name, module, steps)
}

function follow(
  specifier: string,
  name: string,
  module: string,
  steps: { left: number },
): VariableHome | undefined {
  const exporter = steps.left-- > 0 ? loadedModule(specifier, module) : undefined
  for (const found of exporter?.facts?.exported(name) ?? []) {
    if ('variable' in found) return { module: exporter!.id, name: found.local, variable: found.variable }
    const home = found.name === '*' ? undefined : follow(found.specifier, found.name, exporter!.id, steps)
    if (home !== undefined) return home
  }
  return undefined
}
