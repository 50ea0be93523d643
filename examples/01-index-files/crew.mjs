// The host's side: hands batches to the members of a pool, and sees to it that each counts exactly once though one of them
// is killed and one caught in an endless loop on the way. Who is dead is started again by the pool's supervisor.
import { InterruptedError, observe, supervise, WorkerDiedError } from 'maltster'
import { addColumns } from './indexing.mjs'
import { Ledger } from './ledger.mjs'
import { counted } from './words.mjs'

/** @typedef {import('maltster').Worker} Worker */
/** @typedef {import('maltster').WorkerHandle} WorkerHandle */
/** @typedef {import('maltster').ExitReason} ExitReason */
/** @typedef {import('maltster').InterruptResult} InterruptResult */
/** @typedef {import('maltster').SupervisorTree} SupervisorTree */
/** @typedef {import('maltster').RestartBudget} RestartBudget */
/** @typedef {import('./files.mjs').Batch} Batch */
/** @typedef {import('./indexing.mjs').Columns} Columns */
/** @typedef {import('./indexing.mjs').WordIndex} WordIndex */

/** @typedef {{ worker: string, pid: number, reason: ExitReason, lostBatches: number, redoneFiles: number }} Death */
/** @typedef {{ path: string, outcome: string, budget: RestartBudget }} Restart */
/** @typedef {{ worker: string, batch: number, result: InterruptResult, held: number, stateIsKept: boolean }} Interrupt */
/**
 * @typedef {object} Figures
 * @property {number} calls - of the workers that were alive at the end, as are the bytes and the time
 * @property {number} bytesSent
 * @property {number} processorMs
 * @property {number} batchesRun - more than there are, by those that were done again
 * @property {Death[]} deaths
 * @property {Restart[]} restarts - what became of each death, and how much of the budget was used by then
 * @property {Interrupt[]} interrupts
 * @property {SupervisorTree | undefined} tree - at the end of the job, before it was stopped
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
 * @property {(workers: readonly WorkerHandle[]) => void} [beforeHandIn] - for tests
 */

/** @param {string} name */
const inIndexing = (name) => ({ module: new URL('./indexing.mjs', import.meta.url), export: name })
const indexBatch = inIndexing('indexBatch')
const heldBatches = inIndexing('heldBatches')
const handIn = inIndexing('handIn')

/** A batch that takes so many times longer than the others is taken to be stuck. */
const patience = 20
const firstLimitMs = 10_000

/** A worker's share is in the memory of one process: another life of the same worker does not have it. @param {Worker} worker */
const holderOf = ({ name, incarnation }) => `${name}, incarnation ${incarnation}`

