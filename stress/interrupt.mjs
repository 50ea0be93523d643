// `npm run stress:interrupt -- --seconds 60 [--seed N] [--only a,b] [--workers 2]`: random interrupts over many ways
// to hang. Each round judges the call itself, what ran beside and behind it, and whether the worker is as good as
// before. Aim: nothing wrong, no death without a reason, at least 99.5 % ok (of a short run, all but one). With
// `--sabotage counter` it must miss it.
import { observe, spawnWorker } from 'maltster'

import { judge } from './interrupt/judge.mjs'
import { knownEscapes, prepareWorker, queued, waysToHang } from './interrupt/patterns.mjs'
import { describePlan, plan, play } from './interrupt/round.mjs'
import { Tally } from './interrupt/tally.mjs'
import { namesOption, numberOption, readOptions, refuse } from './support/options.mjs'
import { freshSeed, Random } from './support/random.mjs'
import { brief, within } from './support/settled.mjs'

const usage =
  'npm run stress:interrupt -- [--seconds 60] [--seed N] [--only a,b] [--workers 2] [--sabotage counter]'
const leastOk = 0.995

const given = readOptions(usage, ['seconds', 'seed', 'only', 'workers', 'sabotage'])
const seconds = numberOption(usage, 'seconds', given['seconds'], 60, 0.1)
const seed = numberOption(usage, 'seed', given['seed'], freshSeed(), 0)
const workers = numberOption(usage, 'workers', given['workers'], 2, 1)
const everyWay = [...waysToHang, ...knownEscapes]
const names = everyWay.map(({ name }) => name)
const chosen = namesOption(
  usage,
  'only',
  given['only'] ?? waysToHang.map(({ name }) => name).join(','),
  names,
)
const ways = everyWay.filter(({ name }) => chosen.includes(name))
const { sabotage } = given
if (sabotage !== undefined && sabotage !== 'counter') refuse(usage, `There is no sabotage ${sabotage}.`)

const tally = new Tally()
let rounds = 0
let workersStarted = 0
/** Calls that have settled other than once, and replies that belonged to none. */
/** @type {Map<string, number>} */
const settlements = new Map()
/** @type {string[]} */
let strays = []
observe(
  (event) => {
    if (event.type === 'call.started') settlements.set(`${event.path}#${event.callId}`, 0)
    else if (event.type === 'call.settled') {
      const key = `${event.path}#${event.callId}`
      settlements.set(key, (settlements.get(key) ?? 0) + 1)
    } else if (event.type === 'frame.dropped' && event.why.startsWith('No such call')) {
      strays.push(`${event.path}#${event.callId}`)
    }
  },
  { types: ['call.started', 'call.settled', 'frame.dropped'] },
)

async function newWorker() {
  const name = `stress-${++workersStarted}`
  const worker = await spawnWorker({ name, stdout: 'ignore', stderr: 'ignore', bootTimeoutMs: 60_000 })
  // So that waiting for its end holds this program open.
  worker.ref()
  await worker.call(prepareWorker)
  return worker
}

/**
 * Says what became of a round that did not go well.
 * @param {'stuck' | 'died' | 'wrong'} outcome
 * @param {import('./interrupt/round.mjs').Plan} round
 * @param {import('./interrupt/round.mjs').Sight} sight
 * @param {readonly string[]} faults
 */
function report(outcome, round, sight, faults) {
  const results = sight.interrupts.map((one) =>
    one === undefined ? 'unsettled' : `${one.outcome} ${one.afterMs.toFixed(0)} ms`,
  )
  const end = sight.hang === undefined ? 'unsettled' : sight.hang.ok ? 'a value' : brief(sight.hang.error)
  console.log(`${outcome.toUpperCase()} round ${round.n}: ${describePlan(round)}`)
  console.log(
    `  interrupts: [${results.join(', ')}]; call: ${end}; recovered after ${sight.latencyMs.toFixed(0)} ms`,
  )
  for (const fault of faults) console.log(`  ${fault.replaceAll('\n', '\n    ')}`)
}

/**
 * @param {import('maltster').Worker} worker
 * @returns {Promise<string[]>} what is wrong about the end of a worker that nobody has ended
 */
async function judgeDeath(worker) {
  const reason = await within(worker.exited, 2000)
  const isKnown = reason !== undefined && (reason.exitCode !== null || reason.signal !== null)
  if (!isKnown) tally.deathsWithoutReason++
  if (reason === undefined) return ['the worker died, and `exited` did not resolve']
  const { type, exitCode, signal, stderrTail, uptimeMs } = reason
  return [
    `the worker died: ${type}, exit code ${exitCode}, signal ${signal}, after ${uptimeMs.toFixed(0)} ms`,
    ...(stderrTail === '' ? [] : [`on stderr: ${stderrTail.slice(-1500)}`]),
  ]
}

/** @param {Random} random */
async function run(random) {
  let worker = await newWorker()
  // What the first boot takes is not of that time, or a short run on a busy machine would have no round.
  const endMs = performance.now() + seconds * 1000
  let count = 0
  while (performance.now() < endMs) {
    const round = plan(random, ways, ++rounds)
    const sight = await play(worker, round)
    if (sabotage === 'counter') await worker.call(queued)
    const verdict = judge(round, sight, count)
    const own = strays.filter((stray) => stray.startsWith(`${worker.path}#`))
    strays = strays.filter((stray) => !own.includes(stray))
    const faults = [...verdict.faults, ...own.map((stray) => `a reply belonged to no call: ${stray}`)]
    const hasDied = worker.state === 'dead'
    if (hasDied) faults.push(...(await judgeDeath(worker)))
    const outcome = hasDied ? 'died' : faults.length > 0 ? 'wrong' : verdict.isStuck ? 'stuck' : 'ok'
    tally.add(round.way.name, outcome, sight.latencyMs)
    count = verdict.count
    if (outcome === 'ok') continue
    report(outcome, round, sight, faults)
    worker.kill()
    await worker.exited
    worker = await newWorker()
    count = 0
  }
  await worker.stop({ drainMs: 0 })
}

console.log(`seed ${seed}, ${ways.length} ways to hang, ${workers} workers, ${seconds} s`)
await Promise.all(Array.from({ length: workers }, (_, index) => run(new Random(seed + index))))

const unsettled = [...settlements].filter(([, times]) => times !== 1)
for (const [call, times] of unsettled.slice(0, 20)) console.log(`WRONG call ${call} settled ${times} times`)
console.log(tally.table(names))
const { ways: met, rounds: total, ok, stuck, died, wrong, medianMs, maxMs } = tally.totals
const share = total === 0 ? 0 : ok / total
const mayMiss = Math.max(1, Math.floor(total * (1 - leastOk)))
const isGood = wrong === 0 && unsettled.length === 0 && tally.deathsWithoutReason === 0
const isMet = isGood && total > 0 && total - ok <= mayMiss
console.log(
  `${isMet ? 'ok' : 'FAILED'}: ${total} interrupts over ${met} ways: ${ok} ok (${(share * 100).toFixed(2)} %), ` +
    `${stuck} stuck, ${died} died (${tally.deathsWithoutReason} without a reason), ${wrong + unsettled.length} wrong; ` +
    `median ${medianMs.toFixed(1)} ms, max ${maxMs.toFixed(0)} ms, seed ${seed}`,
)
process.exitCode = isMet ? 0 : 1
