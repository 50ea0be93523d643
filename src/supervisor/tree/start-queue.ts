import type { Child } from './child.ts'

/** Children whose turn to be started will come. Those that have left `waiting` by then are passed over. */
export class StartQueue {
  #children: Child[] = []
  #first = 0

  /** The next in line, if there is one; it stays there. */
  get next(): Child | undefined {
    while (this.#first < this.#children.length) {
      const child = this.#children[this.#first]!
      const isAlive = child.state === 'waiting' || child.state === 'backing-off'
      if (isAlive && child.life === undefined && child.isQueued) return child
      this.shift()
    }
    return undefined
  }

  shift(): void {
    const child = this.#children[this.#first]
    if (child === undefined) return
    child.isQueued = false
    this.#first++
    if (this.#first > 64 && this.#first * 2 > this.#children.length) {
      this.#children = this.#children.slice(this.#first)
      this.#first = 0
    }
  }

  /** Behind all others. */
  push(child: Child): void {
    if (child.isQueued) return
    child.isQueued = true
    this.#children.push(child)
  }

  /** At its place in the order of start. */
  insert(child: Child): void {
    if (child.isQueued) return
    child.isQueued = true
    const { position } = child
    const last = this.#children.at(-1)
    const isLast = last === undefined || last.position < position
    const behind = isLast
      ? -1
      : this.#children.findIndex((other, index) => index >= this.#first && other.position > position)
    if (behind === -1) this.#children.push(child)
    else this.#children.splice(behind, 0, child)
  }

  /** Replaces those from a place in the order of start on. */
  replaceFrom(position: number, children: readonly Child[]): void {
    const rest = this.#children.slice(this.#first)
    for (const child of rest) child.isQueued = false
    this.#children = [...rest.filter((child) => child.position < position), ...children]
    this.#first = 0
    for (const child of this.#children) child.isQueued = true
  }

  clear(): void {
    for (const child of this.#children) child.isQueued = false
    this.#children = []
    this.#first = 0
  }
}
