import { type EventFilter, hostEvents, type MaltsterEvent } from '../actors/events.ts'

/**
 * Listens to the one stream of all that happens in this host: starts, states, deaths, interrupts, failed casts and,
 * if asked for, single calls.
 *
 * A listener that throws disturbs nothing; it becomes a process warning. Events come in order of their `seq`, within
 * the turn in which they happen.
 *
 * @param listener - called with each event
 * @param filter - `types` and `path` (a place in the tree, with all below it); without it, everything
 * @returns to be disposed of when no more events are wanted
 * @throws {TypeError} if the listener is not a function
 * @example
 * import { observe, spawnWorker } from 'maltster'
 *
 * using watching = observe((event) => console.log(event.type), { types: ['worker.exited'] })
 * const worker = await spawnWorker()
 * await worker.stop() // worker.exited
 */
export function observe(listener: (event: MaltsterEvent) => void, filter?: EventFilter): Disposable {
  if (typeof listener !== 'function') {
    throw new TypeError(`Expected \`listener\` to be a function, got ${typeof listener}.`)
  }
  return hostEvents.observe(listener, filter)
}
