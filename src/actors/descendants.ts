import type { EventBody, EventSource } from './events.ts'
import { isOfSupervisor, nestedBodyOf } from './nested-events.ts'
import { type PlaceChange, placeChangeOf } from './places.ts'

/** What was started in a worker: a worker, or a supervisor or a pool with what is below it. */
export interface WorkerTree {
  /** What it is called. */
  readonly name: string
  /** What it is. */
  readonly kind: 'worker' | 'supervisor' | 'pool'
  /** Its place in the tree. */
  readonly path: string
  /** Its process id; 0 if it is not known, or there is no process. */
  readonly pid: number
  /** Which life of its place. */
  readonly incarnation: number
  /** Its state, in one word, as last heard: that of the process, or, where there is none, what its supervisor knows. */
  readonly state: string
  /** Those that were started in it, or are its children. */
  readonly children: readonly WorkerTree[]
}

/** One worker below, as last heard of. Workers of one name have one place, so there may be several at it. */
interface Life {
  readonly pid: number
  readonly incarnation: number
  readonly state: string
}

interface Place {
  lives: Life[]
  /** What its supervisor knows of it. */
  known: PlaceChange | undefined
  readonly below: Map<string, Place>
}

/** More workers than this below one are not believed, nor are more places, nor longer or deeper paths. */
const maxEach = 10_000
const maxPathLength = 4096
const maxDepth = 200

/** An event of something below, told by its process and looked at: for the host's own stream. */
export interface NestedEvent {
  readonly source: EventSource
  readonly body: EventBody
}

const newPlace = (): Place => ({ lives: [], known: undefined, below: new Map() })

/** What is below a worker, as it and the hosts below tell of it. */
export class Descendants {
  readonly #path: string
  readonly #placeChanged: (change: PlaceChange) => void
  readonly #top = newPlace()
  #lifeCount = 0
  #knownCount = 0

  /** @param placeChanged - told of changes of places, once they have been looked at and noted */
  constructor(path: string, placeChanged: (change: PlaceChange) => void = () => {}) {
    this.#path = path
    this.#placeChanged = placeChanged
  }

  /**
   * Takes note of what is told. What comes from a worker is not taken on trust: it must be about a place below that
   * worker, and look like an event; only what belongs to one is passed on.
   * @returns the event for the host's stream, or undefined if it is none
   */
  heard(told: unknown): NestedEvent | undefined {
    if (typeof told !== 'object' || told === null) return undefined
    const { path, incarnation, type, child } = told as Record<string, unknown>
    const names = this.#namesOf(path)
    if (!Number.isSafeInteger(incarnation)) return undefined
    if (names === undefined) {
      // The top supervisor in there has no place but that of the worker.
      if (path !== this.#path || !isOfSupervisor(type)) return undefined
    } else {
      const change = placeChangeOf(told as Record<string, unknown>)
      if (change !== undefined) {
        if (this.#notePlace(names, change)) this.#placeChanged(change)
        return undefined
      }
    }
    const body = nestedBodyOf(told as Record<string, unknown>)
    if (body === undefined) return undefined
    if (isOfSupervisor(type) && child !== undefined) {
      if (this.#namesOf((child as { path?: unknown }).path) === undefined) return undefined
    }
    if (names !== undefined) this.#noteLife(names, incarnation as number, body)
    return { source: { path: path as string, incarnation: incarnation as number }, body }
  }

  /** The names on the way from this worker to a place below it. */
  #namesOf(path: unknown): string[] | undefined {
    const prefix = `${this.#path}/`
    if (typeof path !== 'string' || !path.startsWith(prefix)) return undefined
    const rest = path.slice(prefix.length)
    if (rest.length > maxPathLength) return undefined
    const names = rest.split('/')
    return names.includes('') || names.length > maxDepth ? undefined : names
  }

  /** What a place is right below; undefined if it is below somebody that was never heard of, or is gone. */
  #parentOf(names: readonly string[]): Place | undefined {
    let parent: Place | undefined = this.#top
    for (const above of names.slice(0, -1)) parent = parent?.below.get(above)
    return parent
  }

  /** Answers whether it could be believed. */
  #notePlace(names: readonly string[], change: PlaceChange): boolean {
    const name = names.at(-1) as string
    const parent = this.#parentOf(names)
    const place = parent?.below.get(name)
    if (parent === undefined) return false
    if (change.state === 'removed') {
      if (place === undefined) return false
      this.#forget(place)
      parent.below.delete(name)
      return true
    }
    if (place?.known === undefined && this.#knownCount >= maxEach) return false
    const noted = place ?? newPlace()
    if (noted.known === undefined) this.#knownCount++
    noted.known = change
    parent.below.set(name, noted)
    return true
  }

  #noteLife(names: readonly string[], incarnation: number, body: EventBody): void {
    const name = names.at(-1) as string
    const parent = this.#parentOf(names)
    if (parent === undefined) return
    if (body.type === 'worker.spawned') {
      if (this.#lifeCount >= maxEach) return
      const place = parent.below.get(name) ?? newPlace()
      if (place.known !== undefined && place.known.kind !== 'worker') return
      parent.below.set(name, place)
      place.lives.push({ pid: body.pid, incarnation, state: 'booting' })
      this.#lifeCount++
      return
    }
    const place = parent.below.get(name)
    if (place === undefined) return
    if (body.type === 'worker.ready') replace(place, body.pid, { pid: body.pid })
    else if (body.type === 'worker.state') replace(place, body.pid, { state: body.to })
    else if (body.type === 'worker.exited') this.#noteExit(parent, name, place, body.pid)
  }

  #noteExit(parent: Place, name: string, place: Place, pid: number): void {
    this.#lifeCount -= place.lives.splice(indexOf(place, pid), 1).length
    if (place.lives.length > 0 || (place.known !== undefined && place.known.kind !== 'worker')) return
    // What was in it has ended with it.
    for (const below of place.below.values()) this.#forget(below)
    place.below.clear()
    if (place.known === undefined) parent.below.delete(name)
  }

  /** It counts no more, nor does anything below it. */
  #forget(place: Place): void {
    this.#lifeCount -= place.lives.length
    if (place.known !== undefined) this.#knownCount--
    for (const below of place.below.values()) this.#forget(below)
  }

  /** The worker is gone, and all below it with it. */
  clear(): void {
    this.#top.below.clear()
    this.#lifeCount = 0
    this.#knownCount = 0
  }

  /** Those directly below, each with those below it. */
  tree(): WorkerTree[] {
    return treeOf(this.#top, this.#path)
  }
}

/** Which of a place's workers it is about. The pid of one behind a launcher is known only a while after its start. */
function indexOf({ lives }: Place, pid: number): number {
  const index = lives.findIndex((life) => life.pid === pid)
  return Math.max(index, 0)
}

function replace(place: Place, pid: number, change: Partial<Life>): void {
  const index = indexOf(place, pid)
  const life = place.lives[index]
  if (life !== undefined) place.lives[index] = { ...life, pid, ...change }
}

function treeOf({ below }: Place, parent: string): WorkerTree[] {
  return [...below].flatMap(([name, place]): WorkerTree[] => {
    const path = `${parent}/${name}`
    const children = treeOf(place, path)
    const { known, lives } = place
    if (lives.length === 0 && known !== undefined) {
      const { kind, incarnation, state } = known
      return [{ name, kind, path, pid: 0, incarnation, state, children }]
    }
    // Of several workers of one name nobody can tell whose these are.
    return lives.map((life, index) => {
      return { name, kind: 'worker' as const, path, ...life, children: index === 0 ? children : [] }
    })
  })
}
