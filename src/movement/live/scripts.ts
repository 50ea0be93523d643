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
}

const known = new RecentMap<string, Script>(256)
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
  if (found !== undefined) return found
  const script = ask(scriptId)
  if (script !== undefined) known.set(scriptId, script)
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
    const { url, startLine, startColumn } = params
    parsed.set(params.scriptId, { url, startLine, startColumn })
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
    return read(request, scriptId)
  } catch {
    return undefined
  } finally {
    request('Debugger.disable')
    parsed.clear()
  }
}

const notTold: Parsed = { url: '', startLine: 0, startColumn: 0 }

/** The youngest script whose URL or path is meant. */
export function scriptWhere(isMeant: (url: string) => boolean): Script | undefined {
  const request = connected()
  if (request === undefined) return undefined
  request('Debugger.enable')
  try {
    const found = [...parsed].findLast(([, { url }]) => url !== '' && isMeant(url))
    return found && read(request, found[0])
  } catch {
    return undefined
  } finally {
    request('Debugger.disable')
    parsed.clear()
  }
}

function read(request: Post, scriptId: string): Script {
  const { scriptSource } = request('Debugger.getScriptSource', { scriptId }) as { scriptSource: string }
  const { url, startLine: line, startColumn: column } = parsed.get(scriptId) ?? notTold
  return { url, source: scriptSource, start: { line, column } }
}

/** The user's own modules, of which there is a good chance that functions of theirs will be sent. */
const isLikely = (url: string): boolean => /^(?:file:|\/)/.test(url) && !url.includes('/node_modules/')
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
