// `npm run bench`: what a call costs beside `child_process.fork` and beside a bare socket, in one run. `--help` tells
// the options. Exits with 1 when the aim is missed, 2 for wrong arguments.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release } from 'node:os'
import { fileURLToPath } from 'node:url'

import { benchCapture } from './capture.mjs'
import { benchFlow } from './flow.mjs'
import { readCaptureOptions, readOptions, roundsOf } from './options.mjs'
import { benchPool } from './pool.mjs'
import { figure, table, timesBetter } from './report.mjs'
import { benchRestart } from './restart.mjs'

/** @typedef {import('./measure.mjs').Results} Results */
/** @typedef {{ title: string, cpuList: string | undefined }} Placement */

const inFlight = 64

/** Part of util-linux; there is none on other systems. */
const pinner = 'taskset'

try {
  if (process.argv[2] === 'capture') await benchCapture(machine(), readCaptureOptions(process.argv.slice(3)))
  else if (process.argv[2] === 'flow') process.exitCode = await benchFlow(machine(), process.argv.slice(3))
  else if (process.argv[2] === 'pool')
    process.exitCode = await benchPool(machine(), roundsOf(process.argv[3]))
  else if (process.argv[2] === 'restart')
    process.exitCode = await benchRestart(machine(), roundsOf(process.argv[3]))
  else process.exitCode = bench(readOptions(process.argv.slice(2)))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}

/**
 * @param {import('./options.mjs').BenchOptions} options
 * @returns {number} the exit code
 */
function bench(options) {
  console.log(machine())
  /** @type {Results[]} */
  const found = []
  for (const placement of placements()) {
    const isFirst = found.length === 0
    // Where it runs makes no difference to the memory of a process.
    const parts = options.parts.filter((name) => isFirst || name !== 'memory')
    if (parts.length === 0) continue
    process.stderr.write(`${placement.title}:\n`)
    const results = measure(placement, { ...options, parts })
    if (typeof results === 'string') {
      console.log(`bench: failed on ${placement.title}: ${results}`)
      return 1
    }
    found.push(results)
    console.log(`\n${table(placement.title, results, { inFlight, mebibytes: options.mebibytes })}`)
  }
  console.log('\nMedians. × is how many times better maltster is: above 1 it is faster, or smaller.\n')
  return conclude(found[0] ?? {}, found[1] ?? {}, options)
}

function machine() {
  const model = cpus()[0]?.model ?? 'unknown cpu'
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
  const system = `${process.platform} ${release()} ${process.arch}`
  return `${cpus().length} × ${model} (${availableParallelism()} to use), node ${process.version}, ${system}, load ${load}`
}

/** @returns {Placement[]} */
function placements() {
  if (spawnSync(pinner, ['--version']).error !== undefined) {
    console.log(`${pinner} is missing: nothing is pinned, so these figures also measure the scheduler`)
    return [{ title: 'not pinned', cpuList: undefined }]
  }
  const [first, second] = allowedCpus()
  const one = { title: `one cpu (${first})`, cpuList: `${first}` }
  if (second !== undefined)
    return [one, { title: `two cpus (${first}, ${second})`, cpuList: `${first},${second}` }]
  console.log('there is only one cpu to use: nothing is measured on two')
  return [one]
}

/** The cpus that this process may run on: usually 0, 1, …, in a container perhaps others. */
function allowedCpus() {
  const status = readFileSync('/proc/self/status', 'utf8')
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '0'
  return list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

/**
 * Runs `measure.mjs` in a process of its own, pinned; its children inherit that.
 * @param {Placement} placement
 * @param {import('./options.mjs').BenchOptions} options
 * @returns {Results | string} a string says how it ended without results
 */
function measure({ cpuList }, options) {
  const script = fileURLToPath(new URL('measure.mjs', import.meta.url))
  const command = [process.execPath, script, JSON.stringify(options)]
  const [program = '', ...args] = cpuList === undefined ? command : [pinner, '-c', cpuList, ...command]
  const env = { ...process.env }
  // It makes every boot that inherits it 50 ms longer. Workers don't inherit it, so that fork must not either.
  delete env['NODE_EXTRA_CA_CERTS']
  const { status, signal, stdout } = spawnSync(program, args, {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) return status === null ? `ended by ${signal}` : `exit code ${status}`
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '{}')
}

/**
 * Prints the last line, and answers the exit code.
 * @param {Results} one
 * @param {Results} two
 * @param {import('./options.mjs').BenchOptions} options
 */
function conclude(one, two, { aim, mebibytes }) {
  const value = (/** @type {string} */ metric, digits = 0) => figure(one[metric]?.['maltster'], digits)
  const times = timesBetter(one, 'callsPerSecond', 'fork')
  const isMissed = aim !== undefined && times !== undefined && times < aim
  const wanted = aim === undefined ? 'no aim' : `aim ${aim}×`
  const verdict =
    times === undefined
      ? `${wanted}, not measured`
      : aim === undefined
        ? wanted
        : `${wanted} ${isMissed ? 'MISSED' : 'met'}`
  const calls =
    `${inFlight} in flight ${value('callsPerSecond')}/s = ${figure(times, 1)}× fork (${verdict}), ` +
    `${figure(timesBetter(one, 'callsPerSecond', 'raw'), 2)}× raw, ` +
    `on two cpus ${figure(timesBetter(two, 'callsPerSecond', 'fork'), 1)}× fork`
  const others = [
    `call p50 ${value('callP50Us', 1)} µs`,
    `cold start ${value('coldStartMs', 1)} ms`,
    `${mebibytes} MiB ${value('argumentGBs', 2)} and ${value('resultGBs', 2)} GB/s`,
    `${value('rssMiB', 1)} MiB RSS`,
  ]
  console.log(`bench, one cpu: ${calls}; ${others.join('; ')}`)
  return isMissed ? 1 : 0
}
