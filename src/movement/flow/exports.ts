import { liveKind } from '../../transport/live-values.ts'
import type { AnyFunction, Served } from './live-object.ts'

/** An object that the other side of a lane may ask for something, under a number. */
export interface Exported {
  readonly number: number
  /** What a token that comes home stands for. */
  readonly value: unknown
  readonly served: Served
  /** Tokens of it that have been made and that the other side has not told to be done with. */
  uses: number
}

const { Map } = globalThis

/** What one side of a lane has given the other: numbers rise and are never used again. */
export class Exports {
  readonly #lane: object
  readonly #byNumber = new Map<number, Exported>()
  readonly #byValue = new Map<unknown, Exported>()
  #lastNumber = 0

  constructor(lane: object) {
    this.#lane = lane
  }

  get size(): number {
    return this.#byNumber.size
  }

  /** The number that the next one gets. */
  get nextNumber(): number {
    return this.#lastNumber + 1
  }

  get(number: number): Exported | undefined {
    return this.#byNumber.get(number)
  }

  /** The function of a number; undefined if there is none, or none any more. */
  functionOf(number: number): AnyFunction | undefined {
    const exported = this.#byNumber.get(number)
    return exported?.served.kind === liveKind.function ? (exported.value as AnyFunction) : undefined
  }

  of(value: unknown): Exported | undefined {
    return this.#byValue.get(value)
  }

  /** Gives a value a number. */
  add(value: unknown, served: Served): Exported {
    const exported: Exported = { number: ++this.#lastNumber, value, served, uses: 0 }
    this.#byNumber.set(exported.number, exported)
    this.#byValue.set(value, exported)
    return exported
  }

  /** The other side is done with `uses` tokens; the number is free when it is done with all. */
  release(number: number, uses: number): void {
    const exported = this.#byNumber.get(number)
    if (exported === undefined) return
    exported.uses -= uses
    if (exported.uses <= 0) this.delete(exported)
  }

  delete(exported: Exported): void {
    if (!this.#byNumber.delete(exported.number)) return
    if (this.#byValue.get(exported.value) === exported) this.#byValue.delete(exported.value)
    exported.served.released?.(this.#lane)
  }

  all(): Exported[] {
    return [...this.#byNumber.values()]
  }
}
