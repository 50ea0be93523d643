// `npm run stress:churn -- [--rounds 1000] [--at-once 4] [--seed N]`: so many times start and stop, and as many times
// start and kill. Aim: afterwards no process, zombie, descriptor or file is left and the heap has not grown by more
// than a few bytes a cycle. `--sabotage process` must miss it.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { liveWorkers, spawnWorker } from 'maltster'

import { numberOption, readOptions, refuse } from './support/options.mjs'
import { children, descriptors, hasProcFs, isAlive } from './support/processes.mjs'
import { freshSeed, Random } from './support/random.mjs'
import { brief, settled } from './support/settled.mjs'

const usage = 'npm run stress:churn -- [--rounds 1000] [--at-once 4] [--seed N] [--sabotage process]'
/** So much may a cycle leave behind on the average, and the whole run whatever its length. */
const cycleBytes = 1024
const anyLengthBytes = 2 * 2 ** 20

const given = readOptions(usage, ['rounds', 'at-once', 'seed', 'sabotage'])
const rounds = numberOption(usage, 'rounds', given['rounds'], 1000, 1)
const atOnce = numberOption(usage, 'at-once', given['at-once'], 4, 1)
const seed = numberOption(usage, 'seed', given['seed'], freshSeed(), 0)
const { sabotage } = given
if (sabotage !== undefined && sabotage !== 'process') refuse(usage, `There is no sabotage ${sabotage}.`)
if (!hasProcFs) refuse(usage, `This reads /proc, which ${process.platform} does not have.`)

setFlagsFromString('--expose-gc')
const collect = /** @type {() => void} */ (runInNewContext('gc'))
const random = new Random(seed)
/** @type {string[]} */
const wrong = []

/** The end of one worker, with or without a call in flight. */
const endings = {
  async stop(/** @type {import('maltster').Worker} */ worker, /** @type {boolean} */ isBusy) {
    const call = isBusy ? settled(worker.call((/** @type {number} */ n) => n + 1, [1])) : undefined
    const { type, exitCode } = await worker.stop()
    if (type !== 'shutdown' || exitCode !== 0) wrong.push(`stop: ${type}, exit code ${exitCode}`)
    const end = await call
    if (end !== undefined && end.value !== 2)
      wrong.push(`stop: the call ended with ${brief(end.error ?? end.value)}`)
  },
  async kill(/** @type {import('maltster').Worker} */ worker, /** @type {boolean} */ isBusy) {
    worker.ref()
    const call = isBusy ? settled(worker.call(() => new Promise(() => {}))) : undefined
    worker.kill()
    const { type, signal } = await worker.exited
    if (type !== 'killed' || signal !== 'SIGKILL') wrong.push(`kill: ${type}, signal ${signal}`)
    const end = await call
    if (end !== undefined && end.error?.name !== 'WorkerDiedError')
      wrong.push(`kill: the call ended with ${brief(end.error)}`)
  },
}

/**
 * @param {keyof typeof endings} how
 * @param {number} cycles
 */
