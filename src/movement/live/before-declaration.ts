import { moduleAt } from './live-module.ts'
import type { Variable } from './module-facts.ts'
import { moduleUrl } from './module-url.ts'

const mostFrames = 200
const { captureStackTrace } = Error

/**
 * Whether the code that declares a variable is running, and has not come to the declaration yet. To be asked of what reads
 * as undefined: that is what Node.js 20 has the inspector say of a variable that has no value yet.
 * @param module - what its bindings are told apart by
 */
export function isBeforeDeclaration(variable: Variable, module: string): boolean {
  const { kind, node } = variable
  if (kind !== 'const' && kind !== 'let' && kind !== 'class') return false
  const url = moduleUrl(module)
  const declaring = url === undefined ? undefined : moduleAt(url)
  const facts = declaring?.facts
  if (declaring === undefined || facts === undefined) return false
  const body = facts.bodyAround(node.start)
  // The innermost one that runs the same code as the declaration.
  for (const site of callSites()) {
    if (site.getFileName() !== module) continue
    const line = (site.getLineNumber() ?? 0) - 1
    const column = (site.getColumnNumber() ?? 0) - 1
    const offset = line < 0 ? undefined : declaring.offsetOf({ line, column })
    if (offset !== undefined && facts.bodyAround(offset) === body) return offset < node.end
  }
  return false
}

function callSites(): readonly NodeJS.CallSite[] {
  const { prepareStackTrace, stackTraceLimit } = Error
  const holder: { stack?: unknown } = {}
  try {
    Error.prepareStackTrace = (_error, sites) => sites
    Error.stackTraceLimit = mostFrames
    captureStackTrace(holder, callSites)
    const sites = holder.stack
    return Array.isArray(sites) ? (sites as NodeJS.CallSite[]) : []
  } catch {
    // Somebody has frozen them.
    return []
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}
