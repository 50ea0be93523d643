import type { EventStream } from './events.ts'

/** What a cast has thrown is an event; where nobody hears that, it is at least a warning. */
export function warnUnlessObserved(events: EventStream, path: string, error: unknown): void {
  if (events.isObserved('cast.failed', path)) return
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.emitWarning(`A cast to worker ${path} failed: ${words}`, 'MaltsterWarning')
}
