import { isFirst, Line, type Waiting } from './line.ts'

/** Whether something can go to that slot now, or to any. */
export type IsFree = (slot?: number) => boolean

/**
 * Where calls wait: in one line for those that any member may take, and in one for each slot for those with a key. A
 * long wait for one slot so holds nobody else up.
 */
export class WaitingRoom<T extends Waiting> {
  readonly #anywhere = new Line<T>()
  #bySlot = new Map<number, Line<T>>()
  readonly #isFree: IsFree
  #count = 0

  constructor(isFree: IsFree) {
    this.#isFree = isFree
  }

  /** How many wait. */
  get count(): number {
    return this.#count
  }

  add(entry: T): void {
    entry.isWaiting = true
    this.#count++
    this.#lineOf(entry.slot).add(entry)
  }

  /** Lets one go without its turn. Does nothing for one that does not wait. */
  remove(entry: T): boolean {
    if (!entry.isWaiting) return false
    entry.isWaiting = false
    this.#count--
    return true
  }

  /** Whether somebody's turn has come. */
  get hasTurn(): boolean {
    return this.#next() !== undefined
  }

  /** Takes the most urgent of those for whom a place is free. */
  take(): T | undefined {
    const entry = this.#next()?.take()
    if (entry !== undefined) this.remove(entry)
    return entry
  }

  all(): T[] {
    return [this.#anywhere, ...this.#bySlot.values()].flatMap((line) => line.all())
  }

  /** Every slot may be another one: those that wait for one are put into the line of the right one. */
  reroute(slotOf: (entry: T) => number | undefined): void {
    const keyed = [...this.#bySlot.values()].flatMap((line) => line.all())
    this.#bySlot = new Map()
    for (const entry of keyed) {
      entry.slot = slotOf(entry)
      this.#lineOf(entry.slot).add(entry)
    }
  }

  #lineOf(slot: number | undefined): Line<T> {
    if (slot === undefined) return this.#anywhere
    let line = this.#bySlot.get(slot)
    if (line === undefined) this.#bySlot.set(slot, (line = new Line()))
    return line
  }

  #next(): Line<T> | undefined {
    if (this.#count === 0) return undefined
    let chosen: Line<T> | undefined = this.#isFree() ? this.#anywhere : undefined
    for (const [slot, line] of this.#bySlot) {
      if (isFirst(line.peek(), chosen?.peek()) && this.#isFree(slot)) chosen = line
    }
    return chosen?.peek() === undefined ? undefined : chosen
  }
}
