import type { Child } from './child.ts'

interface Place {
  readonly child: Child
  readonly ticket: number
}

/** Children whose turn to be started will come. Those that were taken out, or placed anew, are passed over. */
export class StartQueue {
  /** Those before `#first` have been passed, and are not held any more: they may be gone. */
  #places: (Place | undefined)[] = []
  #first = 0
  #lastTicket = 0

  /** The next in line, if there is one; it stays there. */
  get next(): Child | undefined {
    while (this.#first < this.#places.length) {
      const { child, ticket } = this.#places[this.#first]!
      if (child.ticket === ticket) return child
      this.shift()
    }
    return undefined
  }

  shift(): void {
    const place = this.#places[this.#first]
    if (place === undefined) return
    if (place.child.ticket === place.ticket) this.remove(place.child)
    this.#places[this.#first++] = undefined
    if (this.#first > 64 && this.#first * 2 > this.#places.length) {
      this.#places = this.#places.slice(this.#first)
      this.#first = 0
    }
  }

  remove(child: Child): void {
    child.ticket = undefined
  }

  /** Behind all others, unless it has its place. */
  push(child: Child): void {
    if (child.ticket === undefined) this.#places.push(this.#place(child))
  }

  /** At its place in the order of start. */
  insert(child: Child): void {
    if (child.ticket !== undefined) return
    const place = this.#place(child)
    const last = this.#places.at(-1)
    const isLast = last === undefined || last.child.position < child.position
    const behind = isLast
      ? -1
      : this.#places.findIndex((other) => other !== undefined && other.child.position > child.position)
    if (behind === -1) this.#places.push(place)
    else this.#places.splice(behind, 0, place)
  }

  /** Replaces those from a place in the order of start on. */
  replaceFrom(position: number, children: readonly Child[]): void {
    const rest = this.#waiting()
    const before = rest.filter(({ child }) => child.position < position)
    for (const { child } of rest) if (child.position >= position) this.remove(child)
    this.#places = [...before, ...children.map((child) => this.#place(child))]
    this.#first = 0
  }

  clear(): void {
    for (const { child } of this.#waiting()) this.remove(child)
    this.#places = []
    this.#first = 0
  }

  #waiting(): Place[] {
    return this.#places.filter((place) => place !== undefined)
  }

  #place(child: Child): Place {
    child.ticket = ++this.#lastTicket
    return { child, ticket: child.ticket }
  }
}
