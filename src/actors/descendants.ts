import type { EventBody, EventSource } from './events.ts'
import type { SupervisorEventBody } from './supervisor-events.ts'
import type { WorkerState } from './worker-machine.ts'

/** A worker and the workers that were started in it. */
export interface WorkerTree {
  /** What it is called. */
  readonly name: string
  /** Its place in the tree. */
  readonly path: string
  /** Its process id; 0 if it is not known. */
  readonly pid: number
  /** Which life of its place. */
  readonly incarnation: number
  /** Its state, in one word, as last heard. */
  readonly state: string
  /** Those that were started in it. */
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
  readonly below: Map<string, Place>
}

type Check = (value: unknown) => boolean
const isText: Check = (value) => typeof value === 'string' && value.length <= 4096
const isNumber: Check = (value) => typeof value === 'number'
const isState: Check = (value) => typeof value === 'string' && states.has(value)
const isWhatever: Check = () => true
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

const states: ReadonlySet<string> = new Set([
  'booting',
  'idle',
  'running',
  'interrupting',
  'suspended',
  'stopping',
  'dead',
] satisfies WorkerState[])

function isReason(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { type, exitCode, signal, stderrTail, lastFrames, uptimeMs } = value as Record<string, unknown>
  const how = (exitCode === null || isNumber(exitCode)) && (signal === null || isText(signal))
  return (
    isText(type) && how && typeof stderrTail === 'string' && Array.isArray(lastFrames) && isNumber(uptimeMs)
  )
}

type NestedType = Exclude<
  EventBody['type'],
  | 'call.started'
  | 'call.moved'
  | 'call.settled'
  | 'frame.dropped'
  | 'worker.crashed'
  | SupervisorEventBody['type']
>

/** What workers in workers may tell of themselves, and how it has to look. Single calls stay where they are. */
const shapes: Readonly<Record<NestedType, Readonly<Record<string, Check>>>> = {
  'worker.spawned': { pid: isNumber },
  'worker.ready': { pid: isNumber, bootMs: isNumber },
  'worker.state': { pid: isNumber, from: isState, to: isState },
  'worker.exited': { pid: isNumber, reason: isReason },
  'worker.blocked': { blockedMs: isNumber },
  'worker.unblocked': { blockedMs: isNumber },
  'worker.frozen': { silentMs: isNumber },
  'worker.thawed': { silentMs: isNumber },
  'worker.strangerRefused': { why: isText },
  'output.dropped': { stream: (value) => value === 'stdout' || value === 'stderr', bytes: isNumber },
  'interrupt.started': { interruptId: isNumber, callId: optional(isNumber) },
  'interrupt.finished': { interruptId: isNumber, outcome: isText, afterMs: isNumber },
  'cast.failed': { callId: isNumber, error: isWhatever },
}

/** The types of events that go up from host to host. */
export const nestedTypes = Object.keys(shapes) as readonly NestedType[]

/** More workers than this below one are not believed, nor are longer paths. */
const maxLives = 10_000
const maxPathLength = 4096

/** An event of a worker in this one, told by its process and looked at: for the host's own stream. */
export interface NestedEvent {
  readonly source: EventSource
  readonly body: EventBody
}

const newPlace = (): Place => ({ lives: [], below: new Map() })

/** The workers below one, as their own hosts tell of them. */
export class Descendants {
  readonly #path: string
  readonly #top = newPlace()
  #lifeCount = 0

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Takes note of an event. What comes from a worker is not taken on trust: it must be about a place below that worker,
   * and look like an event; only what belongs to one is passed on.
   * @returns the event for the host's stream, or undefined if it is none
   */
  heard(told: unknown): NestedEvent | undefined {
    if (typeof told !== 'object' || told === null) return undefined
    const { path, incarnation, type } = told as Record<string, unknown>
    const names = this.#namesOf(path)
    if (names === undefined || !Number.isSafeInteger(incarnation)) return undefined
    const body = bodyOf(type, told as Record<string, unknown>)
    if (body === undefined) return undefined
    this.#note(names, incarnation as number, body)
    return { source: { path: path as string, incarnation: incarnation as number }, body }
  }

  /** The names on the way from this worker to a place below it. */
  #namesOf(path: unknown): string[] | undefined {
    const prefix = `${this.#path}/`
    if (typeof path !== 'string' || !path.startsWith(prefix)) return undefined
    const rest = path.slice(prefix.length)
    if (rest.length > maxPathLength) return undefined
    const names = rest.split('/')
    return names.includes('') ? undefined : names
  }

  #note(names: readonly string[], incarnation: number, body: EventBody): void {
    const name = names.at(-1) as string
    let parent: Place | undefined = this.#top
    for (const above of names.slice(0, -1)) parent = parent?.below.get(above)
    // Below somebody that has never been heard of, or is gone: it could not be shown.
    if (parent === undefined) return
    if (body.type === 'worker.spawned') {
      if (this.#lifeCount >= maxLives) return
      const place = parent.below.get(name) ?? newPlace()
      parent.below.set(name, place)
      place.lives.push({ pid: body.pid, incarnation, state: 'booting' })
      this.#lifeCount++
      return
    }
    const place = parent.below.get(name)
    if (place === undefined) return
    if (body.type === 'worker.ready') replace(place, body.pid, { pid: body.pid })
    else if (body.type === 'worker.state') replace(place, body.pid, { state: body.to })
    else if (body.type === 'worker.exited') {
      place.lives.splice(indexOf(place, body.pid), 1)
      this.#lifeCount--
      if (place.lives.length > 0) return
      parent.below.delete(name)
      this.#lifeCount -= livesBelow(place)
    }
  }

  /** The worker is gone, and all below it with it. */
  clear(): void {
    this.#top.below.clear()
    this.#lifeCount = 0
  }

  /** Those directly below, each with those below it. */
  tree(): WorkerTree[] {
    return treeOf(this.#top, this.#path)
  }
}

/** The event, of what belongs to its type; undefined if something is missing, or is something else. */
function bodyOf(type: unknown, told: Readonly<Record<string, unknown>>): EventBody | undefined {
  if (typeof type !== 'string' || !Object.hasOwn(shapes, type)) return undefined
  const body: Record<string, unknown> = { type }
  for (const [key, check] of Object.entries(shapes[type as NestedType])) {
    const value = Object.hasOwn(told, key) ? told[key] : undefined
    if (!check(value)) return undefined
    if (value !== undefined) body[key] = value
  }
  return body as unknown as EventBody
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

function livesBelow({ below }: Place): number {
  let count = 0
  for (const place of below.values()) count += place.lives.length + livesBelow(place)
  return count
}

function treeOf({ below }: Place, parent: string): WorkerTree[] {
  return [...below].flatMap(([name, place]) => {
    const path = `${parent}/${name}`
    const children = treeOf(place, path)
    // Of several workers of one name nobody can tell whose these are.
    return place.lives.map((life, index) => ({ name, path, ...life, children: index === 0 ? children : [] }))
  })
}
