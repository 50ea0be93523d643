import type { Clock } from '../../transport/clock.ts'
import type { ResolvedChild } from '../spec/resolve-spec.ts'
import type { ChildState } from './child-run.ts'
import { Child } from './child.ts'

/** The children of a supervisor in the order of their start, and how many of them are in which state. */
export class Children {
  readonly #byId = new Map<string, Child>()
  readonly #counts = new Map<ChildState, number>()
  readonly #clock: Clock
  readonly #changed: (child: Child) => void
  #lastPosition = 0
  #significant = 0

  /** @param changed - told of each change of state, and of each new child; may change nothing itself */
  constructor(clock: Clock, changed: (child: Child) => void) {
    this.#clock = clock
    this.#changed = changed
  }

  get size(): number {
    return this.#byId.size
  }

  /** Significant children that are wanted up. */
  get significant(): number {
    return this.#significant
  }

  /** Those that are between two lives, or before the first. */
  get pending(): number {
    return this.count('waiting') + this.count('starting') + this.count('backing-off')
  }

  count(state: ChildState): number {
    return this.#counts.get(state) ?? 0
  }

  get(id: string): Child | undefined {
    return this.#byId.get(id)
  }

  [Symbol.iterator](): IterableIterator<Child> {
    return this.#byId.values()
  }

  add(spec: ResolvedChild, path: string, isDynamic: boolean): Child {
    const child = new Child(spec, path, ++this.#lastPosition, isDynamic)
    this.#byId.set(child.id, child)
    this.#change('waiting', 1)
    if (spec.significant) this.#significant++
    this.#changed(child)
    return child
  }

  /** Its name is free from here on. */
  remove(child: Child): void {
    if (child.state === 'removed') return
    this.want(child, 'down')
    this.#byId.delete(child.id)
    this.setState(child, 'removed')
  }

  setState(child: Child, state: ChildState): void {
    if (state !== 'backing-off') this.#clearTimer(child)
    if (child.state === state) return
    this.#move(child, state)
    this.#tell(child)
  }

  want(child: Child, goal: 'up' | 'down'): void {
    if (child.goal === goal) return
    child.goal = goal
    if (child.spec.significant) this.#significant += goal === 'up' ? 1 : -1
  }

  /** It is left alone for a while; then it waits for its turn. */
  backOff(child: Child, delayMs: number, isOver: () => void): void {
    this.#clearTimer(child)
    child.retryAtMs = this.#clock.nowMs() + delayMs
    child.timer = this.#clock.setIdleTimeout(() => {
      this.setState(child, 'waiting')
      isOver()
    }, delayMs)
    this.setState(child, 'backing-off')
  }

  /** Shows the children of a supervisor that is dead as what has become of it. */
  mirror(state: ChildState, retryAtMs: number | undefined): void {
    for (const child of this) {
      if (state === 'removed') this.remove(child)
      else if (!child.spec.lives.isStopped && (child.state !== state || child.retryAtMs !== retryAtMs)) {
        this.#move(child, state)
        child.retryAtMs = retryAtMs
        this.#tell(child)
      }
    }
  }

  /** Has who watches a child look again: nothing has become of it, but of what is above it. */
  retell(child: Child): void {
    const { status } = child
    for (const listener of child.listeners) listener(status)
  }

  #clearTimer(child: Child): void {
    child.retryAtMs = undefined
    if (child.timer === undefined) return
    this.#clock.clearTimeout(child.timer)
    child.timer = undefined
  }

  #move(child: Child, state: ChildState): void {
    this.#change(child.state, -1)
    child.state = state
    this.#change(state, 1)
  }

  #change(state: ChildState, by: number): void {
    this.#counts.set(state, this.count(state) + by)
  }

  #tell(child: Child): void {
    this.#changed(child)
    this.retell(child)
  }
}
