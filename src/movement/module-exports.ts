import { types } from 'node:util'
import type { ModuleDefinition, ModulePlace } from './definition.ts'
import { compileImport, compileImportOf, silenceImportWarning } from './dynamic-import.ts'
import { noteLoaders } from './module-loaders.ts'
import type { RebuiltFunction } from './rebuild.ts'
import { type Imported, type Namespace, whole } from './whole-module.ts'

/**
 * What an export can be, for whoever uses it from elsewhere: something to call, to iterate over, to make objects with,
 * or data.
 */
export const exportKindNames = ['function', 'generator', 'class', 'value'] as const

/** What an export is. */
export type ExportKind = (typeof exportKindNames)[number]

/** Imports a module, from the current directory if it is a package. Rejects with what the import throws. */
export async function importModule(module: string): Promise<Namespace> {
  silenceImportWarning()
  return compileImport()(module)
}

/** Gives this process the loaders of its host. Rejects with an Error that names the one that does not load. */
export async function importLoaders(loaders: readonly ModulePlace[]): Promise<void> {
  // One after the other, as Node.js does with `--import`.
  for (const loader of loaders) await importPlace(loader, '')
  noteLoaders(loaders)
}

/** Rejects with an Error if the module does not load; `cause` and `code` are those of the import. */
async function importPlace({ module, from, loaders = [] }: ModulePlace, purpose: string): Promise<Imported> {
  try {
    await importLoaders(loaders)
    silenceImportWarning()
    return await whole(module, from === undefined ? compileImport()(module) : compileImportOf(from)(module))
  } catch (cause) {
    throw notLoaded(module, from, purpose, cause)
  }
}

/**
 * Imports the module of a reference and gives its export.
 *
 * Rejects with an Error if the module does not load (`cause` and `code` are those of the import), and with a
 * TypeError if it has no such export, or if that is not a function that can be called.
 */
export async function loadExport(definition: ModuleDefinition): Promise<RebuiltFunction> {
  const { module, export: name } = definition
  const value = await exportOf(definition, name)
  if (typeof value !== 'function') {
    throw new TypeError(`Export \`${name}\` of ${module} is not a function, but ${kindOf(value)}.`)
  }
  if (isClass(value)) {
    throw new TypeError(
      `Export \`${name}\` of ${module} is a class, which can't be called: export a function.`,
    )
  }
  return value as RebuiltFunction
}

/** The value of an export as it is now. Rejects as `loadExport`. */
export async function exportOf(place: ModulePlace, name: string): Promise<unknown> {
  const { module } = place
  const { namespace } = await importPlace(place, `, for its export \`${name}\``)
  const holder = holderOf(name, namespace)
  if (holder === undefined) throw new TypeError(noExport(module, name, Object.keys(namespace)))
  return holder[name]
}

/** Imports a module and tells what it exports. Rejects as `loadExport`. */
export async function exportKinds(place: ModulePlace): Promise<(readonly [string, ExportKind])[]> {
  const { namespace } = await importPlace(place, '')
  return namesOf(namespace).map((name) => [name, exportKind(namespace, name)] as const)
}

/** The names of a module; of CommonJS also those that Node.js has not found by reading the text. */
function namesOf(namespace: Namespace): string[] {
  const names = Object.keys(namespace)
  const exported = namespace['default']
  if (typeof exported !== 'object' || exported === null || types.isProxy(exported)) return names
  const isOther = (name: string): boolean =>
    name !== 'default' && name !== 'module.exports' && name !== '__esModule' && !Object.hasOwn(exported, name)
  if (names.some(isOther)) return names
  return [...new Set([...names, ...Object.keys(exported)])]
}

function exportKind(namespace: Namespace, name: string): ExportKind {
  let value: unknown
  try {
    value = holderOf(name, namespace)?.[name]
  } catch {
    // A variable that has no value yet, or a getter that throws: whoever asks for it is told.
  }
  if (typeof value !== 'function') return 'value'
  if (types.isGeneratorFunction(value)) return 'generator'
  return isClass(value) ? 'class' : 'function'
}

const isClass = (value: unknown): boolean => /^class\b/.test(Function.prototype.toString.call(value))

/**
 * The object that has the export: the namespace, or for CommonJS the value of `module.exports`, since Node.js finds
 * its names by reading the text and misses many.
 */
function holderOf(name: string, namespace: Namespace): Namespace | undefined {
  if (Object.hasOwn(namespace, name)) return namespace
  const exported = namespace['default']
  const canHold = typeof exported === 'function' || (typeof exported === 'object' && exported !== null)
  return canHold && Object.hasOwn(exported, name) ? (exported as Namespace) : undefined
}

function notLoaded(module: string, from: string | undefined, purpose: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause)
  const isBare = from === undefined && !/^[a-z]+:/.test(module)
  const where = isBare ? ` Packages are looked for from ${process.cwd()}.` : ''
  const error = new Error(`Could not import ${module}${purpose}: ${why}${where}`, { cause })
  const code = (cause as { code?: unknown } | null)?.code
  return typeof code === 'string' ? Object.assign(error, { code }) : error
}

function noExport(module: string, name: string, names: readonly string[]): string {
  const has =
    names.length === 0 ? 'It has none.' : `It has ${names.map((known) => `\`${known}\``).join(', ')}.`
  return `${module} has no export \`${name}\`. ${has}`
}

const kindOf = (value: unknown): string => (value === null ? 'null' : `of type ${typeof value}`)
