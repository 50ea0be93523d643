/** The last so many things, oldest first. */
export class EventRing<T> {
  readonly #size: number
  readonly #entries: T[] = []
  #oldest = 0

  constructor(size: number) {
    this.#size = size
  }

  add(entry: T): void {
    if (this.#entries.length < this.#size) {
      this.#entries.push(entry)
      return
    }
    this.#entries[this.#oldest] = entry
    this.#oldest = (this.#oldest + 1) % this.#size
  }

  all(): T[] {
    return [...this.#entries.slice(this.#oldest), ...this.#entries.slice(0, this.#oldest)]
  }
}
