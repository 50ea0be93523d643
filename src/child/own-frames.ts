import { cleanStack } from '../movement/session/clean-stack.ts'

// Taken before user code can replace them.
const { toString: errorToString } = Error.prototype
/** Newer releases of Node.js have one of their own, which does what V8 does. */
const { prepareStackTrace: original } = Error

/**
 * Leaves the runtime's frames out of the stacks that code in a session sees: what calls it is none of its business.
 * Node's own REPL does the same, and by the same means. Whoever sets `Error.prepareStackTrace` itself has its way.
 * @param files - whose frames are not shown
 */
export function hideOwnFrames(files: readonly string[]): void {
  // With source maps Node.js shows other places than V8's, and only its own function knows them.
  if (Error.prepareStackTrace !== original || process.execArgv.includes('--enable-source-maps')) return
  const prepare = (error: Error, frames: readonly NodeJS.CallSite[]): string => {
    let head = '<error>'
    try {
      head = errorToString.call(error)
    } catch {
      // As V8 does where an error can't be shown.
    }
    // oxlint-disable-next-line typescript/no-base-to-string -- a frame's own toString is how V8 writes it
    const lines = frames.map((frame) => `    at ${frame.toString()}`)
    return cleanStack([head, ...lines].join('\n'), files)
  }
  Object.defineProperty(Error, 'prepareStackTrace', {
    value: prepare,
    configurable: true,
    writable: true,
    enumerable: false,
  })
}
