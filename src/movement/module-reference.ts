import { isBuiltin } from 'node:module'
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ModulePlace } from './definition.ts'
import { describeValue } from './describe-value.ts'
import { moduleUrl } from './live/module-url.ts'
import { loadersFor } from './module-loaders.ts'
import { keyOf, type ModuleShipment } from './shipment.ts'

/** A function by the module that exports it. */
export interface ModuleReference {
  /** URL (`file:`, `data:`, `node:`), absolute path, or the name of a package or builtin; with `from` a relative path. */
  readonly module: string | URL
  /** Name of the export; `default` for the default export. */
  readonly export: string
  /**
   * The file that `module` is resolved from: `import.meta.url`, a `file:` URL or an absolute path. Default: none, and a
   * package is looked for from the worker's `cwd`.
   */
  readonly from?: string | URL
}

/**
 * Makes a reference to an exported function ready to be sent. The module is not loaded here.
 *
 * A package name is resolved in the worker, from `from` or its `cwd`.
 * @throws {TypeError} if it is not such a reference; for a relative module the message names the remedy
 * @example
 * prepareModuleReference({ module: new URL('./tasks.js', import.meta.url), export: 'double' })
 */
export function prepareModuleReference(reference: ModuleReference): ModuleShipment {
  if (typeof reference !== 'object' || reference === null) {
    throw new TypeError(`Expected \`{ module, export }\`, got ${describeValue(reference)}`)
  }
  const { module, export: name, from } = reference as { module: unknown; export: unknown; from?: unknown }
  const place = modulePlace(module, from)
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(
      "Expected `export` to be the name of an export of the module, such as `'double'` or `'default'`, " +
        `got ${describeValue(name)}`,
    )
  }
  return prepareExport(place, name)
}

/** Makes an export of a module ready to be called. */
export function prepareExport(place: ModulePlace, name: string): ModuleShipment {
  const definition = { kind: 'module', ...place, export: name } as const
  return { key: keyOf(definition), name, captureNames: [], definition, survey: undefined }
}

const allowedProtocols = ['file:', 'data:', 'node:']
const packageName = /^(?:@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*(?:\/[^\\]*)?$/
const expected =
  'Expected `module` to be a URL (`file:`, `data:`, `node:`), an absolute path, or the name of a package or builtin'

/**
 * A module as a worker can find it, whatever its directory is.
 * @param from - the file that it is resolved from
 * @throws {TypeError} if it is none, or relative and there is no `from`
 */
export function modulePlace(module: unknown, from?: unknown): ModulePlace {
  if (from === undefined) return withLoaders({ module: moduleSpecifier(module) })
  const base = fileUrl(from)
  if (typeof module !== 'string' || isAbsolute(module))
    return withLoaders({ module: moduleSpecifier(module) }, base)
  if (isRelative(module)) {
    const url = new URL(module, base).href
    const loaders = loadersFor(url, base)
    // What loaders make of a name may depend on who says it.
    return loaders.length === 0 ? { module: url } : { module, from: base, loaders }
  }
  if (module.startsWith('#')) return withLoaders({ module, from: base }, base)
  const specifier = moduleSpecifier(module)
  const isWhole = isBuiltin(specifier) || /^[a-z]{2,}:/.test(specifier)
  return withLoaders(isWhole ? { module: specifier } : { module: specifier, from: base }, base)
}

function withLoaders(place: ModulePlace, from?: string): ModulePlace {
  const loaders = loadersFor(place.module, from)
  return loaders.length === 0 ? place : { ...place, loaders }
}

function fileUrl(from: unknown): string {
  const url = from instanceof URL ? from.href : typeof from === 'string' ? moduleUrl(from) : undefined
  if (url?.startsWith('file:') === true) return url
  throw new TypeError(
    `Expected \`from\` to be a \`file:\` URL, such as \`import.meta.url\`, or an absolute path, got ${describeValue(from)}`,
  )
}

const isRelative = (module: string): boolean => /^\.{1,2}(?:$|[\\/])/.test(module)

/**
 * The specifier of a module as `import()` takes it.
 * @throws {TypeError} if it is none, or relative
 */
export function moduleSpecifier(module: unknown): string {
  if (module instanceof URL) return allowedUrl(module)
  if (typeof module !== 'string') throw new TypeError(`${expected}, got ${describeValue(module)}`)
  if (isAbsolute(module)) return pathToFileURL(module).href
  if (isRelative(module)) throw relativeModule(module)
  if (isBuiltin(module) || packageName.test(module)) return module
  if (URL.canParse(module)) return allowedUrl(new URL(module))
  throw new TypeError(`${expected}, got ${describeValue(module)}`)
}

function allowedUrl(url: URL): string {
  const isAllowed =
    allowedProtocols.includes(url.protocol) && (url.protocol !== 'node:' || isBuiltin(url.href))
  if (!isAllowed) throw new TypeError(`${expected}, got \`${url.href}\``)
  return url.href
}

const relativeModule = (module: string): TypeError =>
  new TypeError(
    `${expected}, got the relative ${describeValue(module)}, and a worker can't know what it is relative to. ` +
      `Write \`new URL(${JSON.stringify(module)}, import.meta.url)\``,
  )
