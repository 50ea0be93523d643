import type { Child } from './child.ts'
import type { Moves } from './moves.ts'

/** The start of a supervisor itself: it is up once each of its first children is, or is not to be started any more. */
export class FirstStart {
  #left = 0

  get isUnderWay(): boolean {
    return this.#left > 0
  }

  begin(children: Iterable<Child>, moves: Moves): void {
    for (const child of children) {
      if (!child.isFirst) continue
      this.#left++
      moves.enqueue(child)
    }
  }

  /** It is not waited for any more. */
  settle(child: Child): void {
    if (!child.isFirst) return
    child.isFirst = false
    this.#left--
  }
}
