import { RecentMap } from '../recent-map.ts'
import { type LiveModule, moduleAt } from './live-module.ts'
import { moduleUrl } from './module-url.ts'
import { typeScriptOf } from './resolved-import.ts'
import { readScripts } from './scripts.ts'

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

/** The files that an import by a path may lead to, the likeliest first; none if it is not by a path. */
export function filesOf(specifier: string, from: string): readonly string[] {
  const isPath = /^\.{0,2}\//.test(specifier) || specifier.startsWith('file:')
  if (!isPath || !URL.canParse(specifier, from)) return []
  const { href } = new URL(specifier, from)
  const [ending, others] = endings.find(([pattern]) => pattern.test(href)) ?? [/$/, []]
  return [href, ...others.map((other) => href.replace(ending, other))]
}

/** The module that a file imports by a path; undefined if it is not exactly one of those that were loaded here. */
export function loadedModule(specifier: string, from: string): LiveModule | undefined {
  const ofPackage = typeScriptOf(specifier, moduleUrl(from) ?? '')
  const urls = ofPackage === undefined ? filesOf(specifier, from) : [ofPackage]
  const [first] = urls
  if (first === undefined || notLoaded.has(first)) return undefined
  const loaded = urls.map(moduleAt).filter((one) => one !== undefined)
  if (loaded.length > 0) return loaded.length === 1 ? loaded[0] : undefined
  // It may have been loaded after V8 was asked last.
  readScripts()
  const [module, another] = urls.map(moduleAt).filter((one) => one !== undefined)
  if (module === undefined) notLoaded.set(first, true)
  return another === undefined ? module : undefined
}
