/** Pieces that are kept for the next items. */
const maxSpare = 16

/** A piece that is on its way: free as soon as the consumer has had so many bytes of the stream. */
interface Lent {
  readonly memory: ArrayBuffer
  readonly untilBytes: number
}

/**
 * Memory for the binary of items, which is copied when an item is yielded: its owner may change it at once. What the
 * consumer has had is used again, for to copy into memory that was never touched takes several times as long.
 */
export class ItemMemory {
  readonly #spare: ArrayBuffer[] = []
  readonly #lent: Lent[] = []

  /**
   * @param untilBytes - how many bytes of the stream the consumer will have had when it has had this item
   * @returns a copy of the source
   */
  copy(source: Uint8Array, untilBytes: number): Uint8Array {
    const { byteLength } = source
    const memory = this.#take(byteLength)
    this.#lent.push({ memory, untilBytes })
    const copied = new Uint8Array(memory, 0, byteLength)
    copied.set(source)
    return copied
  }

  /** The consumer has had so many bytes in all. */
  had(byteLength: number): void {
    while (this.#lent.length > 0 && this.#lent[0]!.untilBytes <= byteLength) {
      const { memory } = this.#lent.shift()!
      if (this.#spare.length === maxSpare) this.#spare.shift()
      this.#spare.push(memory)
    }
  }

  #take(byteLength: number): ArrayBuffer {
    const at = this.#spare.findIndex(
      (memory) => memory.byteLength >= byteLength && memory.byteLength <= byteLength * 2,
    )
    if (at >= 0) return this.#spare.splice(at, 1)[0]!
    return Buffer.allocUnsafeSlow(byteLength).buffer
  }
}
