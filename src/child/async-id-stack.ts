/** The parts of `process` that are not in its types. */
interface ProcessInternals {
  _fatalException?: (error: unknown) => boolean
}

const internals = process as unknown as ProcessInternals

/** Whether a cut can be made safe here: the hook is there, and the user has not taken its place. */
export function canClearAsyncIdStack(): boolean {
  return typeof internals._fatalException === 'function' && !process.hasUncaughtExceptionCaptureCallback()
}

/**
 * Empties Node's stack of asynchronous ids. A terminated callback never pops its own, and Node aborts the process
 * when it finds the rest ("async hook stack has become corrupted"). Handling an uncaught exception is the only
 * thing that empties it in Node 20, 22 and 24 alike, so one is handled, with nobody listening.
 */
export function clearAsyncIdStack(): void {
  process.setUncaughtExceptionCaptureCallback(() => {})
  const ownEmit = Object.getOwnPropertyDescriptor(process, 'emit')
  // Handlers of the user's must not hear of an error that never was.
  Object.defineProperty(process, 'emit', { value: () => false, configurable: true, writable: true })
  internals._fatalException?.(new Error('interrupt'))
  Reflect.deleteProperty(process, 'emit')
  if (ownEmit !== undefined) Object.defineProperty(process, 'emit', ownEmit)
  process.setUncaughtExceptionCaptureCallback(null)
}
