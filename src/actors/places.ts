import { isObject, isOneOf, isText, type Shape } from './shapes.ts'

/** States of a place in a tree, as `ChildState` of the supervisors has them. */
const placeStates = [
  'waiting',
  'starting',
  'up',
  'stopping',
  'backing-off',
  'stopped',
  'finished',
  'skipped',
  'removed',
] as const

/** What stands at a place. */
export const placeKinds = ['worker', 'supervisor', 'pool'] as const

/** A place in the tree of a host is another now: it is there, it is in another state, or it is gone (`removed`). */
export interface PlaceChange {
  readonly path: string
  readonly kind: (typeof placeKinds)[number]
  readonly state: (typeof placeStates)[number]
  /** The life that is, or was last; 0 before the first. */
  readonly incarnation: number
}

const placeType = 'tree.place'

const shape: Shape<PlaceChange> = {
  path: isText,
  kind: isOneOf(placeKinds),
  state: isOneOf(placeStates),
  incarnation: Number.isSafeInteger,
}

/** A change as it goes to the host of this host, among the events. */
export const placeMessage = (change: PlaceChange): object => ({ type: placeType, ...change })

/** Of what a worker has told: the change that it is about; undefined if it is about none. */
export function placeChangeOf(told: Readonly<Record<string, unknown>>): PlaceChange | undefined {
  const { type, path, kind, state, incarnation } = told
  const change: Partial<Record<keyof PlaceChange, unknown>> = { path, kind, state, incarnation }
  return type === placeType && isObject<PlaceChange>(change, shape) ? change : undefined
}

/**
 * What becomes of the places of this host's tree and of those below, for the host of this host, if it has one. Not among
 * the events: it is told in the midst of changes, where no code of the user's may run.
 */
export class PlaceChanges {
  #listener: (change: PlaceChange) => void = () => {}

  tell(change: PlaceChange): void {
    this.#listener(change)
  }

  /** From here on this one is told, and nobody else. */
  listen(listener: (change: PlaceChange) => void): void {
    this.#listener = listener
  }
}

/** Those of this host. */
export const hostPlaces = new PlaceChanges()
