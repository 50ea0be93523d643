import { importOrigin } from './import-origin.ts'
import { RecentMap } from '../recent-map.ts'
import { type LiveModule, moduleAt } from './live-module.ts'
import type { Variable } from './module-facts.ts'
import { readScripts } from './scripts.ts'

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

/** What TypeScript calls a file, and what its loaders then load: `./state.js` for `./state.ts`. */
const endings: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\.js$/, ['.ts', '.tsx', '.jsx']],
  [/\.jsx$/, ['.tsx']],
  [/\.mjs$/, ['.mts']],
  [/\.cjs$/, ['.cts']],
  // No ending at all: `./state`.
  [/(?<!\.[cm]?[jt]sx?)$/, ['.ts', '.tsx', '.js', '.jsx', '/index.ts', '/index.tsx', '/index.js']],
]
const notLoaded = new RecentMap<string, true>(1024)

/** The module that a file imports by a path; undefined if it is not exactly one of those that were loaded here. */
export function loadedModule(specifier: string, from: string): LiveModule | undefined {
  const isPath = /^\.{0,2}\//.test(specifier) || specifier.startsWith('file:')
  if (!isPath || !URL.canParse(specifier, from)) return undefined
  const { href } = new URL(specifier, from)
  if (notLoaded.has(href)) return undefined
  const [ending, others] = endings.find(([pattern]) => pattern.test(href)) ?? [/$/, []]
  const urls = [href, ...others.map((other) => href.replace(ending, other))]
  const loaded = urls.map(moduleAt).filter((one) => one !== undefined)
  if (loaded.length > 0) return loaded.length === 1 ? loaded[0] : undefined
  // It may have been loaded after V8 was asked last.
  readScripts()
  const [module, another] = urls.map(moduleAt).filter((one) => one !== undefined)
  if (module === undefined) notLoaded.set(href, true)
  return another === undefined ? module : undefined
}
