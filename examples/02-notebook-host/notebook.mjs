// One notebook: a worker, and what a notebook server does with it, in the order in which Pluto.jl does it.
//
// Two things of Pluto's are written around, since there are no channels yet. What cells print comes by `onStdout` of
// `run`, and what they print after their end by the worker's line function. What a worker asks of its host (here: to run
// a cell again) comes by a background call that waits for the next request, made again and again.
import { InterruptedError, spawnWorker, WorkerDiedError, WorkerStoppedError } from 'maltster'

/** @typedef {import('maltster').Worker} Worker */
/** @typedef {import('maltster').Scope} Scope */
/** @typedef {import('maltster').RunResult} RunResult */
/** @typedef {{ id: string, source: string }} Cell */
/** @typedef {'done' | 'failed' | 'interrupted' | 'process exited' | 'no process'} Status */
/** @typedef {{ id: string, status: Status, text: string, stdout: string, position: RunResult['position'] }} CellResult */
/**
 * @typedef {object} NotebookOptions
 * @property {string} folder - where it lives: its working directory, and where imports in cells are resolved from
 * @property {(id: string, text: string) => void} [onOutput] - what a cell prints, as it comes
 * @property {(line: string) => void} [onLine] - what is printed when no cell runs
 * @property {(id: string) => void} [onRequest] - a cell asked to be run again
 * @property {readonly string[]} [execArgv]
 */

/** What a worker needs to be a notebook: a queue of requests, for the host to wait at. */
const preamble = `
  const requests = []
  let wake = () => {}
  globalThis.notebook = {
    requestRun(id) { requests.push(id); wake() },
    async nextRequest() {
      while (requests.length === 0) await new Promise((resolve) => { wake = resolve })
      return requests.shift()
    },
  }
  undefined`

/** A notebook: cells are run in its worker, each run of it in a fresh scope. */
export class Notebook {
  /** @type {Worker | undefined} */
  worker
  name
  #options
  /** @type {Scope | undefined} */
  #scope
  #runs = 0
  #isRunning = false
  /** The soft flag: set by `interrupt`, no further cell of this run begins. */
  #isInterrupted = false
  /** What each cell has declared. @type {Map<string, string[]>} */
  #declared = new Map()
  /** Runs come one after the other. @type {Promise<unknown>} */
  #lastRun = Promise.resolve()

  /**
   * @param {string} name
   * @param {NotebookOptions} options
   */
  constructor(name, options) {
    this.name = name
    this.#options = options
  }

  /** Starts its worker and gets it ready for cells. */
  async start() {
    const { folder, onLine = () => {}, execArgv = [] } = this.#options
    // Not in the folder yet: Pluto changes to it later, as the notebook may be moved.
    const worker = await spawnWorker({ name: this.name, execArgv, stdout: onLine, stderr: onLine })
    await worker.evaluate(preamble, { result: 'discard' })
    await worker.call(setId, [this.name], { result: 'discard' })
    this.#newScope(worker)
    const environment = await worker.call(readEnvironment)
    void this.#relayRequests(worker)
    await worker.call(changeDirectory, [folder], { result: 'discard' })
    await worker.call(switchEnvironment, [{ NOTEBOOK: this.name }], { result: 'discard' })
    // The first evaluation loads the parser: not at the expense of the first cell.
    await worker.run('1 + 1')
    this.worker = worker
    return environment
  }

  /**
   * Runs cells, one after the other, in a fresh scope to which the names of all other cells have been moved. A dead
   * worker is replaced first; then there are no names to move.
   * @param {readonly Cell[]} cells
   * @returns {Promise<CellResult[]>}
   */
  run(cells) {
    const run = this.#lastRun.then(() => this.#run(cells))
    this.#lastRun = run.catch(() => {})
    return run
  }

  /** @param {readonly Cell[]} cells */
  async #run(cells) {
    if (this.worker === undefined || this.worker.state === 'dead') await this.start()
    const worker = /** @type {Worker} */ (this.worker)
    this.#isInterrupted = false
    this.#isRunning = true
    try {
      await this.#moveOn(worker, cells)
      const results = []
      for (const cell of cells) results.push(await this.#runCell(cell))
      return results
    } finally {
      this.#isRunning = false
    }
  }

