import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ModulePlace } from '../definition.ts'
import type { FunctionAnalysis } from '../free-names.ts'
import { loadersFor } from '../module-loaders.ts'
import { filesOf } from './loaded-module.ts'
import { moduleUrl } from './module-url.ts'
import { typeScriptOf } from './resolved-import.ts'

/**
 * The loaders of this process that a worker needs for what a function imports, or requires, by a literal name when it runs:
 * TypeScript, most likely.
 * @param module - the module that the function is from
 */
export function lateLoaders(
  { dynamicImports: { specifiers, required } }: FunctionAnalysis,
  module: string,
): readonly ModulePlace[] {
  const from = moduleUrl(module)
  if (from?.startsWith('file:') !== true) return []
  for (const specifier of [...specifiers, ...required]) {
    const loaders = loadersFor(fileOf(specifier, from))
    if (loaders.length > 0) return loaders
  }
  return []
}

/** The file that an import leads to, where that is not what Node.js would look for. */
const fileOf = (specifier: string, from: string): string | undefined =>
  typeScriptOf(specifier, from) ?? filesOf(specifier, from).find((url) => existsSync(fileURLToPath(url)))
