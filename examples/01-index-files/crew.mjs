// The host's side: hands batches to workers, and sees to it that each counts exactly once though one worker is killed
// and one caught in an endless loop on the way.
import { InterruptedError, spawnWorker, WorkerDiedError } from 'maltster'
import { addColumns } from './indexing.mjs'
import { Ledger } from './ledger.mjs'
import { counted } from './words.mjs'

/** @typedef {import('maltster').Worker} Worker */
/** @typedef {import('maltster').ExitReason} ExitReason */
/** @typedef {import('maltster').InterruptResult} InterruptResult */
/** @typedef {import('./files.mjs').Batch} Batch */
/** @typedef {import('./indexing.mjs').Columns} Columns */
/** @typedef {import('./indexing.mjs').WordIndex} WordIndex */

/** @typedef {{ worker: string, pid: number, reason: ExitReason, lostBatches: number, redoneFiles: number }} Death */
/** @typedef {{ worker: string, batch: number, result: InterruptResult, held: number, stateIsKept: boolean }} Interrupt */
/**
 * @typedef {object} Figures
 * @property {number} calls
 * @property {number} bytesSent
 * @property {number} processorMs - of the workers that were alive at the end
 * @property {number} workersStarted
 * @property {number} batchesRun - more than there are, by those that were done again
 * @property {Death[]} deaths
 * @property {Interrupt[]} interrupts
 */
/**
 * @typedef {object} CrewOptions
 * @property {readonly Batch[]} batches
 * @property {number} workerCount
 * @property {number} [killAtBatch] - once so many batches are done, a worker is killed
 * @property {number} [trapBatch] - the batch that runs into the endless loop, the first time
 * @property {number} [leastLimitMs] - no batch is interrupted before it has had so much time; default 1000
 * @property {(done: number) => void} [onProgress]
 * @property {(text: string) => void} [onNews]
 * @property {(workers: readonly Worker[]) => void} [beforeHandIn] - for tests
 */

/** @param {string} name */
const inIndexing = (name) => ({ module: new URL('./indexing.mjs', import.meta.url), export: name })
const indexBatch = inIndexing('indexBatch')
const heldBatches = inIndexing('heldBatches')
const handIn = inIndexing('handIn')

/** A batch that takes so many times longer than the others is taken to be stuck. */
const patience = 20
const firstLimitMs = 10_000

/** The workers of one job, and what becomes of them. */
export class Crew {
  /** @type {Figures} */
  figures = {
    calls: 0,
    bytesSent: 0,
    processorMs: 0,
    workersStarted: 0,
    batchesRun: 0,
    deaths: [],
    interrupts: [],
  }
  #options
  #ledger
  /** @type {Promise<Worker>[]} */
  #starts = []
  /** By seat: a dead one makes way for another.
   * @type {Worker[]} */
  #workers = []
  /** @type {Map<Batch, number>} */
  #attempts = new Map()
  /** How long the batches that are done took together. */
  #batchesMs = 0
  #trapIsSet = true
  #killIsDue = true

  /** @param {CrewOptions} options */
  constructor(options) {
    this.#options = options
    this.#ledger = new Ledger(options.batches)
  }

  /**
   * Does the whole job. Nothing of it is left running, also when it fails.
   * @returns {Promise<WordIndex>}
   */
  async run() {
    try {
      const seats = Array.from({ length: this.#options.workerCount }, () => this.#startWorker())
      this.#workers = await Promise.all(seats)
      for (;;) {
        await Promise.all(this.#workers.map((_, seat) => this.#fillSeat(seat)))
        this.#options.beforeHandIn?.(this.#workers)
        const index = await this.#collect()
        if (index !== undefined) return index
      }
    } finally {
      await this.#stopAll()
    }
  }

  #startWorker() {
    const start = spawnWorker({ name: `indexer-${++this.figures.workersStarted}` })
    this.#starts.push(start)
    return start
  }

  /** Stops whatever was started, the dead and those that are still booting included, and notes what it has used. */
  async #stopAll() {
    for (const start of await Promise.allSettled(this.#starts)) {
      if (start.status === 'rejected') continue
      const worker = start.value
      const { calls, bytes, userCpuMs = 0, systemCpuMs = 0 } = await worker.stats()
      this.figures.calls += calls.made
      this.figures.bytesSent += bytes.sent
      this.figures.processorMs += userCpuMs + systemCpuMs
      await worker.stop()
    }
  }

  /**
   * Keeps the worker of one seat at work until every batch is held by somebody.
   * @param {number} seat
   */
  async #fillSeat(seat) {
    while (!this.#ledger.isComplete) {
      const batch = this.#ledger.take()
      // The others are at the last ones, and those may still come back.
      if (batch === undefined) await this.#ledger.changed()
      else await this.#do(batch, seat)
    }
  }

  /**
   * @param {Batch} batch
   * @param {number} seat
   */
  async #do(batch, seat) {
    const worker = this.#at(seat)
    this.figures.batchesRun++
    const isTrap = this.#trapIsSet && batch.number === this.#options.trapBatch
    const trapAt = isTrap ? Math.floor(batch.paths.length / 2) : -1
    /** @type {Promise<InterruptResult> | undefined} */
    let interrupt
    const watchdog = setTimeout(() => {
      interrupt = worker.interrupt()
    }, this.#limitMs(batch))
    const startedMs = performance.now()
    try {
      const indexed = worker.call(indexBatch, [batch.number, batch.paths, trapAt])
      this.#killIfDue(worker)
      await indexed
      this.#batchesMs += performance.now() - startedMs
      this.#ledger.hold(batch, worker.name)
      this.#options.onProgress?.(this.#ledger.done)
    } catch (error) {
      this.#ledger.giveBack(batch)
      if (error instanceof WorkerDiedError) await this.#replace(seat, error.reason, batch)
      else if (!(error instanceof InterruptedError) || interrupt === undefined) throw error
      else {
        if (isTrap) this.#trapIsSet = false
        await this.#afterInterrupt(worker, batch, await interrupt)
      }
    } finally {
      clearTimeout(watchdog)
    }
  }

  /**
   * How long a batch may take: measured by the others, so that a busy machine is given time, and longer with each
   * attempt, in case it was only slow.
   * @param {Batch} batch
   */
  #limitMs(batch) {
    const { leastLimitMs = 1000 } = this.#options
    const { done } = this.#ledger
    const attempt = (this.#attempts.get(batch) ?? 0) + 1
    this.#attempts.set(batch, attempt)
    const usualMs = done === 0 ? firstLimitMs / patience : this.#batchesMs / done
    return attempt * Math.max(leastLimitMs, patience * usualMs)
  }

  /** @param {number} seat */
  #at(seat) {
    const worker = this.#workers[seat]
    if (worker === undefined) throw new RangeError(`There is no seat ${seat}.`)
    return worker
  }

