import type { CallWatcher } from './call-sender.ts'
import type { CallsOptions } from './calls-options.ts'

/** Makes events of what calls have moved, while somebody observes calls. */
export const callWatcher = ({ events, identity }: CallsOptions): CallWatcher => ({
  get isWatching() {
    return events.wantsCalls
  },
  moved(callId, { entries, totalBytes }) {
    events.emit(identity, { type: 'call.moved', callId, entries, totalBytes })
  },
})
