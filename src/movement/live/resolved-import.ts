import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { RecentMap } from '../recent-map.ts'

/** What Node.js needs help for, or does only in later versions. */
const typeScript = /\.(?:[cm]?tsx?|jsx)$/
const known = new RecentMap<string, string | undefined>(1024)

/** What Node.js calls the kinds of import that it asks a package for. */
const conditions = new Set(['node', 'node-addons', 'import', 'module-sync', 'default'])

/**
 * The file that a package, or a name of the package around a file, stands for, as a URL; undefined if Node.js finds none
 * without help.
 */
function resolvedFile(specifier: string, from: string, isRequire: boolean): string | undefined {
  const key = `${String(isRequire)} ${specifier} ${from}`
  if (known.has(key)) return known.get(key)
  const forImport = isRequire ? undefined : exported(specifier, from)
  const path = forImport ?? required(specifier, from)
  const url =
    path === undefined ? undefined : pathToFileURL(existsSync(path) ? realpathSync(path) : path).href
  known.set(key, url)
  return url
}

/** Whether a worker can import what is not named by a path. */
export function isThere(specifier: string, from: string, isRequire: boolean): boolean {
  if (!from.startsWith('file:')) return true
  const url = resolvedFile(specifier, from, isRequire)
  return url !== undefined && !typeScript.test(url)
}

/** The TypeScript that a package, or a name of the package around a file, stands for, as a URL. */
export function typeScriptOf(specifier: string, from: string): string | undefined {
  if (!from.startsWith('file:') || /^(?:\.{0,2}\/|[a-z]+:)/.test(specifier)) return undefined
  const url = resolvedFile(specifier, from, false)
  return url !== undefined && typeScript.test(url) ? url : undefined
}

function required(specifier: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(specifier)
  } catch {
    return undefined
  }
}

interface Manifest {
  readonly directory: string
  readonly name?: unknown
  readonly exports?: unknown
  readonly imports?: unknown
}

function manifestIn(directory: string): Manifest | undefined {
  try {
    const content = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as object
    return { ...content, directory }
  } catch {
    return undefined
  }
}

/** What `exports` and `imports` of a package say to those who import; `createRequire` knows what they say to `require`. */
function exported(specifier: string, from: string): string | undefined {
  const directories = directoriesAbove(fileURLToPath(from))
  const own = directories.map(manifestIn).find((one) => one !== undefined)
  if (specifier.startsWith('#')) return own && target(own, own.imports, specifier)
  const [, name, rest] = /^(@[^/]+\/[^/]+|[^@/][^/]*)(\/.*)?$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  const isOwn = own !== undefined && own.name === name && own.exports !== undefined
  const found = isOwn
    ? own
    : directories
        .map((directory) => manifestIn(join(directory, 'node_modules', name)))
        .find((one) => one !== undefined)
  return found && target(found, found.exports, `.${rest ?? ''}`)
}

function directoriesAbove(file: string): string[] {
  const directories: string[] = []
  for (let at = dirname(file); directories.at(-1) !== at; at = dirname(at)) directories.push(at)
  return directories
}

function target({ directory }: Manifest, map: unknown, key: string): string | undefined {
  const isMap = typeof map === 'object' && map !== null && Object.keys(map).some((one) => /^[.#]/.test(one))
  const entries: [string, unknown][] = isMap ? Object.entries(map) : map === undefined ? [] : [['.', map]]
  for (const [pattern, value] of entries) {
    const [before, after] = pattern.split('*') as [string, string | undefined]
    const isMatch =
      after === undefined
        ? key === pattern
        : key.startsWith(before) && key.endsWith(after) && key.length >= pattern.length
    const chosen = isMatch ? choose(value) : undefined
    if (chosen?.startsWith('./') !== true) continue
    const part = after === undefined ? '' : key.slice(before.length, key.length - after.length)
    return join(directory, chosen.replaceAll('*', part))
  }
  return undefined
}

/** The first that is meant for those who import. */
function choose(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(choose).find((one) => one !== undefined)
  if (typeof value !== 'object' || value === null) return undefined
  const found = Object.entries(value).find(([key, one]) => conditions.has(key) && choose(one) !== undefined)
  return found && choose(found[1])
}
