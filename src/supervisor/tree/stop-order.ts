import type { Clock } from '../../transport/clock.ts'
import type { Child, ChildLife } from './child.ts'

/** A life that is to end, and how long that may take. */
interface Member {
  readonly life: ChildLife
  readonly shutdownMs: number
}

/** Lives that are told to end at the same time, with one timer for each distinct time that they have for it. */
export class StopGroup {
  readonly #members: readonly Member[]
  readonly #clock: Clock
  readonly #timers: unknown[] = []
  #left: number
  isTold = false

  constructor(children: readonly Child[], clock: Clock) {
    this.#clock = clock
    this.#members = children.flatMap(({ life, spec }) =>
      life === undefined ? [] : [{ life, shutdownMs: spec.shutdownMs }],
    )
    this.#left = this.#members.length
    for (const { life } of this.#members) life.whenOver.push(() => this.#memberIsOver())
  }

  get isOver(): boolean {
    return this.#left === 0
  }

  tell(): void {
    this.isTold = true
    const times = new Set(this.#members.map(({ shutdownMs }) => shutdownMs))
    for (const shutdownMs of times) this.#limit(shutdownMs)
    for (const { life, shutdownMs } of this.#members) {
      if (life.isOver || life.toldMs !== undefined) continue
      life.toldMs = shutdownMs
      life.run?.stop(shutdownMs)
    }
  }

  #limit(shutdownMs: number): void {
    if (this.isOver || shutdownMs === Infinity || shutdownMs === 0) return
    this.#timers.push(this.#clock.setTimeout(() => this.#killThose(shutdownMs), shutdownMs))
  }

  #killThose(shutdownMs: number): void {
    for (const member of this.#members) {
      if (member.shutdownMs !== shutdownMs || member.life.isOver) continue
      member.life.isKilled = true
      member.life.toldMs = 0
      member.life.run?.stop(0)
    }
  }

  #memberIsOver(): void {
    if (--this.#left > 0) return
    for (const timer of this.#timers.splice(0)) this.#clock.clearTimeout(timer)
  }
}

/** Groups of lives, of which each is told to end when the one before is gone. */
export class StopOrder {
  readonly #groups: readonly StopGroup[]
  #next = 0

  constructor(groups: readonly StopGroup[]) {
    this.#groups = groups
  }

  /** Goes as far as it can; answers whether all are gone. */
  advance(): boolean {
    while (this.#next < this.#groups.length) {
      const group = this.#groups[this.#next]!
      if (!group.isOver) {
        if (!group.isTold) group.tell()
        if (!group.isOver) return false
      }
      this.#next++
    }
    return true
  }
}
