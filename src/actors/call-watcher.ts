import { planMovement } from '../movement/plan.ts'
import type { CallWatcher } from './call-sender.ts'
import type { CallsOptions } from './calls-options.ts'

/** Makes events of what calls have moved, while somebody observes calls. */
export const callWatcher = ({ events, identity }: CallsOptions): CallWatcher => ({
  get isWatching() {
    return events.wantsCalls
  },
  moved({ id, shipment }, steps, bytes) {
    const { entries, totalBytes } = planMovement(shipment, steps, bytes)
    events.emit(identity, { type: 'call.moved', callId: id, entries, totalBytes })
  },
})