  /**
   * The accident: SIGKILL, by its number, to a process that is in the middle of a batch.
   * @param {Worker} worker
   */
  #killIfDue(worker) {
    const { killAtBatch = Infinity, onNews } = this.#options
    if (!this.#killIsDue || this.#ledger.done < killAtBatch) return
    this.#killIsDue = false
    // After the call has gone out.
    setImmediate(() => {
      if (worker.state === 'dead') return
      const held = this.#ledger.heldBy(worker.name).length
      onNews?.(
        `kill -9 ${worker.pid}: ${worker.name}, which holds ${counted(held, 'batch')} and works on another`,
      )
      process.kill(worker.pid, 'SIGKILL')
    })
  }

  /**
   * Nobody else can know what was in the memory of a dead worker: its share is done again, by a new one.
   * @param {number} seat
   * @param {ExitReason} reason
   * @param {Batch} [underWay]
   */
  async #replace(seat, reason, underWay) {
    const dead = this.#at(seat)
    const lost = this.#ledger.lose(dead.name)
    const again = underWay === undefined ? lost : [...lost, underWay]
    const redoneFiles = again.reduce((sum, { paths }) => sum + paths.length, 0)
    const death = { worker: dead.name, pid: dead.pid, reason, lostBatches: again.length, redoneFiles }
    this.figures.deaths.push(death)
    const startedMs = performance.now()
    const worker = await this.#startWorker()
    this.#workers[seat] = worker
    const bootMs = Math.round(performance.now() - startedMs)
    this.#options.onNews?.(
      `${dead.name} died (${reason.type}, ${reason.signal ?? `exit code ${reason.exitCode}`}): ` +
        `${counted(again.length, 'batch')} to be done again; ${worker.name} (pid ${worker.pid}) took its seat in ${bootMs} ms`,
    )
  }

  /**
   * The same process goes on, with all that it held: asked, not assumed.
   * @param {Worker} worker
   * @param {Batch} batch
   * @param {InterruptResult} result
   */
  async #afterInterrupt(worker, batch, result) {
    const expected = this.#ledger.heldBy(worker.name)
    const { pid, numbers } = await this.#askWhatIsHeld(worker)
    const stateIsKept = pid === worker.pid && expected.every((number) => numbers.includes(number))
    const held = numbers.length
    this.figures.interrupts.push({ worker: worker.name, batch: batch.number, result, held, stateIsKept })
    this.#options.onNews?.(
      `${worker.name} was at batch ${batch.number} for too long: ${result.outcome} after ` +
        `${result.afterMs.toFixed(1)} ms; same process (pid ${pid}), ${counted(held, 'batch')} still in its memory`,
    )
  }

  /**
   * @param {Worker} worker
   * @returns {Promise<{ pid: number, numbers: number[] }>}
   */
  async #askWhatIsHeld(worker) {
    try {
      return await worker.call(heldBatches)
    } catch (error) {
      // Its seat gets to know of that with the next batch.
      if (error instanceof WorkerDiedError) return { pid: 0, numbers: [] }
      throw error
    }
  }

  /** Adds up what the workers hold; undefined if one of them is dead, and its share is to be done again first. */
  async #collect() {
    // Of each those that the ledger has, not all that it holds: so a batch can't count twice.
    const parts = await Promise.allSettled(
      this.#workers.map((worker) => worker.call(handIn, [this.#ledger.heldBy(worker.name)])),
    )
    /** @type {WordIndex} */
    const index = new Map()
    let isWhole = true
    for (const [seat, part] of parts.entries()) {
      if (part.status === 'fulfilled') addColumns(index, /** @type {Columns} */ (part.value))
      else if (!(part.reason instanceof WorkerDiedError)) throw part.reason
      else {
        isWhole = false
        await this.#replace(seat, part.reason.reason)
      }
    }
    return isWhole ? index : undefined
  }
}
