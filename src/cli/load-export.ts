import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { suggestion } from '../actors/option-checks.ts'
import { UsageError } from './usage-error.ts'

/** An export of a module, by name. */
export interface Target {
  readonly url: string
  readonly exportName: string
}

/**
 * Reads `FILE#export`; without `#export` it is the default export.
 * @param cwd - what a relative path begins at
 * @throws {UsageError} if there is no such file
 */
export function readTarget(text: string, cwd: string): Target {
  const hash = text.lastIndexOf('#')
  const file = hash < 0 ? text : text.slice(0, hash)
  const exportName = hash < 0 ? '' : text.slice(hash + 1)
  // One letter is a drive of Windows.
  const url = /^[a-z][a-z\d+.-]+:/i.test(file) ? file : pathToFileURL(resolve(cwd, file)).href
  if (file === '' || (url.startsWith('file:') && !existsSync(fileURLToPath(url)))) {
    throw new UsageError(`There is no file \`${file}\`. Name one, and an export of it: \`file.mjs#name\`.`)
  }
  return { url, exportName: exportName || 'default' }
}

/**
 * Imports the module, which runs it, and takes the function.
 * @throws {UsageError} if that fails, or it has no such function
 */
export async function loadFunction({ url, exportName }: Target): Promise<(...args: unknown[]) => unknown> {
  const exports = await load(url)
  if (!Object.hasOwn(exports, exportName)) {
    const names = Object.keys(exports)
    const others = names.length === 0 ? ' It exports nothing.' : suggestion(exportName, names)
    throw new UsageError(`${url} has no export \`${exportName}\`.${others}`)
  }
  const found = exports[exportName]
  if (typeof found === 'function') return found as (...args: unknown[]) => unknown
  throw new UsageError(
    `The export \`${exportName}\` of ${url} is no function, but ${found === null ? 'null' : typeof found}.`,
  )
}

async function load(url: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_UNKNOWN_FILE_EXTENSION' && /\.[cm]?tsx?$/.test(url)) {
      throw new UsageError(
        `Node.js ${process.version} can't load ${url}. Take Node.js 22.18 or later, or a loader: ` +
          "`NODE_OPTIONS='--import tsx' maltster explain …`.",
      )
    }
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
    throw new UsageError(`${url} could not be loaded: ${words}`)
  }
}
