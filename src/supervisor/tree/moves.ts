import type { Clock } from '../../transport/clock.ts'
import type { ResolvedSpec } from '../spec/resolve-spec.ts'
import type { Child } from './child.ts'
import type { Children } from './children.ts'
import { StartQueue } from './start-queue.ts'
import { StopGroup, StopOrder } from './stop-order.ts'

/** What the moves of a tree are made with. */
export interface MovesParts {
  readonly spec: ResolvedSpec
  readonly children: Children
  readonly clock: Clock
  /** Whether children may be started now. */
  readonly canStart: () => boolean
  /** Whether it is the start of the supervisor itself. */
  readonly isFirstStart: () => boolean
  readonly begin: (child: Child) => void
  /** Called when no more can be done for now. */
  readonly rested: () => void
}

/** The one place from which a tree moves: stops what is to be stopped, then starts what is to be started, in order. */
export class Moves {
  readonly #parts: MovesParts
  readonly #queue = new StartQueue()
  #stopOrder: StopOrder | undefined
  /** Those that are to be killed at once. */
  #doomed: readonly Child[] = []
  #isBusy = false
  #isMoving = false

  constructor(parts: MovesParts) {
    this.#parts = parts
  }

  /** Whether children are being stopped in order. */
  get isStopping(): boolean {
    return this.#stopOrder !== undefined
  }

  enqueue(child: Child): void {
    if (this.#parts.spec.strategy === 'one-for-one') this.#queue.push(child)
    else this.#queue.insert(child)
  }

  /** It is not to be started. */
  dequeue(child: Child): void {
    this.#queue.remove(child)
  }

  /** Stops some children one after the other, the youngest first; then those from `position` on start in order. */
  startAnew(position: number, alive: readonly Child[], starts: readonly Child[]): void {
    this.#queue.replaceFrom(position, starts)
    this.#stopOrder = new StopOrder(this.#inReverse(alive))
  }

  /** Starts nothing any more. Stops those who don't depend on each other at once, then the others in reverse. */
  stopAll(alive: readonly Child[]): void {
    const { spec, clock } = this.#parts
    this.#queue.clear()
    const isAtOnce = (child: Child): boolean => spec.strategy === 'one-for-one' && child.isDynamic
    const atOnce = new StopGroup(alive.filter(isAtOnce), clock)
    const inOrder = this.#inReverse(alive.filter((child) => !isAtOnce(child)))
    this.#stopOrder = new StopOrder([atOnce, ...inOrder])
  }

  /** Starts nothing any more, and kills all. */
  killAll(alive: readonly Child[]): void {
    this.#queue.clear()
    this.#stopOrder = undefined
    this.#doomed = alive
  }

  goOn(): void {
    this.#isMoving = true
    if (this.#isBusy) return
    this.#isBusy = true
    // What is begun or told may be over at once, and then there is more to do.
    while (this.#isMoving) {
      this.#isMoving = false
      this.#kill()
      if (this.#stopOrder?.advance() === true) this.#stopOrder = undefined
      this.#startNext()
    }
    this.#isBusy = false
    this.#parts.rested()
  }

  #kill(): void {
    const doomed = this.#doomed
    this.#doomed = []
    for (const { life } of doomed) {
      if (life === undefined) continue
      life.toldMs = 0
      life.run?.stop(0)
    }
  }

  #inReverse(children: readonly Child[]): StopGroup[] {
    return children.toReversed().map((child) => new StopGroup([child], this.#parts.clock))
  }

  /** How many may boot at the same time. */
  get #maxBoots(): number {
    const { strategy, parallelStart, maxConcurrentBoots } = this.#parts.spec
    const isOneByOne = strategy !== 'one-for-one' || (this.#parts.isFirstStart() && !parallelStart)
    return isOneByOne ? 1 : maxConcurrentBoots
  }

  #startNext(): void {
    const { children, spec, begin, canStart } = this.#parts
    while (this.#stopOrder === undefined && canStart() && children.count('starting') < this.#maxBoots) {
      const child = this.#queue.next
      if (child === undefined || child.state === 'backing-off') return
      // All of them run together, or none.
      if (spec.strategy === 'one-for-all' && children.count('backing-off') > 0) return
      this.#queue.shift()
      begin(child)
    }
  }
}
