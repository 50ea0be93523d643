import type { Exported } from './exports.ts'

const { Set } = globalThis

/** A call whose arguments are being encoded. */
interface Taking {
  /** The message is `[args, captures]`, and functions among the captures become no callbacks. */
  readonly hasCaptures: boolean
  taken: Set<Exported> | undefined
}

/** While the arguments of a call are encoded: the functions among them, which become callbacks of it. */
export class TakenFunctions {
  #taking: Taking | undefined
  /** Calls in whose arguments a getter makes this call. */
  #outer: Taking[] = []

  begin(hasCaptures: boolean): void {
    if (this.#taking !== undefined) this.#outer.push(this.#taking)
    this.#taking = { hasCaptures, taken: undefined }
  }

  /** Whether functions become callbacks at this place of the message. */
  isTaken(path: (() => string) | undefined): boolean {
    const taking = this.#taking
    return taking !== undefined && (!taking.hasCaptures || path?.().startsWith('args[0]') === true)
  }

  add(exported: Exported): void {
    const taking = this.#taking
    if (taking !== undefined) (taking.taken ??= new Set()).add(exported)
  }

  /** Answers those that became callbacks; undefined if there are none. */
  end(): ReadonlySet<Exported> | undefined {
    const ended = this.#taking
    this.#taking = this.#outer.pop()
    return ended?.taken
  }

  /** After an execution was terminated: nothing is being encoded. */
  reset(): void {
    this.#taking = undefined
    this.#outer = []
  }
}
