/** What waits in a line: when it came, how urgent it is, and to which slot it has to go, if to a certain one. */
export interface Waiting {
  readonly priority: number
  /** Those of one priority go in this order. */
  readonly seq: number
  slot: number | undefined
  /** Set while it is in the line; taken away when it leaves it without its turn. */
  isWaiting: boolean
}

const goesBefore = (a: Waiting, b: Waiting): boolean =>
  a.priority !== b.priority ? a.priority > b.priority : a.seq < b.seq

/** From how many taken ones on their places are cleared. */
const compactionThreshold = 64

/**
 * Things in the order of their priority, and in the order in which they came. What has left without its turn is passed
 * over when its place comes up, so that leaving costs nothing.
 */
export class Line<T extends Waiting> {
  #entries: T[] = []
  #head = 0

  add(entry: T): void {
    const last = this.#entries.at(-1)
    if (last === undefined || this.#head === this.#entries.length || goesBefore(last, entry)) {
      this.#entries.push(entry)
      return
    }
    let low = this.#head
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (goesBefore(entry, this.#entries[middle]!)) high = middle
      else low = middle + 1
    }
    this.#entries.splice(low, 0, entry)
  }

  /** The one whose turn it is, left where it is. */
  peek(): T | undefined {
    while (this.#head < this.#entries.length && !this.#entries[this.#head]!.isWaiting) this.#pass()
    return this.#entries[this.#head]
  }

  take(): T | undefined {
    const entry = this.peek()
    if (entry !== undefined) this.#pass()
    return entry
  }

  #pass(): void {
    this.#head++
    if (this.#head < compactionThreshold || this.#head * 2 < this.#entries.length) return
    this.#entries = this.#entries.slice(this.#head)
    this.#head = 0
  }

  /** All that wait, in order. */
  all(): T[] {
    return this.#entries.slice(this.#head).filter(({ isWaiting }) => isWaiting)
  }
}

/** Whether of two that may go the first goes first; there may be none of either. */
export function isFirst<T extends Waiting>(a: T | undefined, b: T | undefined): boolean {
  return a !== undefined && (b === undefined || goesBefore(a, b))
}
