import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'rolldown/utils'

/** A file of the tree that is checked. */
export interface SourceFile {
  /** Relative to the root, with `/`. */
  readonly path: string
  readonly text: string
}

export type Parsed = ReturnType<typeof parseSync>

/** Files below `folder` whose path matches, in order of path. A folder that isn't there is an error. */
export function filesBelow(root: string, folder: string, pattern: RegExp): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((path) => pattern.test(path) && statSync(join(root, path)).isFile())
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

/** Parses TypeScript, JavaScript or a declaration file. */
export function parseSource(file: SourceFile): Parsed {
  const parsed = parseSync(file.path, file.text)
  const [error] = parsed.errors
  if (error !== undefined) throw new Error(`${file.path}: ${error.message}`)
  return parsed
}

/** Line number, from 1, of a position. */
export function lineAt(text: string, position: number): number {
  return text.slice(0, position).split('\n').length
}
