import { type Channel, channel } from 'node:diagnostics_channel'

import type { EventTap, MaltsterEvent } from '../../actors/events.ts'

/** What the topics begin with: `maltster:worker.exited`. */
const prefix = 'maltster:'

/** Publishes each event under a topic of its type, for whoever subscribes to that. */
export class EventTopics implements EventTap {
  // Kept, for a channel that nobody holds is collected, subscribers and all.
  readonly #channels = new Map<string, Channel>()

  readonly #callTopics = (['call.started', 'call.moved', 'call.settled'] as const).map((type) =>
    this.#channelOf(type),
  )

  get wantsCalls(): boolean {
    for (const topic of this.#callTopics) if (topic.hasSubscribers) return true
    return false
  }

  passesOn(type: MaltsterEvent['type']): boolean {
    return this.#channelOf(type).hasSubscribers
  }

  told(event: MaltsterEvent): void {
    const topic = this.#channelOf(event.type)
    // A subscriber that throws becomes an uncaught exception of its own, by Node.js.
    if (topic.hasSubscribers) topic.publish(event)
  }

  #channelOf(type: string): Channel {
    let found = this.#channels.get(type)
    if (found === undefined) this.#channels.set(type, (found = channel(prefix + type)))
    return found
  }
}
