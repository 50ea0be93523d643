import type { LiveData, LiveToken } from '../../transport/live-values.ts'
import type { LiveLane } from './live-lane.ts'

/** An object of the other side, as the one that stands for it here knows it. */
export interface Imported {
  readonly lane: LiveLane
  readonly number: number
  readonly data: LiveData
}

/** What stands for the objects of a kind on the other side. */
export interface ImportKind {
  /** Makes it. Throws if the data of the token makes no sense. */
  make(imported: Imported): object
  /** The object over there is over, and why: the other side says so, or is gone. */
  over?(value: object, why: Error): void
}

interface Entry {
  readonly value: WeakRef<object>
  readonly kind: ImportKind
  /** Tokens of it that have come. */
  uses: number
}

// Taken before user code can replace them.
const { FinalizationRegistry, Map, WeakMap, WeakRef } = globalThis

/** What one side of a lane has been given by the other: the same number is the same object, as long as it is in use. */
export class Imports {
  readonly #lane: LiveLane
  readonly #kinds: Readonly<Record<number, ImportKind>>
  readonly #entries = new Map<number, Entry>()
  readonly #numbers = new WeakMap<object, number>()
  readonly #unused = new FinalizationRegistry<number>((number) => this.#collected(number))

  constructor(lane: LiveLane, kinds: Readonly<Record<number, ImportKind>>) {
    this.#lane = lane
    this.#kinds = kinds
  }

  get size(): number {
    return this.#entries.size
  }

  /** The number, at the other side, of what an object here stands for. */
  numberOf(value: object): number | undefined {
    return this.#numbers.get(value)
  }

  /** What stands for the object of a token. Throws if there is no such kind. */
  raise({ kind: kindNumber, number, data }: LiveToken): object {
    const known = this.#entries.get(number)
    const value = known?.value.deref()
    if (known !== undefined && value !== undefined) {
      known.uses++
      return value
    }
    const kind = this.#kinds[kindNumber]
    if (kind === undefined) throw new Error(`There is no kind ${kindNumber} of live values.`)
    const made = kind.make({ lane: this.#lane, number, data })
    this.#numbers.set(made, number)
    this.#entries.set(number, { value: new WeakRef(made), kind, uses: (known?.uses ?? 0) + 1 })
    this.#unused.register(made, number, made)
    return made
  }

  /** It is not used here any more: the other side may forget it. It may come again, as another object. */
  release(value: object): void {
    const number = this.#numbers.get(value)
    if (number === undefined) return
    this.#numbers.delete(value)
    this.#unused.unregister(value)
    this.#forget(number)
  }

  #collected(number: number): void {
    if (this.#entries.get(number)?.value.deref() === undefined) this.#forget(number)
  }

  #forget(number: number): void {
    const entry = this.#entries.get(number)
    if (entry === undefined) return
    this.#entries.delete(number)
    this.#lane.tellRelease(number, entry.uses)
  }

  /** The object of a number is over. */
  over(number: number, why: Error): void {
    const entry = this.#entries.get(number)
    const value = entry?.value.deref()
    if (entry !== undefined && value !== undefined) entry.kind.over?.(value, why)
  }

  /** The other side is gone. */
  end(why: Error): void {
    for (const number of this.#entries.keys()) this.over(number, why)
    this.#entries.clear()
  }
}
