// A notebook server in small: two notebooks, a worker each. Cells run, print, are interrupted, start workers of their
// own, and kill their process; each step is checked. `node examples/02-notebook-host/main.mjs`, or with `--limit-ms`.
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { liveWorkers, observe } from 'maltster'
import { Notebook } from './notebook.mjs'

/** @typedef {import('./notebook.mjs').Cell} Cell */
/** @typedef {import('maltster').WorkerTree} WorkerTree */

const startedMs = performance.now()
const { values } = parseArgs({ options: { 'limit-ms': { type: 'string' } } })
const limitMs = Number(values['limit-ms'] ?? 9000)
// Whatever goes wrong, this ends; and with it all workers.
setTimeout(() => {
  console.log(`FAILED: not done after ${limitMs} ms`)
  process.exit(1)
}, limitMs).unref()

let checks = 0
let failures = 0

/**
 * @param {string} what
 * @param {unknown} actual
 * @param {unknown} expected
 */
function check(what, actual, expected) {
  checks++
  const isRight = isDeepStrictEqual(actual, expected)
  if (!isRight) failures++
  console.log(`${isRight ? '  ok    ' : '  WRONG '} ${what}${isRight ? '' : `: ${JSON.stringify(actual)}`}`)
}

/** @param {string} source @param {string} [id] @returns {Cell} */
const cell = (source, id = `cell ${++cells}`) => ({ id, source })
let cells = 0

/** What happened to workers in workers, which only events tell. @type {string[]} */
const nested = []
const watching = observe(({ path, type }) => path.includes('/') && nested.push(`${path} ${type}`), {
  types: ['worker.ready', 'worker.exited'],
})

/** What cells print and ask for, as it comes. @type {string[]} */
const printed = []
/** @type {(text: string) => void} */
let hear = () => {}
/** @param {string} text */
const heard = (text) => new Promise((resolve) => (hear = (one) => one.includes(text) && resolve(one)))
/** @type {(id: string) => void} */
let request = () => {}

const folder = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '')
/** @param {string} name */
const open = (name) =>
  new Notebook(name, {
    folder,
    onOutput: (id, text) => {
      printed.push(`${id}: ${text.trimEnd()}`)
      hear(text)
    },
    onRequest: (id) => request(id),
  })
const analysis = open('analysis')
const teaching = open('teaching')

console.log('Two notebooks start')
const [{ folder: startedIn, version }] = await Promise.all([analysis.start(), teaching.start()])
check(
  'each with a worker of its own',
  liveWorkers()
    .map(({ name }) => name)
    .toSorted(),
  ['analysis', 'teaching'],
)
check('the host reads their surroundings', [startedIn, version], [process.cwd(), process.version])

console.log('Cells run, and see each other’s names')
const load = cell('const prices = [3, 4, 5]; console.log("loaded", process.env.NOTEBOOK)')
const sum = cell('let total = prices.reduce((a, b) => a + b); total')
const show = cell('({ total, "in": process.cwd().split("/").at(-1) })')
const first = await analysis.run([load, sum, show])
check(
  'all are done',
  first.map(({ status }) => status),
  ['done', 'done', 'done'],
)
check('results are shown', first[2]?.text, "{ total: 12, in: '02-notebook-host' }")
check('output came as it was printed', printed, ['cell 1: loaded analysis'])
check('and is in the result', first[0]?.stdout, 'loaded analysis\n')
check(
  'the other notebook has none of it',
  (await teaching.run([cell('typeof prices')]))[0]?.text,
  "'undefined'",
)

console.log('One cell runs again, in a fresh scope')
const discounted = { ...sum, source: 'let reduced = 10; reduced' }
check(
  'names of other cells were moved on',
  (await analysis.run([discounted, cell('prices.length')])).map(({ text }) => text),
  ['10', '3'],
)
check('its own former ones are gone', (await analysis.run([cell('typeof total')]))[0]?.text, "'undefined'")
check('completions', await analysis.complete('re'), ['reduced'])

console.log('Cells fail')
const [thrown, wrong] = await analysis.run([cell('1\nnull.x'), cell('let = = 2')])
check('with a position', [thrown?.status, thrown?.position], ['failed', { line: 2, column: 6 }])
check('a wrong one, too', [wrong?.status, wrong?.position?.line], ['failed', 1])

console.log('A cell asks for another to be run')
const asked = new Promise((resolve) => (request = resolve))
await analysis.run([cell('notebook.requestRun("cell 2")')])
check('the host hears of it', await asked, 'cell 2')

console.log('A cell is interrupted')
const spins = heard('spinning')
const run = analysis.run([cell('let kept = 7'), cell('console.log("spinning"); while (true) {}'), cell('8')])
await spins
const interrupt = await analysis.interrupt()
check('it was cut off', interrupt?.outcome, 'interrupted')
check(
  'those after it did not begin',
  (await run).map(({ status }) => status),
  ['done', 'interrupted', 'interrupted'],
)
check('names are kept', (await analysis.run([cell('kept + prices.length')]))[0]?.text, '10')
const waits = heard('waiting')
const waiting = analysis.run([cell('console.log("waiting"); await new Promise(() => {})')])
await waits
check('a value is asked for while a cell waits', await analysis.query('prices[0] + kept'), 10)
check('no completions meanwhile', await analysis.complete('p'), [])
await analysis.interrupt()
check('a waiting cell ends too', (await waiting)[0]?.status, 'interrupted')

console.log('A cell has workers of its own')
const helper = cell(`
  import { spawnWorker } from 'maltster'
  const helper = await spawnWorker({ name: 'helper' })
  const workerPath = helper.path
  await helper.call((numbers) => Math.max(...numbers), [prices])`)
check('and uses them', (await analysis.run([helper]))[0]?.text, '5')
check(
  'they are seen from here',
  analysis.worker?.children.map(({ path, state }) => `${path} ${state}`),
  ['analysis/helper idle'],
)

console.log('A cell kills its process')
const killed = await analysis.run([
  cell('process.kill(process.pid, "SIGKILL"); await new Promise(() => {})'),
  cell('1'),
])
check(
  'that is a result',
  killed.map(({ status }) => status),
  ['process exited', 'no process'],
)
check('its worker has ended with it', analysis.worker?.children, [])
check('the other notebook does not notice', (await teaching.run([cell('1 + 1')]))[0]?.text, '2')
check(
  'the next run starts anew',
  (await analysis.run([load, sum])).map(({ text }) => text),
  ['undefined', '12'],
)

console.log('A notebook restarts, and runs all its cells')
const before = analysis.worker?.pid
await analysis.run([helper])
const restarted = await analysis.restart([load, sum, show, helper])
check(
  'all are done',
  restarted.map(({ status }) => status),
  ['done', 'done', 'done', 'done'],
)
check('in another process', analysis.worker?.pid !== before, true)
check(
  'the cell’s worker was heard of each time',
  nested.filter((event) => event.endsWith('worker.ready')),
  Array(3).fill('analysis/helper worker.ready'),
)

await Promise.all([analysis.stop(), teaching.stop()])
check('nothing is left', liveWorkers(), [])
watching[Symbol.dispose]?.()

process.exitCode = failures === 0 ? 0 : 1
const seconds = ((performance.now() - startedMs) / 1000).toFixed(2)
console.log(`${failures === 0 ? 'ok' : 'FAILED'}: ${checks - failures} of ${checks} checks, ${seconds} s`)
