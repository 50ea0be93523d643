import { inspect } from 'node:util'

import { hostEvents, type MaltsterEvent } from '../actors/events.ts'
import { nestedTypes } from '../actors/nested-events.ts'
import { hostPlaces, type PlaceChange, placeMessage } from '../actors/places.ts'
import type { ExitReason } from '../errors/exit-reason.ts'
import { ownContext } from '../child/worker-context.ts'

/** The directory of this package; none where it was bundled with the user's code, which could not be told apart. */
const ownPlace = /\/supervisor\/nesting\.[jt]s$/.test(import.meta.url)
  ? new URL('../', import.meta.url).href
  : undefined

let isReporting = false

/** Tells the host of this worker what happens to what was started in it, so that it sees the whole tree. */
function report(event: MaltsterEvent): void {
  const context = ownContext()
  try {
    context?.report(event)
  } catch {
    // Something in it can't be sent: what an error brought along, for instance. The rest of it can.
    context?.report(inWords(event))
  }
}

/** As `report`, of a place. What goes wrong with that is no fault of the supervisor that is in the midst of a change. */
function reportPlace(change: PlaceChange): void {
  try {
    ownContext()?.report(placeMessage(change))
  } catch (error) {
    process.emitWarning(`A change of ${change.path} could not be told: ${String(error)}`, 'MaltsterWarning')
  }
}

/** An event in which errors are only their texts. */
function inWords(event: MaltsterEvent): MaltsterEvent {
  if (event.type === 'worker.crashed') {
    const { report: crash } = event
    return { ...event, report: { ...crash, reason: reasonInWords(crash.reason), recentEvents: [] } }
  }
  if (event.type === 'supervisor.startError') return { ...event, error: new Error(event.error.message) }
  if ('error' in event) return { ...event, error: String(event.error) }
  return 'reason' in event ? { ...event, reason: reasonInWords(event.reason) } : event
}

function reasonInWords({ cause, ...reason }: ExitReason): ExitReason {
  return cause === undefined
    ? reason
    : { ...reason, cause: cause instanceof Error ? String(cause) : inspect(cause) }
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
    hostPlaces.listen(reportPlace)
  }
  return own.path
}
