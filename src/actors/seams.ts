import { type Clock, systemClock } from '../transport/clock.ts'
import type { Launcher } from '../transport/launcher.ts'
import { localLauncher } from '../transport/launchers/local.ts'
import { type Random, systemRandom } from '../transport/random.ts'
import { type EventStream, hostEvents } from './events.ts'
import { hostPlaces, type PlaceChanges } from './places.ts'

/** What a worker takes from the world around it; a simulation gives its own. */
export interface Seams {
  readonly clock: Clock
  readonly random: Random
  /** How a process begins where the options don't say. */
  readonly launcher: Launcher
  readonly events: EventStream
  readonly places: PlaceChanges
}

export const systemSeams: Seams = {
  clock: systemClock,
  random: systemRandom,
  launcher: localLauncher,
  events: hostEvents,
  places: hostPlaces,
}
