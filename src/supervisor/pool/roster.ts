import type { PoolMember } from './crew.ts'
import { type CallBounds, Life } from './life.ts'

/**
 * Who of a pool takes calls. There are as many slots as the pool has size; each is held by a member that is up, as long
 * as there are enough. The others are spares, and take a slot over in the turn in which its holder is lost.
 */
export class Roster {
  readonly #bounds: CallBounds
  readonly #lives = new Map<string, Life>()
  #slots: (Life | undefined)[] = []
  /** Since when a slot is without a holder: the number of the loss. A slot that is new has been so longest. */
  readonly #vacantSince = new Map<number, number>()
  #losses = 0

  constructor(bounds: CallBounds) {
    this.#bounds = bounds
  }

  /** How many slots there are. */
  get size(): number {
    return this.#slots.length
  }

  /** Every member that is up, in the order of their starts. */
  lives(): Life[] {
    return [...this.#lives.values()]
  }

  lifeOf(id: string): Life | undefined {
    return this.#lives.get(id)
  }

  holderOf(slot: number): Life | undefined {
    return this.#slots[slot]
  }

  /** Opens slots at the end, or closes the last ones; whoever held those is free to go. */
  resize(size: number): void {
    for (const life of this.#slots.slice(size)) if (life !== undefined) life.slot = undefined
    for (let slot = size; slot < this.#slots.length; slot++) this.#vacantSince.delete(slot)
    this.#slots = Array.from({ length: size }, (_, slot) => this.#slots[slot])
    this.assign()
  }

  /** A life begins. It holds a slot at once if one is without a holder, and takes calls once it is prepared. */
  add(id: string, member: PoolMember): Life {
    const life = new Life(id, member)
    this.#lives.set(id, life)
    this.assign()
    return life
  }

  remove(id: string): void {
    const life = this.#lives.get(id)
    if (life === undefined) return
    life.isLeaving = true
    this.#lives.delete(id)
    this.assign()
  }

  /** Gives each slot without a good holder to a spare, if there is one; one that is prepared comes first. */
  assign(): void {
    for (const [slot, holder] of this.#slots.entries())
      if (holder?.isLeaving === true) this.#vacate(slot, holder)
    for (const slot of this.#vacant()) {
      const spare = this.#spare()
      if (spare === undefined) return
      spare.slot = slot
      this.#slots[slot] = spare
    }
  }

  #vacate(slot: number, holder: Life): void {
    holder.slot = undefined
    this.#slots[slot] = undefined
    this.#vacantSince.set(slot, ++this.#losses)
  }

  /** The longest without a holder first: else, with too few members, what waits for the last slots would never go. */
  #vacant(): number[] {
    const since = (slot: number): number => this.#vacantSince.get(slot) ?? 0
    const vacant = [...this.#slots.keys()].filter((slot) => this.#slots[slot] === undefined)
    return vacant.toSorted((a, b) => since(a) - since(b))
  }

  #spare(): Life | undefined {
    const spares = this.lives().filter(({ slot, isLeaving }) => slot === undefined && !isLeaving)
    return spares.find(({ preparing }) => preparing === 0) ?? spares[0]
  }

  /** Whether a call can go to the holder of that slot, or to any, now. */
  isFree(slot?: number): boolean {
    if (slot !== undefined) return this.#slots[slot]?.isFree(this.#bounds) === true
    return this.#slots.some((life) => life?.isFree(this.#bounds) === true)
  }

  /** Takes a place with the holder of that slot, or with the one that has had the fewest calls among the least busy. */
  claim(slot?: number): Life | undefined {
    let chosen: Life | undefined
    for (const life of slot === undefined ? this.#slots : [this.#slots[slot]]) {
      if (life === undefined || !life.isFree(this.#bounds)) continue
      const isBetter =
        chosen === undefined ||
        life.busy < chosen.busy ||
        (life.busy === chosen.busy && life.served < chosen.served)
      if (isBetter) chosen = life
    }
    if (chosen !== undefined) chosen.busy++
    return chosen
  }
}
