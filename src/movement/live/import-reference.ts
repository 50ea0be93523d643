import { existsSync, realpathSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { reachesEntry } from './entry-imports.ts'
import type { ImportAttributes, ImportOrigin } from './import-origin.ts'
import { moduleUrl } from './module-url.ts'
import { isThere } from './resolved-import.ts'

/** An import that the worker does itself. Plain data. */
export interface ImportReference {
  /** Empty for `require` itself. */
  readonly specifier: string
  /** The export; `*` for the namespace, or for all that `require` gives. */
  readonly name: string
  readonly isRequire: boolean
  /** The URL of the module that imports it, which it is resolved from; undefined for a builtin. */
  readonly from: string | undefined
  readonly attributes?: ImportAttributes
}

/** What every Node.js loads without help. */
const loadable = /\.(?:[cm]?js|json|node|wasm)$/

let entryUrl: string | undefined

/** The program's own module: to import it elsewhere would run the program again. */
function isEntry(url: string): boolean {
  const [, entry] = process.argv
  if (entry === undefined) return false
  try {
    entryUrl ??= pathToFileURL(realpathSync(entry)).href
  } catch {
    entryUrl = ''
  }
  return url === entryUrl || url === pathToFileURL(entry).href
}

/**
 * How the worker can get an import by itself: builtins, packages, and files that Node.js can load. Undefined for what
 * has to go by value: the program's own module and what imports it in turn, TypeScript, what a bundler or a test runner
 * made up.
 */
export function importReference(origin: ImportOrigin, module: string): ImportReference | undefined {
  const { specifier, name, isRequire, attributes } = origin
  if (isBuiltin(specifier)) {
    const builtin = specifier.startsWith('node:') ? specifier : `node:${specifier}`
    return { specifier: builtin, name, isRequire, from: undefined }
  }
  const from = moduleUrl(module)
  if (from === undefined) return undefined
  const reference = { specifier, name, isRequire, from, ...(attributes === undefined ? {} : { attributes }) }
  const isPath = /^\.{0,2}\//.test(specifier) || /^[a-z]+:/.test(specifier)
  if (!isPath) return isThere(specifier, from, isRequire) ? reference : undefined
  const url = new URL(specifier, from)
  if (url.protocol === 'data:') return reference
  if (url.protocol !== 'file:' || isEntry(url.href)) return undefined
  const path = fileURLToPath(url)
  const exists = existsSync(path)
  if (exists ? !loadable.test(path) : !isRequire) return undefined
  if (reachesEntry(url.href, isEntry)) return undefined
  return reference
}
