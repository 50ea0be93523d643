import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { compileImportOf, silenceImportWarning } from '../dynamic-import.ts'
import type { ImportReference } from '../live/import-reference.ts'

const { getBuiltinModule } = process

/** The namespace of a module of Node.js, which has the module itself as its default export. */
export const namespaceOf = (module: object): object => ({ ...module, default: module })

/** Does an import as the module that it stands in would. What has to be loaded in turn is a promise. */
export function loadImport(reference: ImportReference): unknown {
  const { specifier, name, isRequire, from, attributes } = reference
  if (specifier.startsWith('node:')) {
    const module = getBuiltinModule(specifier) as unknown as Record<string, unknown> | undefined
    if (module === undefined) throw new Error(`This version of Node.js has no module ${specifier}.`)
    if (name === 'default' && !isRequire) return module
    return name === '*' ? (isRequire ? module : namespaceOf(module)) : module[name]
  }
  if (specifier === '') return createRequire(from!)
  if (isRequire) return memberOf(createRequire(from!)(specifier), name)
  silenceImportWarning()
  const place = from!.startsWith('file:') ? fileURLToPath(from!) : from!
  const options = attributes === undefined ? undefined : { with: { ...attributes } }
  return compileImportOf(place)(specifier, options).then((namespace) => {
    if (name !== '*' && !Object.hasOwn(namespace, name)) {
      throw new SyntaxError(`The module '${specifier}' has no export '${name}' in this worker.`)
    }
    return memberOf(namespace, name)
  })
}

const memberOf = (module: unknown, name: string): unknown =>
  name === '*' ? module : (module as Record<string, unknown>)[name]
