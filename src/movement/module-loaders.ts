import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ModulePlace } from './definition.ts'

/** What Node.js can't load without help, or only in later versions. */
const typeScriptFile = /\.(?:[cm]?ts|tsx|jsx)$/

/** TypeScript names the file that there will be: `./tasks.js` for `./tasks.ts`. */
const sourceOf = (path: string): string => path.replace(/\.([cm]?)js$/, '.$1ts')

/** Whether a module is TypeScript, or may import some. */
function isTypeScript(url: string): boolean {
  if (!url.startsWith('file:')) return false
  const path = fileURLToPath(url)
  return typeScriptFile.test(path) || (!existsSync(path) && existsSync(sourceOf(path)))
}

const symbol = Symbol.for('maltster.givenLoaders')
const holder = globalThis as { [symbol]?: Map<string, ModulePlace> }

/** The same for all copies of the package in a process: whoever sends on may use another one than the worker does. */
if (!(holder[symbol] instanceof Map)) {
  Object.defineProperty(holder, symbol, { value: new Map(), configurable: true, writable: true })
}

/** Those that this process, a worker, was told to load by its host: it was not started with them. */
const given = holder[symbol]!

/** From now on this process has these loaders, too, and may pass them on. */
export function noteLoaders(loaders: readonly ModulePlace[]): void {
  for (const loader of loaders) given.set(`${loader.module} ${loader.from ?? ''}`, loader)
}

/**
 * The modules that this process was started with by `--import`, if a module needs them: a loader of TypeScript is such a
 * one, and a worker, which is started without, can have it later.
 * @param urls - the module, and the one that refers to it, as far as they are known
 */
export function loadersFor(...urls: readonly (string | undefined)[]): readonly ModulePlace[] {
  if (!urls.some((url) => url !== undefined && isTypeScript(url))) return []
  const options = [...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/), ...process.execArgv]
  const modules = options.flatMap((option, index) => {
    if (option.startsWith('--import=')) return [option.slice('--import='.length)]
    return option === '--import' ? options.slice(index + 1, index + 2) : []
  })
  return [...modules.map(placeOf), ...given.values()]
}

function placeOf(module: string): ModulePlace {
  const here = pathToFileURL(`${process.cwd()}/`).href
  if (isAbsolute(module)) return { module: pathToFileURL(module).href }
  if (/^\.{1,2}[\\/]/.test(module)) return { module: new URL(module, here).href }
  return /^[a-z]+:/.test(module) ? { module } : { module, from: here }
}
