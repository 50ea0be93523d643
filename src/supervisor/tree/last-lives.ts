/** So many places are remembered that are gone. */
const maxPlaces = 10_000

/**
 * How many lives places had that are gone: who comes to such a place again goes on counting, so that a path and the number of
 * an incarnation mean one life. Of the last ten thousand places, since names may be used once and never again.
 */
export class LastLives {
  readonly #counts = new Map<string, number>()

  /** How many lives there were at a path, as far as is remembered. */
  at(path: string): number {
    return this.#counts.get(path) ?? 0
  }

  /** A place is gone. */
  note(path: string, count: number): void {
    if (count === 0) return
    // The latest is the last to be forgotten.
    this.#counts.delete(path)
    this.#counts.set(path, count)
    if (this.#counts.size <= maxPlaces) return
    const [oldest] = this.#counts.keys()
    this.#counts.delete(oldest!)
  }
}
