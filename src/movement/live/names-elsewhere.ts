import { fileURLToPath } from 'node:url'
import { RecentMap } from '../recent-map.ts'
import { initOf } from './declarations.ts'
import { type ImportOrigin, looseOrigin } from './import-origin.ts'
import type { LiveCode, LiveName } from './live-code.ts'
import { type LiveModule, moduleOf } from './live-module.ts'
import { moduleUrl } from './module-url.ts'
import { namedMembers } from './namespace-use.ts'
import { typeScriptOf } from './resolved-import.ts'
import { scriptIdWhere } from './scripts.ts'

/**
 * What an imported name is called elsewhere: what its module exports it as, and what it is called in that module, as far
 * as the text of that shows it. Of a namespace the members that are used.
 */
export function namesElsewhere({ module, read }: LiveCode, { name, variable, from }: LiveName): string[] {
  const origin = variable && looseOrigin(name, variable)
  if (origin === undefined) return copiedFrom(name, variable)
  const members = namedMembers(read, name)
  // What the worker imports by itself is no value of this process.
  if (from === 'import') return origin.name === '*' ? members : [origin.name]
  return namesThere(module, origin, members)
}

/** What compilers call the variable that a default export is a copy in: `const state_default = secret`. */
const defaultName = /(?:_default|export_default__)(?:\$?\d+)?$/i

/** What a variable that compilers have made for a default export is a copy of. */
export function copiedFrom(name: string, variable: LiveName['variable']): string[] {
  const init = variable && defaultName.test(name) ? initOf(variable) : undefined
  return init?.type === 'Identifier' ? [init.name] : []
}

/** What a member of something that was imported is called elsewhere. */
export function memberNamesElsewhere(
  { module }: LiveCode,
  { name, variable }: LiveName,
  member: string,
): string[] {
  const origin = variable && looseOrigin(name, variable)
  return origin === undefined ? [] : namesThere(module, origin, [member])
}

type Place = Pick<ImportOrigin, 'specifier' | 'name'>

/** By what names an export goes, its own included; of a namespace the members, wherever on the way that is met. */
function namesThere(
  module: string,
  { specifier, name }: Place,
  members: readonly string[],
  seen = new Set<string>(),
): string[] {
  if (name === '*')
    return members.flatMap((member) => namesThere(module, { specifier, name: member }, [], seen))
  const exporter = exporterOf(specifier, module)
  const key = `${exporter?.url}#${name}`
  if (exporter?.facts === undefined || seen.has(key)) return [name]
  seen.add(key)
  const names = exporter.facts
    .spellings(name)
    .flatMap((one) => ('local' in one ? [one.local] : namesThere(exporter.url, one, members, seen)))
  return [name, ...names]
}

const rememberedModules = 256
const known = new RecentMap<string, string>(rememberedModules)

const pathOf = (href: string): string => (href.startsWith('file:') ? fileURLToPath(href) : href)
const bare = (url: string): string => url.replace(/[?#].*$/, '')
const withoutEnding = (url: string): string => bare(url).replace(/(?:\/index)?\.[cm]?[jt]sx?$/, '')

/**
 * The module that an import by a path has most likely loaded. Where a value is to be found, `loadedModule` is exact, or
 * finds none; here a name too many does no harm, and one too few does.
 */
function exporterOf(specifier: string, from: string): LiveModule | undefined {
  const base = moduleUrl(from)
  if (base === undefined) return undefined
  const ofPackage = typeScriptOf(specifier, base)
  if (ofPackage === undefined && !/^(?:\.{0,2}\/|file:)/.test(specifier)) return undefined
  const { href } = new URL(ofPackage ?? specifier, base)
  const place = (url: string): string => moduleUrl(url) ?? ''
  // TypeScript may be imported as what it is compiled to, or without an ending.
  const remembered = known.get(href)
  const module = remembered === undefined ? undefined : moduleOf(remembered)
  // It may have been loaded anew since, and the old one collected.
  if (module !== undefined) return module
  const scriptId = scriptIdWhere(
    (url) => place(url) === href,
    (url) => bare(place(url)) === bare(href),
    (url) => withoutEnding(place(url)) === withoutEnding(href),
    // What tsx makes of CommonJS.
    (url) => url.startsWith('data:') && url.endsWith(`?filePath=${encodeURIComponent(pathOf(href))}`),
    // Vite has paths from the root of the project.
    (url) => specifier.startsWith('/') && bare(place(url)).endsWith(bare(specifier)),
  )
  if (scriptId === undefined) return undefined
  known.set(href, scriptId)
  return moduleOf(scriptId)
}
