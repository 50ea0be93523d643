/** What ends with a lane. */
export interface Bound {
  laneEnded(why: Error): void
}

// Taken before user code can replace them.
const { FinalizationRegistry, Set, WeakRef } = globalThis
const nothing = (): void => {}

/** What is told, once, that a lane has ended. Held weakly: what nobody uses and nobody waits at need not hear of it. */
export class Bonds {
  readonly #bound = new Set<WeakRef<Bound>>()
  readonly #collected = new FinalizationRegistry<WeakRef<Bound>>((bound) => void this.#bound.delete(bound))
  #end: Error | undefined

  /** @returns it need not be told any more */
  add(bound: Bound): () => void {
    if (this.#end !== undefined) {
      bound.laneEnded(this.#end)
      return nothing
    }
    const weak = new WeakRef(bound)
    this.#bound.add(weak)
    this.#collected.register(bound, weak)
    return () => void this.#bound.delete(weak)
  }

  end(why: Error): void {
    this.#end = why
    for (const bound of this.#bound) bound.deref()?.laneEnded(why)
    this.#bound.clear()
  }
}
