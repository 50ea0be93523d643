// Indexes the text files that `node_modules` brought, which words and how often, in a pool of worker processes under a
// supervisor. On the way one worker is killed with SIGKILL, and one is caught in an endless loop; the result must be the
// same as in one process. `npm start`, or `npm start -- --workers 4 --folder node_modules/xstate`.
import { availableParallelism } from 'node:os'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { liveWorkers } from 'maltster'
import { differences, fingerprint } from './compare.mjs'
import { Crew } from './crew.mjs'
import { inBatches, listTextFiles, readOnce } from './files.mjs'
import { indexAll } from './indexing.mjs'
import { Progress, reportOf } from './report.mjs'
import { counted, number, seconds } from './words.mjs'

const { values } = parseArgs({ options: { workers: { type: 'string' }, folder: { type: 'string' } } })
const workerCount = Number(values.workers ?? Math.min(4, Math.max(2, availableParallelism())))
if (!(Number.isInteger(workerCount) && workerCount >= 1))
  throw new RangeError('--workers takes a number from 1 on')

const folder = resolve(values.folder ?? fileURLToPath(new URL('../../node_modules', import.meta.url)))
const files = listTextFiles(folder)
const paths = files.map(({ path }) => path)
const batches = inBatches(files, Math.min(100, Math.ceil(files.length / 24) || 1))
const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
console.log(
  `Indexing ${number(files.length)} text files of ${basename(folder)} (${(bytes / 1e6).toFixed(1)} MB) ` +
    `in ${batches.length} batches, with ${workerCount} workers.\n`,
)

readOnce(files)
const progress = new Progress(batches.length)
const crew = new Crew({
  batches,
  workerCount,
  killAtBatch: Math.floor(batches.length / 6),
  trapBatch: Math.floor((batches.length * 2) / 3),
  onProgress: (done) => progress.update(done),
  onNews: (text) => progress.news(text),
})
const startedMs = performance.now()
const index = await crew.run()
const workersMs = performance.now() - startedMs
progress.news('The same in one process …')
const startedAloneMs = performance.now()
const processorBefore = process.cpuUsage()
const alone = indexAll(paths)
const aloneMs = performance.now() - startedAloneMs
const { user, system } = process.cpuUsage(processorBefore)

const { figures } = crew
const result = {
  index,
  figures,
  workersMs,
  aloneMs,
  aloneProcessorMs: (user + system) / 1000,
  batches: batches.length,
  fingerprint: fingerprint(index),
  fingerprintAlone: fingerprint(alone),
  differences: differences(index, alone),
}
console.log(`\n${reportOf(result)}\n`)

const isEqual = result.differences.length === 0 && result.fingerprint === result.fingerprintAlone
const wasKilled = figures.deaths.some(({ reason }) => reason.signal === 'SIGKILL')
const wasCaught = figures.interrupts.some(({ result: { outcome } }) => outcome === 'interrupted')
const keptState = figures.interrupts.every(({ stateIsKept }) => stateIsKept)
const wasRestarted = figures.restarts.some(({ outcome }) => outcome === 'restarted')
const isOk = isEqual && wasKilled && wasRestarted && wasCaught && keptState && liveWorkers().length === 0
process.exitCode = isOk ? 0 : 1
console.log(
  `${isOk ? 'ok' : 'FAILED'}: ${counted(files.length, 'file')}, ${counted(index.size, 'word')}, ` +
    `${isEqual ? 'equal to' : 'DIFFERENT from'} one process; ${counted(figures.deaths.length, 'death')}, ` +
    `${counted(figures.restarts.length, 'restart')}, ` +
    `${counted(figures.interrupts.length, 'interrupt')}, ` +
    `${counted(figures.batchesRun - batches.length, 'batch')} redone; ` +
    `${seconds(workersMs)} with ${counted(workerCount, 'worker')}, ${seconds(aloneMs)} in one process`,
)
