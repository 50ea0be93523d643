import { hostEvents } from '../../actors/events.ts'
import { CrashReporter } from './crash-reporter.ts'
import { EventTopics } from './event-topics.ts'

let isInstalled = false

/** Has crashes reported and events published, from the first worker of this host on. */
export function installReports(): void {
  if (isInstalled) return
  isInstalled = true
  hostEvents.tap(new CrashReporter(hostEvents))
  hostEvents.tap(new EventTopics())
}
