import { nestedTypes } from '../actors/descendants.ts'
import { hostEvents, type MaltsterEvent } from '../actors/events.ts'
import { ownContext } from '../child/worker-context.ts'

/** The directory of this package; none where it was bundled with the user's code, which could not be told apart. */
const ownPlace = /\/supervisor\/nesting\.[jt]s$/.test(import.meta.url)
  ? new URL('../', import.meta.url).href
  : undefined

let isReporting = false

/** Tells the host of this worker what happens to the workers in it, so that it sees the whole tree. */
function report(event: MaltsterEvent): void {
  const context = ownContext()
  try {
    context?.report(event)
  } catch {
    // Something in it can't be sent: what an error brought along, for instance. The rest of it can.
    context?.report(inWords(event))
  }
}

/** An event whose error is only its text. */
function inWords(event: MaltsterEvent): MaltsterEvent {
  if (event.type === 'cast.failed') return { ...event, error: String(event.error) }
  if (event.type !== 'worker.exited') return event
  return { ...event, reason: { ...event.reason, cause: String(event.reason.cause) } }
}

/** The place of this host in the tree: that of the worker that it is, or, if it is none, the top, which has no name. */
export function ownPath(): string {
  const context = ownContext()
  const own = context?.identity
  if (context === undefined || own === undefined) return ''
  if (!isReporting) {
    isReporting = true
    if (ownPlace !== undefined) context.protect(ownPlace)
    // Not all types: whoever observes single calls slows each of them down.
    hostEvents.observe(report, { types: nestedTypes })
  }
  return own.path
}
