/** A power of two. */
const firstPlaces = 256

/**
 * Calls by id, for ids that rise: each has its place, its id modulo the number of places. One that is still there when
 * its place is needed again moves to a map.
 *
 * A map alone makes calls twice as expensive: with entries coming and going V8 replaces its table every few dozen of
 * them, and links the old table, with all it held, to the new one. Once one of them sits in the old space, all later
 * ones are copied there too, and stay until the next full collection.
 */
export class IdPlaces<T extends { readonly id: number }> {
  #places: (T | undefined)[] = emptyPlaces(firstPlaces)
  #moved = new Map<number, T>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @param one - one with an id that is higher than all before */
  add(one: T): void {
    if (this.#size >= this.#places.length / 2) this.#grow()
    const at = one.id & (this.#places.length - 1)
    const there = this.#places[at]
    if (there !== undefined) this.#moved.set(there.id, there)
    this.#places[at] = one
    this.#size++
  }

  get(id: number): T | undefined {
    const one = this.#places[id & (this.#places.length - 1)]
    return one?.id === id ? one : this.#moved.get(id)
  }

  delete(one: T): boolean {
    const at = one.id & (this.#places.length - 1)
    if (this.#places[at] === one) this.#places[at] = undefined
    else if (!this.#moved.delete(one.id)) return false
    this.#size--
    return true
  }

  /** All of them, in the order of their ids. */
  all(): T[] {
    const all = [...this.#moved.values(), ...this.#places].filter((one) => one !== undefined)
    return all.toSorted((a, b) => a.id - b.id)
  }

  /** In a worker the execution may be terminated in the midst of this: what there is stays in force to the end. */
  #grow(): void {
    const places: (T | undefined)[] = emptyPlaces(this.#places.length * 2)
    const moved = new Map<number, T>()
    for (const one of this.all()) {
      const at = one.id & (places.length - 1)
      const there = places[at]
      if (there !== undefined) moved.set(there.id, there)
      places[at] = one
    }
    this.#places = places
    this.#moved = moved
  }
}

const emptyPlaces = (count: number): undefined[] => Array.from({ length: count }, () => undefined)
