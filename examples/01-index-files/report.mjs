import { counted, number, seconds } from './words.mjs'

/** @typedef {import('./crew.mjs').Figures} Figures */
/** @typedef {import('./indexing.mjs').WordIndex} WordIndex */

/** A line that is written over where there is a terminal; elsewhere a plain line now and then, and news in between. */
export class Progress {
  #total
  #stream
  #startedMs = performance.now()
  #shown = 0

  /**
   * @param {number} total
   * @param {NodeJS.WriteStream} [stream]
   */
  constructor(total, stream = process.stdout) {
    this.#total = total
    this.#stream = stream
  }

  /** @param {number} done */
  update(done) {
    const isLast = done === this.#total
    if (this.#stream.isTTY) {
      const filled = Math.round((done / this.#total) * 30)
      const bar = `${'█'.repeat(filled)}${'░'.repeat(30 - filled)}`
      this.#stream.write(`\r\x1b[2K${this.#clock()}  ${bar} ${this.#words(done)}${isLast ? '\n' : ''}`)
    } else if (isLast || done - this.#shown >= this.#total / 8) {
      this.#shown = done
      this.#stream.write(`${this.#clock()}  ${this.#words(done)}\n`)
    }
  }

  /** @param {string} text */
  news(text) {
    this.#stream.write(`${this.#stream.isTTY ? '\r\x1b[2K' : ''}${this.#clock()}  ${text}\n`)
  }

  /** @param {number} done */
  #words(done) {
    return `${done} of ${this.#total} batches`
  }

  #clock() {
    return `${((performance.now() - this.#startedMs) / 1000).toFixed(2).padStart(6)} s`
  }
}

/**
 * @typedef {object} Result
 * @property {WordIndex} index
 * @property {Figures} figures
 * @property {number} batches
 * @property {number} workersMs
 * @property {number} aloneMs
 * @property {number} aloneProcessorMs
 * @property {string} fingerprint
 * @property {string} fingerprintAlone
 * @property {readonly string[]} differences
 */

/**
 * What happened, for people.
 * @param {Result} result
 * @returns {string}
 */
export function reportOf({ index, figures, batches, workersMs, aloneMs, aloneProcessorMs, ...compared }) {
  const { calls, bytesSent, batchesRun, deaths, restarts, interrupts, processorMs, tree } = figures
  const widest = [...index].toSorted((a, b) => b[1].files - a[1].files).slice(0, 5)
  const lines = [
    ...(tree === undefined ? [] : treeRows('tree', tree, 0)),
    ...restarts.map(restartRow),
    row('calls', `${number(calls)} made, ${number(bytesSent)} bytes sent, by those that lived to tell`),
    row('batches', `${number(batchesRun)} run for ${number(batches)} that count`),
    ...deaths.flatMap(deathRows),
    ...interrupts.flatMap(interruptRows),
    row('time', `${seconds(workersMs)} with workers, all of the above included`),
    row('', `${seconds(aloneMs)} in one process (both found all files in the cache of the system)`),
    row(
      'processor',
      `${seconds(processorMs)} in the workers that lived to tell, the endless loop included; ${seconds(aloneProcessorMs)} in one process`,
    ),
    row('most files', widest.map(([word, { files }]) => `${word} ${number(files)}`).join(', ')),
    row('same?', `with workers ${compared.fingerprint}, in one process ${compared.fingerprintAlone}`),
    ...compared.differences.slice(0, 5).map((difference) => row('DIFFERS', difference)),
  ]
  return lines.join('\n')
}

/**
 * The tree, a line each: how a supervisor stands with its restarts, and which life of a worker it is.
 * @param {string} label
 * @param {any} node - of `Supervisor.tree()`
 * @param {number} depth
 * @returns {string[]}
 */
function treeRows(label, { id, kind, state, budget, pid, incarnation, children = [] }, depth) {
  const facts =
    kind === 'worker'
      ? `${state}, pid ${pid}, incarnation ${incarnation}`
      : `${kind}, ${state}, ${budget.maxRestarts} restarts allowed within ${seconds(budget.periodMs)}`
  return [
    row(label, `${'  '.repeat(depth)}${id}: ${facts}`),
    ...children.flatMap((/** @type {any} */ child) => treeRows('', child, depth + 1)),
  ]
}

/** @param {Figures['restarts'][number]} restart */
const restartRow = ({ path, outcome, budget }) =>
  row('restarts', `${path} was ${outcome}: ${budget.used} of ${budget.maxRestarts} in the budget used`)

/** @param {Figures['deaths'][number]} death */
const deathRows = ({ worker, pid, reason, lostBatches, redoneFiles }) => [
  row('death', `${worker} (pid ${pid}): ${reason.type}, ${reason.signal ?? `exit code ${reason.exitCode}`}`),
  row(
    'recovered',
    `its ${counted(lostBatches, 'batch')} (${counted(redoneFiles, 'file')}), by its next incarnation and the others`,
  ),
]

/** @param {Figures['interrupts'][number]} interrupt */
const interruptRows = ({ worker, result, held, stateIsKept }) => [
  row('interrupt', `${worker}: ${result.outcome} after ${result.afterMs.toFixed(1)} ms, at`),
  ...(result.at ?? '    (nothing was spinning)').split('\n').map((line) => row('', line.trim())),
  row(
    '',
    `${counted(held, 'batch')} in its memory afterwards: ${stateIsKept ? 'nothing lost' : 'SOME ARE LOST'}`,
  ),
]

/**
 * @param {string} name
 * @param {string} text
 */
const row = (name, text) => `  ${name.padEnd(12)}${text}`
