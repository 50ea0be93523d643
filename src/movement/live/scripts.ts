import { pathToFileURL } from 'node:url'
import { RecentMap } from '../recent-map.ts'
import { openSession, type Post, poster } from './inspector.ts'

/** The source of a script, as V8 compiled it. */
export interface Script {
  /** A URL or path; empty for code that was made by `new Function`. */
  readonly url: string
  readonly source: string
  /** Where in its file the source begins, both counted from 0: whoever compiled it may have said so. */
  readonly start: { readonly line: number; readonly column: number }
}

interface Parsed {
  readonly url: string
  readonly startLine: number
  readonly startColumn: number
  /** Of its source, in characters. */
  readonly length: number
}

const known = new RecentMap<string, Script>(256)
/** Collected, most likely; to ask again would take as long. */
const unreadable = new RecentMap<string, true>(256)
const parsed = new Map<string, Parsed>()
/** By file, as a URL: its script, the last one if it was evaluated more than once. */
const idsByUrl = new RecentMap<string, string>(8192)
let post: Post | undefined

/**
 * The script that a function is from. The inspector tells only while the debugger is on, which slows the whole
 * process: it is on for this one question, once for each script.
 */
export function scriptOf(scriptId: string): Script | undefined {
  const found = known.get(scriptId)
  if (found !== undefined || unreadable.has(scriptId)) return found
  const script = ask(scriptId)
  if (script === undefined) unreadable.set(scriptId, true)
  else known.set(scriptId, script)
  return script
}

/** The script of a file, as far as V8 has been asked. */
export const scriptIdOf = (url: string): string | undefined => idsByUrl.get(url)

/** Asks V8 which scripts there are. */
export function readScripts(): void {
  const request = connected()
  request?.('Debugger.enable')
  request?.('Debugger.disable')
  parsed.clear()
}

/** The scripts of those files that have been loaded here; V8 is asked once for all. */
export function scriptsAt(urls: readonly string[]): Script[] {
  const request = connected()
  if (request === undefined) return []
  request('Debugger.enable')
  const scripts = urls.flatMap((url) => {
    const scriptId = idsByUrl.get(url)
    if (scriptId === undefined) return []
    try {
      return [{ ...(known.get(scriptId) ?? read(request, scriptId)), url }]
    } catch {
      return []
    }
  })
  request('Debugger.disable')
  parsed.clear()
  return scripts
}

function connected(): Post | undefined {
  if (post !== undefined) return post
  const session = openSession()
  if (session === undefined) return undefined
  session.on('Debugger.scriptParsed', ({ params }) => {
    const { url, startLine, startColumn, length = 0 } = params
    parsed.set(params.scriptId, { url, startLine, startColumn, length })
    const file = url.startsWith('/') ? pathToFileURL(url).href : url
    if (file.startsWith('file:')) idsByUrl.set(file, params.scriptId)
  })
  post = poster(session)
  return post
}

function ask(scriptId: string): Script | undefined {
  const request = connected()
  if (request === undefined) return undefined
  request('Debugger.enable')
  try {
    const script = read(request, scriptId)
    readAlong(request, scriptId)
    return script
  } catch {
    return undefined
  } finally {
    request('Debugger.disable')
    parsed.clear()
  }
}

/** What is read along with a script: those that came after it, as far as they are small. */
const along = { scripts: 32, length: 16_384 }

/**
 * Each time the debugger is turned on, V8 tells of every script there is. Where many functions were made by `eval`, each has
 * a script of its own, and the ones made next are likely to be sent next.
 */
function readAlong(request: Post, scriptId: string): void {
  const after = Number(scriptId)
  const next = [...parsed]
    .filter(([id, { url, length }]) => Number(id) > after && length <= along.length && isUsers(url))
    .toSorted(([one], [other]) => Number(one) - Number(other))
  for (const [id] of next.slice(0, along.scripts)) {
    if (known.has(id)) continue
    try {
      known.set(id, read(request, id))
    } catch {
      // Collected meanwhile: nobody asked for it.
    }
  }
}

/** Modules, and text that was evaluated under whatever name. */
const isUsers = (url: string): boolean => !url.startsWith('node:') && !url.includes('/node_modules/')

const notTold: Parsed = { url: '', startLine: 0, startColumn: 0, length: 0 }

/** The youngest script whose URL or path is meant, by the first test that any of them passes; V8 is asked once. */
export function scriptIdWhere(...tests: readonly ((url: string) => boolean)[]): string | undefined {
  const request = connected()
  if (request === undefined) return undefined
  request('Debugger.enable')
  const scripts = [...parsed].filter(([, { url }]) => url !== '')
  request('Debugger.disable')
  parsed.clear()
  for (const isMeant of tests) {
    const found = scripts.findLast(([, { url }]) => isMeant(url))
    if (found !== undefined) return found[0]
  }
  return undefined
}

function read(request: Post, scriptId: string): Script {
  const { scriptSource } = request('Debugger.getScriptSource', { scriptId }) as { scriptSource: string }
  const { url, startLine: line, startColumn: column } = parsed.get(scriptId) ?? notTold
  return { url, source: scriptSource, start: { line, column } }
}

/** The user's own modules, of which there is a good chance that functions of theirs will be sent. */
const isLikely = (url: string): boolean => /^(?:file:|\/)/.test(url) && isUsers(url)
const mostLikely = 32

/** Reads the scripts that will most likely be asked for, while there is nothing better to do. Does so once. */
export function readLikelyScripts(): void {
  if (post !== undefined) return
  const request = connected()
  if (request === undefined) return
  request('Debugger.enable')
  const likely = [...parsed].filter(([, { url }]) => isLikely(url)).map(([scriptId]) => scriptId)
  // The youngest: the program's own modules are evaluated after those that they import.
  for (const scriptId of likely.slice(-mostLikely)) {
    if (!known.has(scriptId)) known.set(scriptId, read(request, scriptId))
  }
  request('Debugger.disable')
  parsed.clear()
}