async function churn(how, cycles) {
  let begun = 0
  async function lane() {
    while (begun < cycles) {
      begun++
      const start = settled(spawnWorker({ stdout: 'ignore', stderr: 'ignore', bootTimeoutMs: 60_000 }))
      const { ok, value, error } = await start
      if (ok) await endings[how](/** @type {import('maltster').Worker} */ (value), random.chance(0.5))
      else wrong.push(`spawn: ${brief(error)}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}

/** What is there now, after what is on its way out has gone. */
async function measure() {
  await delay(200)
  collect()
  await delay(20)
  collect()
  const { heapUsed, rss } = process.memoryUsage()
  const below = children()
  return {
    heapUsed,
    rss,
    descriptors: descriptors(),
    processes: below.filter(isAlive).length,
    zombies: below.filter((seen) => !isAlive(seen)).length,
    files: readdirSync(tmpdir()).filter((name) => name.startsWith('maltster-')).length,
    resources: process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'Immediate')
      .length,
    workers: liveWorkers().length,
  }
}

/** @typedef {Awaited<ReturnType<typeof measure>>} Measures */

/**
 * @param {string} label
 * @param {Measures} now
 * @param {Measures} first
 * @param {number} cycles
 */
function show(label, now, first, cycles) {
  const perCycle = cycles === 0 ? 0 : (now.heapUsed - first.heapUsed) / cycles
  const cells = [
    (now.heapUsed / 2 ** 20).toFixed(2),
    perCycle.toFixed(0),
    (now.rss / 2 ** 20).toFixed(1),
    now.descriptors.length,
    now.processes,
    now.zombies,
    now.resources,
    now.files,
  ]
  console.log(label.padEnd(18) + cells.map((cell) => String(cell).padStart(12)).join(''))
}

/**
 * What is more than it was.
 * @param {Measures} now
 * @param {Measures} first
 */
function growth(now, first) {
  const keys = /** @type {const} */ (['processes', 'zombies', 'files', 'resources', 'workers'])
  const more = keys
    .filter((key) => now[key] > first[key])
    .map((key) => `${key}: ${first[key]} before, ${now[key]} now`)
  const opened = now.descriptors.filter((line) => !first.descriptors.includes(line))
  if (now.descriptors.length !== first.descriptors.length) {
    more.push(
      `descriptors: ${first.descriptors.length} before, ${now.descriptors.length} now: ${opened.join('; ')}`,
    )
  }
  return more
}

console.log(`seed ${seed}, ${rounds} rounds of each, ${atOnce} at once`)
// What the first workers bring along for good: compiled code, the loop's descriptors for signals and children.
await churn('stop', 2 * atOnce)
await churn('kill', 2 * atOnce)
const leftover = sabotage === 'process' ? spawn('sleep', ['60'], { stdio: 'ignore' }) : undefined
const before = leftover === undefined ? await measure() : { ...(await measure()), processes: 0 }
const head = [
  'heap MiB',
  'bytes/cycle',
  'rss MiB',
  'descriptors',
  'processes',
  'zombies',
  'resources',
  'files',
]
console.log(''.padEnd(18) + head.map((cell) => cell.padStart(12)).join(''))
show('at the start', before, before, 0)

const startedMs = performance.now()
let cycles = 0
let last = before
for (const how of /** @type {const} */ (['stop', 'kill'])) {
  const portions = Math.min(5, rounds)
  for (let portion = 0; portion < portions; portion++) {
    const size = Math.floor((rounds * (portion + 1)) / portions) - Math.floor((rounds * portion) / portions)
    await churn(how, size)
    cycles += size
    last = await measure()
    show(`${cycles} (${how})`, last, before, cycles)
  }
}
const seconds = (performance.now() - startedMs) / 1000
leftover?.kill('SIGKILL')

const grown = last.heapUsed - before.heapUsed
const left = growth(last, before)
if (grown > anyLengthBytes + cycles * cycleBytes)
  left.push(`heap: grown by ${grown} bytes in ${cycles} cycles`)
for (const line of left) console.log(`LEFT ${line}`)
for (const line of new Set(wrong))
  console.log(`WRONG ${line} (${wrong.filter((one) => one === line).length} times)`)
const isMet = left.length === 0 && wrong.length === 0
console.log(
  `${isMet ? 'ok' : 'FAILED'}: ${rounds} stopped and ${rounds} killed, ${left.length} kinds of things left, ` +
    `${wrong.length} wrong ends; descriptors ${before.descriptors.length} to ${last.descriptors.length}, ` +
    `heap ${(grown / cycles).toFixed(0)} bytes a cycle, ${((2 * rounds) / seconds).toFixed(1)} cycles a second, seed ${seed}`,
)
process.exitCode = isMet ? 0 : 1