/** The workers of one job, and what becomes of them. */
export class Crew {
  /** @type {Figures} */
  figures = {
    calls: 0,
    bytesSent: 0,
    processorMs: 0,
    batchesRun: 0,
    deaths: [],
    restarts: [],
    interrupts: [],
    tree: undefined,
  }
  #options
  #ledger
  /** The lives of workers that have been given work. @type {Set<Worker>} */
  #lives = new Set()
  /** By life: what it is at. @type {Map<Worker, Batch>} */
  #underWay = new Map()
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
    const { workerCount, beforeHandIn } = this.#options
    const watching = observe((event) => this.#noteRestart(event), {
      types: ['supervisor.childTerminated'],
      path: 'indexing',
    })
    const app = await supervise({
      name: 'indexing',
      children: [{ id: 'indexers', pool: { size: workerCount } }],
    })
    try {
      const seats = [...app.pool('indexers')]
      for (;;) {
        await Promise.all(seats.map((seat) => this.#fillSeat(seat)))
        beforeHandIn?.(seats)
        const index = await this.#collect(seats)
        if (index === undefined) continue
        for (const seat of seats) await this.#addUsage(seat)
        this.figures.tree = app.tree()
        return index
      }
    } finally {
      await app.stop()
      watching[Symbol.dispose]()
    }
  }

  /** @param {import('maltster').MaltsterEvent} event */
  #noteRestart(event) {
    if (event.type !== 'supervisor.childTerminated') return
    const { child, outcome, budget } = event
    this.figures.restarts.push({ path: child.path, outcome, budget })
  }

  /** @param {WorkerHandle} seat */
  async #addUsage(seat) {
    const used = await seat.stats()
    this.figures.calls += used?.calls.made ?? 0
    this.figures.bytesSent += used?.bytes.sent ?? 0
    this.figures.processorMs += (used?.userCpuMs ?? 0) + (used?.systemCpuMs ?? 0)
  }

  /**
   * The life of a worker that is up, or the next: its supervisor sees to that.
   * @param {WorkerHandle} seat
   */
  async #lifeAt(seat) {
    const worker = await seat.whenUp()
    if (!this.#lives.has(worker)) {
      this.#lives.add(worker)
      void worker.exited.then((reason) => this.#ended(worker, reason, seat))
    }
    return worker
  }

  /**
   * Keeps the worker of one seat at work until every batch is held by somebody.
   * @param {WorkerHandle} seat
   */
  async #fillSeat(seat) {
    while (!this.#ledger.isComplete) {
      const batch = this.#ledger.take()
      // The others are at the last ones, and those may still come back.
      if (batch === undefined) await this.#ledger.changed()
      else await this.#do(batch, await this.#lifeAt(seat))
    }
  }

  /**
   * @param {Batch} batch
   * @param {Worker} worker
   */
  async #do(batch, worker) {
    this.figures.batchesRun++
    this.#underWay.set(worker, batch)
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
      this.#underWay.delete(worker)
      this.#ledger.hold(batch, holderOf(worker))
      this.#options.onProgress?.(this.#ledger.done)
    } catch (error) {
      // What it was at is given back with all that it held.
      if (error instanceof WorkerDiedError) await worker.exited
      else if (!(error instanceof InterruptedError) || interrupt === undefined) throw error
      else {
        this.#underWay.delete(worker)
        this.#ledger.giveBack(batch)
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
      const held = this.#ledger.heldBy(holderOf(worker)).length
      onNews?.(
        `kill -9 ${worker.pid}: ${worker.name}, which holds ${counted(held, 'batch')} and works on another`,
      )
      process.kill(worker.pid, 'SIGKILL')
    })
  }

  /**
   * Nobody else can know what was in the memory of a dead worker: its share is done again, by whoever comes next.
   * @param {Worker} worker
   * @param {ExitReason} reason
   * @param {WorkerHandle} seat
   */
  async #ended(worker, reason, seat) {
    if (reason.type === 'shutdown') return
    const endedMs = performance.now()
    const underWay = this.#underWay.get(worker)
    const lost = this.#ledger.lose(holderOf(worker))
    if (underWay !== undefined) this.#ledger.giveBack(underWay)
    const again = underWay === undefined ? lost : [...lost, underWay]
    const redoneFiles = again.reduce((sum, { paths }) => sum + paths.length, 0)
    const { name, pid } = worker
    this.figures.deaths.push({ worker: name, pid, reason, lostBatches: again.length, redoneFiles })
    const next = await seat.whenUp()
    this.#options.onNews?.(
      `${name} died (${reason.type}, ${reason.signal ?? `exit code ${reason.exitCode}`}): ` +
        `${counted(again.length, 'batch')} to be done again; its supervisor has it back, as pid ${next.pid}, ` +
        `after ${Math.round(performance.now() - endedMs)} ms`,
    )
  }

  /**
   * The same process goes on, with all that it held: asked, not assumed.
   * @param {Worker} worker
   * @param {Batch} batch
   * @param {InterruptResult} result
   */
  async #afterInterrupt(worker, batch, result) {
    const expected = this.#ledger.heldBy(holderOf(worker))
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

  /**
   * Adds up what the workers hold; undefined if one of them is dead, and its share is to be done again first.
   * @param {readonly WorkerHandle[]} seats
   */
  async #collect(seats) {
    const workers = await Promise.all(seats.map((seat) => this.#lifeAt(seat)))
    // Of each those that the ledger has, not all that it holds: so a batch can't count twice.
    const parts = await Promise.allSettled(
      workers.map((worker) => worker.call(handIn, [this.#ledger.heldBy(holderOf(worker))])),
    )
    /** @type {WordIndex} */
    const index = new Map()
    for (const [place, part] of parts.entries()) {
      if (part.status === 'fulfilled') addColumns(index, /** @type {Columns} */ (part.value))
      else if (!(part.reason instanceof WorkerDiedError)) throw part.reason
      else await workers[place]?.exited
    }
    return this.#ledger.isComplete ? index : undefined
  }
}
