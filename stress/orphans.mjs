// `npm run stress:orphans -- --rounds 200 [--seed N] [--states a,b] [--endings a,b]`: hosts with several workers in
// random states come to their end in random ways. Aim: one second later nothing of any tree is alive; `--within-ms` is
// for machines that have other things to do. Processes are found by a mark in their environment, so that no grandchild
// is missed. `--sabotage escape` must miss the aim.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { holdingStates, states } from './fixtures/orphan-states.mjs'
import { namesOption, numberOption, readOptions, refuse } from './support/options.mjs'
import { commandLine, hasProcFs, isStillAlive, marked } from './support/processes.mjs'
import { freshSeed, Random } from './support/random.mjs'
import { within } from './support/settled.mjs'

const usage =
  'npm run stress:orphans -- [--rounds 200] [--seed N] [--states a,b] [--endings a,b] [--within-ms 1000] [--sabotage escape]'
const allEndings = [
  'exit',
  'timer',
  'uncaught',
  'rejection',
  'natural',
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGKILL',
]
const markerName = 'MALTSTER_STRESS_MARK'
const hostFile = fileURLToPath(new URL('./fixtures/orphan-host.mjs', import.meta.url))

const given = readOptions(usage, ['rounds', 'seed', 'states', 'endings', 'within-ms', 'sabotage'])
const rounds = numberOption(usage, 'rounds', given['rounds'], 200, 1)
const seed = numberOption(usage, 'seed', given['seed'], freshSeed(), 0)
const limitMs = numberOption(usage, 'within-ms', given['within-ms'], 1000, 1)
const names = namesOption(usage, 'states', given['states'], Object.keys(states))
const endings = namesOption(usage, 'endings', given['endings'], allEndings)
const { sabotage } = given
if (sabotage !== undefined && sabotage !== 'escape') refuse(usage, `There is no sabotage ${sabotage}.`)
if (!hasProcFs) refuse(usage, `This reads /proc, which ${process.platform} does not have.`)

const random = new Random(seed)
/** @typedef {{ rounds: number, survivors: number, latestMs: number }} Row */
/** @type {Map<string, Row>} */
const rows = new Map()
let processes = 0
let survivors = 0
let faults = 0
let latestMs = 0

function chooseScript(/** @type {number} */ round) {
  const ending = random.pick(endings)
  const count = 2 + Math.floor(random.next() * 4)
  const chosen = Array.from({ length: count }, () => random.pick(names))
  const fitting = ending === 'natural' ? chosen.filter((name) => !holdingStates.includes(name)) : chosen
  return {
    states: fitting.length === 0 ? ['idle'] : fitting,
    ending,
    markerName,
    marker: `${process.pid}-${seed}-${round}`,
    settleMs: random.between(0, 150),
    bootMs: random.between(0, 120),
    escape: sabotage === 'escape',
  }
}

/**
 * Starts a host and waits until it is about to end.
 * @param {ReturnType<typeof chooseScript>} script
 */
async function startHost(script) {
  const host = spawn(process.execPath, [hostFile, JSON.stringify(script)], {
    env: { ...process.env, [markerName]: script.marker },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  host.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const gone = once(host, 'exit').then(([code, signal]) => ({ code, signal, atMs: performance.now() }))
  const ready = await within(Promise.race([once(host.stdout, 'data'), gone.then(() => undefined)]), 90_000)
  return { host, gone, isReady: ready !== undefined, stderr: () => stderr }
}

/**
 * What is left of a tree, once nothing is or the time is up, and how long that took.
 * @param {string} mark
 * @param {readonly import('./support/processes.mjs').Seen[]} before
 * @param {number} endedMs
 */
async function waitForEnd(mark, before, endedMs) {
  for (;;) {
    const elapsedMs = performance.now() - endedMs
    const known = before.filter(isStillAlive)
    const found = marked(mark)
    const left = [...new Map([...known, ...found].map((seen) => [seen.pid, seen])).values()]
    if (left.length === 0 || elapsedMs > limitMs) return { left, elapsedMs }
    await delay(10)
  }
}

/** @param {ReturnType<typeof chooseScript>} script */
async function playRound(script) {
  const mark = `${markerName}=${script.marker}`
  const { host, gone, isReady, stderr } = await startHost(script)
  const before = marked(mark)
  /** @type {string[]} */
  const wrong = isReady ? [] : [`the host did not get ready: ${stderr().slice(0, 600)}`]
  if (script.ending.startsWith('SIG')) host.kill(/** @type {NodeJS.Signals} */ (script.ending))
  let end = await within(gone, 10_000)
  if (end === undefined) {
    wrong.push('the host did not end')
    host.kill('SIGKILL')
    end = await gone
  }
  const { left, elapsedMs } = await waitForEnd(mark, before, end.atMs)
  const lines = left.map(({ pid, letter }) => `survivor ${pid} (${letter}): ${commandLine(pid)}`)
  for (const { pid } of [...left, ...marked(mark)]) killOne(pid)
  return { wrong, lines, elapsedMs, size: before.filter(({ pid }) => pid !== host.pid).length }
}

/** Only ever a process that carries this run's own mark. @param {number} pid */
function killOne(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended in between.
  }
}

/**
 * @param {string} key
 * @param {number} left
 * @param {number} elapsedMs
 */
function note(key, left, elapsedMs) {
  const row = rows.get(key) ?? { rounds: 0, survivors: 0, latestMs: 0 }
  rows.set(key, {
    rounds: row.rounds + 1,
    survivors: row.survivors + left,
    latestMs: Math.max(row.latestMs, elapsedMs),
  })
}

console.log(`seed ${seed}, ${names.length} states, ${endings.length} endings, ${rounds} rounds`)
for (let round = 1; round <= rounds; round++) {
  const script = chooseScript(round)
  const { wrong, lines, elapsedMs, size } = await playRound(script)
  processes += size
  survivors += lines.length
  faults += wrong.length
  latestMs = Math.max(latestMs, elapsedMs)
  for (const key of new Set([...script.states, script.ending])) note(key, lines.length, elapsedMs)
  if (wrong.length + lines.length === 0) continue
  console.log(`FAILED round ${round}: ${script.states.join(' + ')}, host ends by ${script.ending}`)
  for (const line of [...wrong, ...lines]) console.log(`  ${line}`)
}

console.log(`${'state or ending'.padEnd(18)}    rounds  survivors  latest ms`)
for (const name of [...names, ...endings]) {
  const row = rows.get(name)
  if (row === undefined) continue
  const cells = [String(row.rounds), String(row.survivors), row.latestMs.toFixed(0)]
  console.log(name.padEnd(18) + cells.map((cell, index) => cell.padStart(index === 0 ? 10 : 11)).join(''))
}
const isMet = survivors === 0 && faults === 0
console.log(
  `${isMet ? 'ok' : 'FAILED'}: ${rounds} hosts, ${processes} processes: ${survivors} survivors after ${limitMs} ms, ` +
    `${faults} other faults, last one gone after ${latestMs.toFixed(0)} ms, seed ${seed}`,
)
process.exitCode = isMet ? 0 : 1
