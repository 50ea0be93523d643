import { RecentMap } from '../recent-map.ts'
import { filesOf } from './loaded-module.ts'
import { scriptsAt } from './scripts.ts'

/** How many modules are looked at for one import. */
const mostModules = 256
const known = new RecentMap<string, boolean>(1024)

/** What looks like an import in the text of a module; to find one too many does no harm. */
const specifierPattern = /(?:\bfrom|\bimport|\brequire\s*\()\s*(["'])([^"'\n]+)\1/g

/**
 * Whether a module imports the program's own one, itself or through others, so that to import it would run the program
 * again.
 */
export function reachesEntry(url: string, isEntry: (url: string) => boolean): boolean {
  const found = known.get(url)
  if (found !== undefined) return found
  const reaches = looksFor(isEntry, url)
  known.set(url, reaches)
  return reaches
}

function looksFor(isEntry: (url: string) => boolean, from: string): boolean {
  const seen = new Set([from])
  let level = [from]
  while (level.length > 0 && seen.size <= mostModules) {
    const next = scriptsAt(level).flatMap(({ url, source }) =>
      [...source.matchAll(specifierPattern)].flatMap(([, , specifier]) => filesOf(specifier!, url)),
    )
    if (next.some(isEntry)) return true
    level = [...new Set(next)].filter((one) => !seen.has(one))
    for (const one of level) seen.add(one)
  }
  return false
}
