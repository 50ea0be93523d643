import { types } from 'node:util'
import { compileImport } from './dynamic-import.ts'

const { clearTimeout, Promise, setTimeout } = globalThis
const nothing = (): void => {}

/** What a module exports, by name. */
export type Namespace = Record<string, unknown>

/** A module that was imported; by itself it could not be what a promise resolves with, if it exports `then`. */
export interface Imported {
  readonly namespace: Namespace
}

/** How long an import may take before it is found out whether it is one that never settles. */
const patienceMs = 100

/**
 * A module, whatever it exports. One that exports a function `then` is a promise to whoever imports it: `import` gives what
 * that function calls back with, and never settles if it doesn't. Of a module that is named by its URL this gives all the
 * same what it exports.
 *
 * @param importing - its import
 */
export function whole(module: string, importing: Promise<Namespace>): Promise<Imported> {
  return new Promise((resolve, reject) => {
    const look = (otherwise: () => void): void => {
      if (!/^(?:data|file|node):/.test(module)) return otherwise()
      lookAt(module).then(
        (looked) => (typeof looked.namespace['then'] === 'function' ? resolve(looked) : otherwise()),
        otherwise,
      )
    }
    const timer = setTimeout(look, patienceMs, nothing).unref()
    importing.then(
      (namespace) => {
        clearTimeout(timer)
        if (types.isModuleNamespaceObject(namespace)) resolve({ namespace })
        else look(() => resolve({ namespace }))
      },
      (error: unknown) => {
        clearTimeout(timer)
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- it is what the import rejects with
        look(() => reject(error))
      },
    )
  })
}

/** By way of a module that has it inside a list, where `import` does not look. */
async function lookAt(module: string): Promise<Imported> {
  const text = `import * as namespace from ${JSON.stringify(module)};export const found=[{namespace}]`
  const { found } = await compileImport()(`data:text/javascript,${encodeURIComponent(text)}`)
  return (found as [Imported])[0]
}
