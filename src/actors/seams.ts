import { type Clock, systemClock } from '../transport/clock.ts'
import { type Random, systemRandom } from '../transport/random.ts'
import { type EventStream, hostEvents } from './events.ts'
import { type Spawner, systemSpawner } from './spawner.ts'

/** What a worker takes from the world around it; a simulation gives its own. */
export interface Seams {
  readonly clock: Clock
  readonly random: Random
  readonly spawner: Spawner
  readonly events: EventStream
}

export const systemSeams: Seams = {
  clock: systemClock,
  random: systemRandom,
  spawner: systemSpawner,
  events: hostEvents,
}
