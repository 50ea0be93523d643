import { RecentMap } from '../recent-map.ts'
import { openSession, type Post, poster } from './inspector.ts'

/** The source of a script, as V8 compiled it. */
export interface Script {
  /** A URL or path; empty for code that was made by `new Function`. */
  readonly url: string
  readonly source: string
}

const known = new RecentMap<string, Script>(256)
const urls = new Map<string, string>()
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

function ask(scriptId: string): Script | undefined {
  if (post === undefined) {
    const session = openSession()
    if (session === undefined) return undefined
    session.on('Debugger.scriptParsed', ({ params }) => {
      urls.set(params.scriptId, params.url)
    })
    post = poster(session)
  }
  post('Debugger.enable')
  try {
    const { scriptSource } = post('Debugger.getScriptSource', { scriptId }) as { scriptSource: string }
    return { url: urls.get(scriptId) ?? '', source: scriptSource }
  } catch {
    return undefined
  } finally {
    post('Debugger.disable')
    urls.clear()
  }
}
