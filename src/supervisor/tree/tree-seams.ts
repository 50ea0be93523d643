import { type EventStream, hostEvents } from '../../actors/events.ts'
import { hostPlaces, type PlaceChanges } from '../../actors/places.ts'
import { type Clock, systemClock } from '../../transport/clock.ts'

/** What a tree takes from the world around it; a simulation gives its own. */
export interface TreeSeams {
  readonly clock: Clock
  /** From 0, to 1 exclusive. */
  readonly random: () => number
  readonly events: EventStream
  /** Who is told what becomes of the places in the tree. */
  readonly places?: PlaceChanges
  /** Calls back once all that happens in this turn has happened. */
  readonly afterTurn: (callback: () => void) => void
}

export const systemTreeSeams: TreeSeams = {
  clock: systemClock,
  random: Math.random,
  events: hostEvents,
  places: hostPlaces,
  afterTurn: (callback) => void setImmediate(callback),
}
