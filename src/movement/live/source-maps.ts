import { readFileSync, statSync } from 'node:fs'
import { findSourceMap, SourceMap } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { SourcePlace } from '../definition.ts'
import { RecentMap } from '../recent-map.ts'

const rememberedModules = 1024
const rememberedMaps = 64
const maxMapBytes = 64 * 2 ** 20
/** A stack comes from a worker, which may send anything. */
const maxFrames = 200
const maxFrameLength = 2000

/** What the text of a module says about its source map. */
interface Comment {
  /** A URL, which may hold the map itself; undefined where there is none. */
  readonly url: string | undefined
  readonly isOfVite: boolean
}

/** By what V8 calls a module. */
const comments = new RecentMap<string, Comment>(rememberedModules)
const maps = new RecentMap<string, SourceMap | undefined>(rememberedMaps)

const mark = 'sourceMappingURL='
/** Vite and vitest map the stacks of what they have transformed, whether Node.js is asked to or not. */
const viteMark = '//# sourceMappingSource=vite'

/** Takes note of a module whose functions are sent, so that their stacks can be mapped. */
export function noteModule(url: string, source: string): void {
  if (url === '') return
  // The last one counts, as in Node.js.
  const at = source.lastIndexOf(`//# ${mark}`)
  const found = at < 0 ? undefined : /^\S+/.exec(source.slice(at + 4 + mark.length))?.[0]
  comments.set(url, { url: found, isOfVite: at >= 0 && source.lastIndexOf(viteMark, at) >= 0 })
  maps.delete(url)
}

/**
 * A remote stack with the places that the user has written, where this process maps its own stacks as well
 * (`--enable-source-maps`, `process.setSourceMapsEnabled`, tsx, vitest). Never throws.
 */
export function mapStack(stack: string): string {
  const lines = stack.split('\n')
  for (let i = 0; i < lines.length && i < maxFrames; i++) lines[i] = mapFrame(lines[i]!)
  return lines.join('\n')
}

const place = /^(\s+at (?:.* \()?)((?:file:\/\/|\/|[A-Za-z]:[\\/])[^()]*):(\d{1,9}):(\d{1,9})(\)?)$/

function mapFrame(line: string): string {
  if (line.length > maxFrameLength) return line
  const found = place.exec(line)
  if (found === null) return line
  const [, before, file, lineNumber, column, after] = found as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const original = originalPlace(file, Number(lineNumber), Number(column))
  return original === undefined ? line : `${before}${original}${after}`
}

/** Where a place of a module whose functions are sent was written, `file:line`, as stacks would show it. Never throws. */
export function originOf(written: SourcePlace): string {
  const known = origins.get(written)
  if (known !== undefined) return known
  const { file, line, column } = written
  const original = originalPlace(file, line, column)
  const origin = original === undefined ? `${file}:${line}` : original.replace(/:\d+$/, '')
  origins.set(written, origin)
  return origin
}

/** Every call asks for all of its own. */
const origins = new WeakMap<SourcePlace, string>()

function originalPlace(file: string, line: number, column: number): string | undefined {
  // Other files the worker has loaded by itself, and says where they are.
  if (!comments.has(file)) return undefined
  try {
    const entry = mapOf(file)?.findEntry(line - 1, column - 1)
    if (entry === undefined || !('originalSource' in entry) || typeof entry.originalSource !== 'string') {
      return undefined
    }
    const url = new URL(entry.originalSource, urlOf(file))
    const shown = file.startsWith('file:') || url.protocol !== 'file:' ? url.href : fileURLToPath(url)
    return `${shown}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  } catch {
    return undefined
  }
}

const urlOf = (file: string): string => (file.startsWith('file:') ? file : pathToFileURL(file).href)

function mapOf(file: string): SourceMap | undefined {
  const isAsked = process.sourceMapsEnabled
  if (!isAsked && comments.get(file)?.isOfVite !== true) return undefined
  const found = isAsked ? findSourceMap(file) : undefined
  if (found !== undefined) return found
  if (!maps.has(file)) maps.set(file, readMap(file))
  return maps.get(file)
}

function readMap(file: string): SourceMap | undefined {
  const comment = comments.get(file)?.url
  if (comment === undefined) return undefined
  try {
    const text = comment.startsWith('data:') ? inlined(comment) : readBounded(new URL(comment, urlOf(file)))
    return text === undefined ? undefined : new SourceMap(JSON.parse(text) as SourceMap['payload'])
  } catch {
    return undefined
  }
}

function inlined(comment: string): string | undefined {
  const comma = comment.indexOf(',')
  if (comma < 0 || comment.length > maxMapBytes * 2) return undefined
  const content = comment.slice(comma + 1)
  return comment.slice(0, comma).endsWith(';base64')
    ? Buffer.from(content, 'base64').toString()
    : decodeURIComponent(content)
}

function readBounded(url: URL): string | undefined {
  if (url.protocol !== 'file:') return undefined
  const stats = statSync(url)
  return stats.isFile() && stats.size <= maxMapBytes ? readFileSync(url, 'utf8') : undefined
}