  /** @param {Worker} worker */
  #newScope(worker) {
    this.#scope = worker.scope(`run ${++this.#runs}`)
    return this.#scope
  }

  /**
   * @param {Worker} worker
   * @param {readonly Cell[]} cells
   */
  async #moveOn(worker, cells) {
    const before = /** @type {Scope} */ (this.#scope)
    for (const { id } of cells) this.#declared.delete(id)
    const staying = [...this.#declared.values()].flat()
    await before.move(staying, this.#newScope(worker))
    await before.drop()
  }

  /**
   * @param {Cell} cell
   * @returns {Promise<CellResult>}
   */
  async #runCell(cell) {
    const withoutResult = { id: cell.id, text: '', stdout: '', position: undefined }
    if (this.#isInterrupted) return { ...withoutResult, status: 'interrupted' }
    try {
      return await this.#runIn(/** @type {Scope} */ (this.#scope), cell)
    } catch (error) {
      // It was gone before, or is gone now. A cell that ends it itself gets a result.
      if (error instanceof WorkerDiedError || error instanceof WorkerStoppedError) {
        return { ...withoutResult, status: 'no process' }
      }
      throw error
    }
  }

  /**
   * No token is needed: what is `run` has the worker to itself. Nor is a second call for the result as it is shown.
   * @param {Scope} scope
   * @param {Cell} cell
   * @returns {Promise<CellResult>}
   */
  async #runIn(scope, { id, source }) {
    const { folder, onOutput = () => {} } = this.#options
    const before = await namesOf(scope)
    const { outcome, text, stdout, position, exit } = await scope.run(source, {
      filename: `${folder}/${this.name}#${id}`,
      onStdout: (part) => onOutput(id, part),
    })
    if (exit !== undefined) this.#declared.clear()
    else {
      const declared = (await namesOf(scope)).filter((name) => !before.includes(name))
      this.#declared.set(id, declared)
    }
    return { id, status: statusOf(outcome), text, stdout, position }
  }

  /** The names of its worker that begin like this; of none while a cell runs. @param {string} start */
  async complete(start) {
    if (this.worker?.state === 'dead' || this.#isRunning || this.#scope === undefined) return []
    return (await namesOf(this.#scope)).filter((name) => name.startsWith(start))
  }

  /** The value of an expression, also while a cell waits: a slider, a link from the page. @param {string} expression */
  async query(expression) {
    return this.#scope?.evaluate(expression, { background: true })
  }

  /** Ends the cell that runs; those after it don't begin. */
  async interrupt() {
    this.#isInterrupted = true
    return this.worker?.interrupt()
  }

  /** Ends its worker, and all that cells have started. A further `run` starts another. */
  async stop() {
    const worker = this.worker
    this.#declared.clear()
    await this.interrupt()
    this.worker = undefined
    return worker?.stop()
  }

  /** @param {readonly Cell[]} cells - all that it has */
  async restart(cells) {
    await this.stop()
    return this.run(cells)
  }

  async [Symbol.asyncDispose]() {
    await this.stop()
  }

  /** @param {Worker} worker */
  async #relayRequests(worker) {
    while (worker.state !== 'dead') {
      try {
        const id = await worker.call(nextRequest, [], { background: true })
        this.#options.onRequest?.(id)
      } catch (error) {
        // It waited beside a cell that was cut off: it is asked again. Else the worker is gone.
        if (!(error instanceof InterruptedError)) return
      }
    }
  }
}

/** @type {Readonly<Partial<Record<RunResult['outcome'], Status>>>} */
const statuses = {
  value: 'done',
  interrupted: 'interrupted',
  exited: 'process exited',
  'out-of-memory': 'process exited',
  stopped: 'no process',
}

/** @param {Scope} scope */
const namesOf = async (scope) => (await scope.names()).map(({ name }) => name)

/** @param {RunResult['outcome']} outcome */
const statusOf = (outcome) => statuses[outcome] ?? 'failed'

// What follows runs in the worker.

/** @typedef {{ notebook: { id: string, nextRequest(): Promise<string> } }} WithNotebook */

/** @param {string} id */
function setId(id) {
  const { notebook } = /** @type {WithNotebook} */ (/** @type {unknown} */ (globalThis))
  notebook.id = id
}

function readEnvironment() {
  return { folder: process.cwd(), version: process.version, flags: process.execArgv }
}

/** @param {string} folder */
function changeDirectory(folder) {
  process.chdir(folder)
}

/** @param {Record<string, string>} variables */
function switchEnvironment(variables) {
  Object.assign(process.env, variables)
}

function nextRequest() {
  return /** @type {WithNotebook} */ (/** @type {unknown} */ (globalThis)).notebook.nextRequest()
}
