import { deniesNames, isDenied, type PolicyInForce } from '../capture-policy.ts'
import { RecentMap } from '../recent-map.ts'
import { type ImportOrigin, looseOrigin } from './import-origin.ts'
import type { LiveCode, LiveName } from './live-code.ts'
import { type LiveModule, moduleOf } from './live-module.ts'
import { moduleUrl } from './module-url.ts'
import { scriptIdWhere } from './scripts.ts'

/** The members of a namespace that the text of a function uses. */
export function membersIn(text: string, namespace: string): string[] {
  const name = namespace.replaceAll('$', '\\$')
  const pattern = new RegExp(`(?<![\\w$.])${name}\\s*\\??\\.\\s*([\\w$]+)`, 'g')
  return [...text.matchAll(pattern)].map(([, member]) => member!)
}

/**
 * What an imported name is called elsewhere: what its module exports it as, and what it is called in that module, as far
 * as the text of that shows it. Of a namespace the members that are used.
 */
export function namesElsewhere({ module, read }: LiveCode, { name, variable, from }: LiveName): string[] {
  const origin = variable && looseOrigin(name, variable)
  if (origin === undefined) return []
  const members = membersIn(read.text, name)
  // What the worker imports by itself is no value of this process.
  if (from === 'import') return origin.name === '*' ? members : [origin.name]
  return namesThere(module, origin, members)
}

/** Whether a member of a namespace may go, by all the names that it has. */
export function isMemberAllowed(
  policy: PolicyInForce,
  { module }: LiveCode,
  { name, variable }: LiveName,
  member: string,
): boolean {
  if (!deniesNames(policy)) return true
  const origin = variable && looseOrigin(name, variable)
  const names = origin === undefined ? [] : namesThere(module, origin, [member])
  return ![member, ...names].some((one) => isDenied(policy, one))
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

const bare = (url: string): string => url.replace(/[?#].*$/, '')
const withoutEnding = (url: string): string => bare(url).replace(/(?:\/index)?\.[cm]?[jt]sx?$/, '')

/**
 * The module that an import by a path has most likely loaded. Where a value is to be found, `loadedModule` is exact, or
 * finds none; here a name too many does no harm, and one too few does.
 */
function exporterOf(specifier: string, from: string): LiveModule | undefined {
  const base = moduleUrl(from)
  if (base === undefined || !/^(?:\.{0,2}\/|file:)/.test(specifier)) return undefined
  const { href } = new URL(specifier, base)
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
  )
  if (scriptId === undefined) return undefined
  known.set(href, scriptId)
  return moduleOf(scriptId)
}
