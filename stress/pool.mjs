// `npm run stress:pool -- [--calls 2000] [--seconds 20] [--workers 4] [--kills 2] [--spares 0] [--seed N]`: at least so
// many calls over at least so many seconds, with so many `kill -9` a second. Half of the calls may be made again, half may
// not. Aim: none lost, none run twice that may not, none wrong, nothing left, and the pool at its size in the end.
// `--sabotage double` and `--sabotage wrong` must miss it.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { liveWorkers, pool, WorkerDiedError } from 'maltster'

import { numberOption, readOptions, refuse } from './support/options.mjs'
import { children, descriptors, hasProcFs } from './support/processes.mjs'
import { freshSeed, Random } from './support/random.mjs'
import { brief, within } from './support/settled.mjs'

const usage =
  'npm run stress:pool -- [--calls 2000] [--seconds 20] [--workers 4] [--kills 2] [--spares 0] [--seed N] [--sabotage double | wrong]'
/** A call that has not settled by then, after the last one was made, is lost. */
const patienceMs = 30_000
/** How many calls wait or run at once, for each worker. */
const outstanding = 4
const taskMs = 25

const given = readOptions(usage, ['calls', 'seconds', 'workers', 'kills', 'spares', 'seed', 'sabotage'])
const leastCalls = numberOption(usage, 'calls', given['calls'], 2000, 1)
const leastMs = numberOption(usage, 'seconds', given['seconds'], 20, 0) * 1000
const size = numberOption(usage, 'workers', given['workers'], 4, 1)
const killsPerSecond = numberOption(usage, 'kills', given['kills'], 2, 0)
const spares = numberOption(usage, 'spares', given['spares'], 0, 0)
const seed = numberOption(usage, 'seed', given['seed'], freshSeed(), 0)
const { sabotage } = given
if (sabotage !== undefined && sabotage !== 'double' && sabotage !== 'wrong')
  refuse(usage, `There is no sabotage ${sabotage}.`)
if (!hasProcFs) refuse(usage, `This reads /proc, which ${process.platform} does not have.`)

const random = new Random(seed)
const folder = mkdtempSync(join(tmpdir(), 'stress-pool-'))
const log = join(folder, 'runs')
writeFileSync(log, '')
const before = descriptors().length

/**
 * Runs in a worker: says so in a file that all share, takes its time, and computes something.
 * @param {number} id
 * @param {string} path
 * @param {number} ms
 */
async function task(id, path, ms) {
  const { appendFileSync: append } = await import('node:fs')
  append(path, `${id}\n`)
  const until = performance.now() + ms / 5
  while (performance.now() < until);
  await new Promise((resolve) => setTimeout(resolve, (ms * 4) / 5))
  return id * id + 1
}

/** @typedef {{ id: number, mayRepeat: boolean, value?: unknown, error?: unknown }} Call */
/** @type {Call[]} */
const calls = []
let kills = 0
const startedMs = performance.now()
const isOver = () => calls.length >= leastCalls && performance.now() - startedMs >= leastMs

const workers = await pool({ name: 'crew', size, spares, worker: { stdout: 'ignore', stderr: 'ignore' } })
console.log(`seed ${seed}, ${size} workers and ${spares} spares, ${killsPerSecond} kills a second`)

async function caller() {
  while (!isOver()) {
    const call = /** @type {Call} */ ({ id: calls.length, mayRepeat: random.chance(0.5) })
    calls.push(call)
    const options = call.mayRepeat ? { retry: { times: 20 } } : {}
    try {
      call.value = await workers.call(task, [call.id, log, taskMs], options)
    } catch (error) {
      call.error = error
    }
  }
}

async function killer() {
  const pauseMs = 1000 / killsPerSecond
  while (!isOver()) {
    await delay(pauseMs * random.between(0.5, 1.5))
    const { members } = workers.stats()
    if (members.length === 0) continue
    try {
      process.kill(random.pick(members).pid, 'SIGKILL')
      kills++
    } catch {
      // It had died already, and its supervisor does not know yet.
    }
  }
}

const allMade = Promise.all([
  killsPerSecond > 0 ? killer() : undefined,
  ...Array.from({ length: size * outstanding }, caller),
])
const isDone = (await within(allMade, leastMs + leastCalls * taskMs + patienceMs)) !== undefined
const busyMs = performance.now() - startedMs
for (let asked = 0; asked < 1000 && workers.stats().members.length < size + spares; asked++) await delay(20)
const stats = workers.stats()
await workers.stop()
if (sabotage === 'double')
  appendFileSync(log, `${calls.find(({ mayRepeat, value }) => !mayRepeat && value)?.id}\n`)
if (sabotage === 'wrong') calls[0] = { id: 0, mayRepeat: true, value: 'nonsense' }

/** How often each task has begun. */
const runs = new Map()
for (const line of readFileSync(log, 'utf8').trimEnd().split('\n'))
  runs.set(Number(line), (runs.get(Number(line)) ?? 0) + 1)
rmSync(folder, { recursive: true })

/** @type {Record<'lost' | 'doubled' | 'wrong', string[]>} */
const faults = { lost: [], doubled: [], wrong: [] }
let held = 0
for (const { id, mayRepeat, value, error } of calls) {
  const times = runs.get(id) ?? 0
  if (value === undefined && error === undefined) faults.lost.push(`call ${id} has not settled`)
  else if (error !== undefined) {
    if (mayRepeat || !(error instanceof WorkerDiedError)) faults.lost.push(`call ${id}: ${brief(error)}`)
    else if (error.executed === 'no' && times > 0)
      faults.wrong.push(`call ${id} is said not to have run, and has`)
    else held++
  } else if (value !== id * id + 1) faults.wrong.push(`call ${id} has returned ${String(value)}`)
  else if (times === 0) faults.wrong.push(`call ${id} has returned, and never run`)
  if (!mayRepeat && times > 1) faults.doubled.push(`call ${id} has run ${times} times`)
}
if (held > kills) faults.lost.push(`${held} calls were held by ${kills} workers that died`)

await delay(200)
const left = []
if (stats.members.length !== size + spares) left.push(`the pool has ${stats.members.length} members`)
if (children().length > 0) left.push(`${children().length} processes`)
if (liveWorkers().length > 0) left.push(`${liveWorkers().length} workers`)
// The loop keeps what it needs for signals and children once it has had them.
if (descriptors().length > before + 4) left.push(`${descriptors().length - before} descriptors`)
if (!isDone) left.push('calls that wait')

for (const [kind, list] of Object.entries(faults))
  for (const line of list.slice(0, 10)) console.log(`${kind.toUpperCase()} ${line}`)
for (const line of left) console.log(`LEFT ${line}`)
const isMet = Object.values(faults).every(({ length }) => length === 0) && left.length === 0
const again = calls.filter(({ mayRepeat, id }) => mayRepeat && (runs.get(id) ?? 0) > 1).length
console.log(
  `${isMet ? 'ok' : 'FAILED'}: ${calls.length} calls in ${(busyMs / 1000).toFixed(1)} s, ${kills} kills; ` +
    `${faults.lost.length} lost, ${faults.doubled.length} doubled, ${faults.wrong.length} wrong, ${left.length} kinds of things left; ` +
    `${held} rejected with their worker, ${again} run again as they may; ${stats.restarts} restarts, ` +
    `${stats.members.length} of ${size + spares} members, seed ${seed}`,
)
process.exitCode = isMet ? 0 : 1
