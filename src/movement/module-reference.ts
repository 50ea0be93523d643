import { isBuiltin } from 'node:module'
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describeValue } from './describe-value.ts'
import { keyOf, type ModuleShipment } from './shipment.ts'

/** A function by the module that exports it. */
export interface ModuleReference {
  /** URL (`file:`, `data:`, `node:`), absolute path, or the name of a package or builtin. */
  readonly module: string | URL
  /** Name of the export; `default` for the default export. */
  readonly export: string
}

/**
 * Makes a reference to an exported function ready to be sent. The module is not loaded here.
 *
 * A package name is resolved in the worker, from its `cwd`.
 * @throws {TypeError} if it is not such a reference; for a relative module the message names the remedy
 * @example
 * prepareModuleReference({ module: new URL('./tasks.js', import.meta.url), export: 'double' })
 */
export function prepareModuleReference(reference: ModuleReference): ModuleShipment {
  if (typeof reference !== 'object' || reference === null) {
    throw new TypeError(`Expected \`{ module, export }\`, got ${describeValue(reference)}`)
  }
  const { module, export: name } = reference as { module: unknown; export: unknown }
  const specifier = moduleSpecifier(module)
  if (typeof name !== 'string' || name === '') {
    throw new TypeError(
      "Expected `export` to be the name of an export of the module, such as `'double'` or `'default'`, " +
        `got ${describeValue(name)}`,
    )
  }
  const definition = { kind: 'module', module: specifier, export: name } as const
  return { key: keyOf(definition), name, captureNames: [], definition, survey: undefined }
}

const allowedProtocols = ['file:', 'data:', 'node:']
const packageName = /^(?:@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*(?:\/[^\\]*)?$/
const expected =
  'Expected `module` to be a URL (`file:`, `data:`, `node:`), an absolute path, or the name of a package or builtin'

/**
 * The specifier of a module as `import()` takes it.
 * @throws {TypeError} if it is none, or relative
 */
export function moduleSpecifier(module: unknown): string {
  if (module instanceof URL) return allowedUrl(module)
  if (typeof module !== 'string') throw new TypeError(`${expected}, got ${describeValue(module)}`)
  if (isAbsolute(module)) return pathToFileURL(module).href
  if (/^\.{1,2}(?:$|[\\/])/.test(module)) throw relativeModule(module)
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
