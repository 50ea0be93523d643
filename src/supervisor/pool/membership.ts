import type { Clock } from '../../transport/clock.ts'
import type { Crew } from './crew.ts'
import type { Dispatcher } from './dispatcher.ts'
import { pause } from './pause.ts'
import type { Roster } from './roster.ts'

/**
 * How long the start of a process waits where a spare has taken over, in milliseconds: starting one blocks the host, and
 * the first call of the spare should not wait for that.
 */
export const headStartMs = 50

/** What the membership of a pool is made with. */
export interface MembershipParts {
  readonly roster: Roster
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  /** There is nobody any more, and nobody is to come. */
  readonly emptied: () => void
}

/** Who is to be a member of a pool, up or not, and how it grows and shrinks. A name is never used again. */
export class Membership {
  readonly #parts: MembershipParts
  readonly #ids = new Set<string>()
  #size: number
  #lastNumber = 0

  constructor(parts: MembershipParts, size: number, spares: number) {
    this.#parts = parts
    this.#size = size
    while (this.#ids.size < size + spares) this.#newId()
  }

  /** How many members take calls, when all are there. */
  get size(): number {
    return this.#size
  }

  /** How many members there are to be, with the spares. */
  get count(): number {
    return this.#ids.size
  }

  /** In the order of their numbers. */
  get ids(): string[] {
    return [...this.#ids]
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /**
   * Has the crew start as many more; resolves when they are up.
   * @param hasSpares - spares take over at once, and are in no hurry to be replaced
   * @param isCurrent - whether the crew is still the pool's, and not about to end
   * @returns false if the crew ended meanwhile: the next one starts as many as there are to be now
   * @throws {Error} why one could not be started; the others stay
   */
  async grow(size: number, crew: Crew, hasSpares: boolean, isCurrent: () => boolean): Promise<boolean> {
    const ids = Array.from({ length: size - this.#size }, () => this.#newId())
    this.#setSize(size)
    if (hasSpares) await pause(headStartMs, [], this.#parts.clock)
    if (!isCurrent()) return false
    const added = await Promise.allSettled(ids.map((id) => crew.add(id)))
    const failed = added.flatMap((one, at) => (one.status === 'rejected' ? [{ id: ids[at]!, one }] : []))
    if (failed.length === 0) return true
    if (!isCurrent()) return false
    for (const { id } of failed) this.#ids.delete(id)
    this.#setSize(size - failed.length)
    throw failed[0]!.one.reason
  }

  /** Resolves when those that go have finished their calls and are gone. */
  async shrink(size: number, crew: Crew, isCurrent: () => boolean): Promise<void> {
    const { roster, emptied } = this.#parts
    const down = this.ids.filter((id) => roster.lifeOf(id) === undefined)
    const leaving: string[] = []
    for (let slot = size; slot < this.#size; slot++) {
      const id = roster.holderOf(slot)?.id ?? down.pop() ?? this.ids.at(-1)!
      leaving.push(id)
      this.#ids.delete(id)
      const life = roster.lifeOf(id)
      if (life !== undefined) life.isLeaving = true
    }
    this.#setSize(size)
    if (size === 0) emptied()
    const left = leaving.map(async (id) => {
      await roster.lifeOf(id)?.whenIdle()
      // With the crew its members are gone as well.
      if (isCurrent()) await crew.remove(id)
    })
    await Promise.all(left)
  }

  #newId(): string {
    const id = `worker-${++this.#lastNumber}`
    this.#ids.add(id)
    return id
  }

  #setSize(size: number): void {
    this.#size = size
    this.#parts.roster.resize(size)
    this.#parts.dispatcher.reroute()
  }
}
