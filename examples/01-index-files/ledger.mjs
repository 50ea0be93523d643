import { EventEmitter, once } from 'node:events'

/** @typedef {import('./files.mjs').Batch} Batch */

/**
 * Who has which batch: the host's own account. Each batch waits, is under way, or is held by exactly one worker, so
 * that each counts once in the end, whatever happened to it on the way.
 */
export class Ledger {
  /** @type {Batch[]} */
  #waiting
  /** @type {Map<Batch, string>} */
  #holders = new Map()
  #total
  #changes = new EventEmitter()

  /** @param {readonly Batch[]} batches */
  constructor(batches) {
    this.#waiting = [...batches]
    this.#total = batches.length
  }

  /** Batches that are held. */
  get done() {
    return this.#holders.size
  }

  get isComplete() {
    return this.#holders.size === this.#total
  }

  /** The next batch, for a worker that will do it; undefined if none waits. */
  take() {
    return this.#waiting.shift()
  }

  /** @returns {Promise<unknown>} when a batch was done or came back */
  changed() {
    return once(this.#changes, 'change')
  }

  /**
   * A batch is done; its result is in the memory of that worker.
   * @param {Batch} batch
   * @param {string} worker
   */
  hold(batch, worker) {
    this.#holders.set(batch, worker)
    this.#changes.emit('change')
  }

  /**
   * A batch that was under way has to be done again.
   * @param {Batch} batch
   */
  giveBack(batch) {
    this.#waiting.push(batch)
    this.#changes.emit('change')
  }

  /**
   * A worker is dead, and all that it held is lost: it has to be done again.
   * @param {string} worker
   * @returns {Batch[]}
   */
  lose(worker) {
    const lost = [...this.#holders.keys()].filter((batch) => this.#holders.get(batch) === worker)
    for (const batch of lost) this.#holders.delete(batch)
    this.#waiting.push(...lost)
    this.#changes.emit('change')
    return lost
  }

  /**
   * @param {string} worker
   * @returns {number[]} in ascending order
   */
  heldBy(worker) {
    const held = [...this.#holders].filter(([, holder]) => holder === worker)
    return held.map(([{ number }]) => number).toSorted((a, b) => a - b)
  }
}
