import { cell } from './sentinel-messages.ts'

// Taken before user code can replace it.
const { load } = Atomics

/** How long a write may be held. An attempt to cut it off comes every millisecond or two, on a busy machine later. */
const holdMs = 100

/**
 * Holds a loop that prints at a point at which it can be cut off.
 *
 * Such a loop spends nearly all of its time in native writes, so it is nearly always met right behind one, inside of
 * Node.js. When it has been, the next write to stdout or stderr ends here, where the streams are in order and the line
 * is out: it waits for the sentinel to look once more.
 */
export class OutputHold {
  readonly #cells: Int32Array
  readonly #now: () => number
  #isWanted = false
  #isHolding = false
  #isReleased = false

  /** @param now - has no frame of its own that could be met: a native function */
  constructor(cells: Int32Array, now = Date.now) {
    this.#cells = cells
    this.#now = now
  }

  /** Whether the code on the stack is held here. */
  get isHolding(): boolean {
    return this.#isHolding
  }

  /** At the end of each write. */
  readonly afterWrite = (): void => {
    if (!this.#isWanted) return
    this.#isWanted = false
    this.#isReleased = false
    const endsAt = this.#now() + holdMs
    this.#isHolding = true
    while (!this.#isReleased && load(this.#cells, cell.ladder) !== 0 && this.#now() < endsAt);
    this.#isHolding = false
  }

  /** It was met at a point at which it can't be cut off. */
  want(): void {
    this.#isWanted = true
  }

  /** It may go on. */
  release(): void {
    this.#isHolding = false
    this.#isReleased = true
  }

  /** It is being cut off, and does not take another step: whatever is met from here on is somewhere else. */
  cut(): void {
    this.#isWanted = false
    this.#isHolding = false
  }
}
