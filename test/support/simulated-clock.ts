import type { Clock } from '../../src/transport/clock.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly callback: () => void
  isCleared: boolean
}

const isBefore = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

/** A clock that goes only when it is told to. Timers of one moment fire in the order in which they were set. */
export class SimulatedClock implements Clock {
  #nowMs = 0
  #order = 0
  /** A binary heap, so that a great many timers cost what they should. */
  readonly #heap: Timer[] = []

  nowMs(): number {
    return this.#nowMs
  }

  wallTimeMs(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order++,
      callback,
      isCleared: false,
    }
    this.#push(timer)
    return timer
  }

  setIdleTimeout(callback: () => void, delayMs: number): Timer {
    return this.setTimeout(callback, delayMs)
  }

  clearTimeout(timer: unknown): void {
    if (timer !== undefined) (timer as Timer).isCleared = true
  }

  /** When the next timer fires; undefined if there is none. */
  get nextMs(): number | undefined {
    while (this.#heap[0]?.isCleared === true) this.#pop()
    return this.#heap[0]?.atMs
  }

  /** Timers that are set. */
  get pending(): number {
    return this.#heap.filter((timer) => !timer.isCleared).length
  }

  /** Fires the next timer; answers whether there was one. */
  step(): boolean {
    if (this.nextMs === undefined) return false
    const timer = this.#pop()!
    this.#nowMs = Math.max(this.#nowMs, timer.atMs)
    timer.callback()
    return true
  }

  /** Fires all timers up to a time, and those that they set. */
  runUntil(timeMs: number): void {
    for (let next = this.nextMs; next !== undefined && next <= timeMs; next = this.nextMs) this.step()
    this.#nowMs = Math.max(this.#nowMs, timeMs)
  }

  runFor(durationMs: number): void {
    this.runUntil(this.#nowMs + durationMs)
  }

  /** Runs until nothing is set any more. */
  runOut(maxSteps = 1_000_000): void {
    for (let steps = 0; this.step(); steps++) {
      if (steps >= maxSteps) throw new Error(`The simulation did not come to rest in ${maxSteps} steps.`)
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let index = heap.length
    heap.push(timer)
    while (index > 0) {
      const above = (index - 1) >> 1
      if (!isBefore(timer, heap[above]!)) break
      heap[index] = heap[above]!
      index = above
    }
    heap[index] = timer
  }

  #pop(): Timer | undefined {
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      const right = left + 1
      let least = left
      if (right < heap.length && isBefore(heap[right]!, heap[left]!)) least = right
      if (least >= heap.length || !isBefore(heap[least]!, last)) break
      heap[index] = heap[least]!
      index = least
    }
    heap[index] = last
    return first
  }
}
