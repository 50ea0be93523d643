// `npm run bench -- pool [ROUNDS]`: what a booted spare is worth beside a cold start, and what an item of a map costs by
// the size of its batches. All in this one process, in turns. Exits with 1 when the aim for spares is missed.
import { pool, spawnWorker } from 'maltster'

import { median, quantile } from './samples.mjs'

/** The first result of a spare that takes over, as a share of what a cold start takes. */
const aim = 0.06
const quiet = /** @type {const} */ ({ stdout: 'ignore', stderr: 'ignore' })
const items = 4000

/** @param {number} a @param {number} b */
const add = (a, b) => a + b
const die = () => process.kill(process.pid, 'SIGKILL')

/** @param {() => Promise<unknown>} run */
async function timed(run) {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}

/** @param {unknown} sum */
function expect42(sum) {
  if (sum !== 42) throw new Error(`expected 42, got ${String(sum)}`)
}

async function coldStart() {
  /** @type {import('maltster').Worker | undefined} */
  let worker
  const ms = await timed(async () => {
    worker = await spawnWorker(quiet)
    expect42(await worker.call(add, [40, 2]))
  })
  await worker?.stop()
  return ms
}

/** Resolves when as many are up as there are to be. @param {import('maltster').Pool} workers @param {number} count */
async function whenUp(workers, count) {
  while (workers.stats().members.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
}

/**
 * The member dies in a call; from its rejection, and from its death, to the first result of the next.
 * @param {number} spares
 */
async function afterDeath(spares) {
  const workers = await pool({ size: 1, spares, worker: quiet })
  const [member] = workers.stats().members
  if (member === undefined) throw new Error('there is no member')
  let sinceDeathMs = 0
  let sinceSeenMs = 0
  sinceDeathMs = await timed(async () => {
    await workers.call(die).catch(() => {})
    sinceSeenMs = await timed(async () => expect42(await workers.call(add, [40, 2])))
  })
  await whenUp(workers, 1 + spares)
  await workers.stop()
  return { sinceDeathMs, sinceSeenMs }
}

/** @param {number} rounds */
async function mapCosts(rounds) {
  const workers = await pool({ size: 2, worker: quiet })
  const numbers = Array.from({ length: items }, (_, at) => at)
  /** @param {number} n */
  const double = (n) => n * 2
  /** @type {Record<string, number>} */
  const micros = {}
  for (const batchSize of [1, 10, 100]) {
    /** @type {number[]} */
    const samples = []
    for (let round = 0; round <= rounds; round++) {
      const ms = await timed(async () => {
        const doubled = await workers.map(numbers, double, { batchSize })
        if (doubled[items - 1] !== 2 * (items - 1)) throw new Error('a wrong result')
      })
      if (round > 0) samples.push((ms * 1000) / items)
    }
    micros[batchSize] = median(samples)
  }
  await workers.stop()
  return micros
}

/**
 * @param {string} machine
 * @param {number} rounds
 * @returns {Promise<number>} the exit code
 */
export async function benchPool(machine, rounds) {
  console.log(machine)
  /** @type {Record<string, number[]>} */
  const ms = { cold: [], restarted: [], spare: [], spareSinceDeath: [], restartedSinceDeath: [] }
  for (let round = 0; round <= rounds; round++) {
    const cold = await coldStart()
    const spare = await afterDeath(1)
    const restarted = await afterDeath(0)
    // The first round brings files into memory.
    if (round === 0) continue
    ms['cold']?.push(cold)
    ms['spare']?.push(spare.sinceSeenMs)
    ms['spareSinceDeath']?.push(spare.sinceDeathMs)
    ms['restarted']?.push(restarted.sinceSeenMs)
    ms['restartedSinceDeath']?.push(restarted.sinceDeathMs)
  }
  const row = (/** @type {string} */ label, /** @type {string} */ name) => {
    const samples = ms[name] ?? []
    const cells = [median(samples), quantile(samples, 0.9), median(samples) / median(ms['cold'] ?? [])]
    console.log(`  ${label.padEnd(46)}${cells.map((cell) => cell.toFixed(2).padStart(10)).join('')}`)
  }
  console.log(
    `\n  ${'ms to the first result'.padEnd(46)}${['median', 'p90', 'of cold'].map((word) => word.padStart(10)).join('')}`,
  )
  row('cold start', 'cold')
  row('a spare, from when the death is known', 'spare')
  row('a spare, from the call that kills', 'spareSinceDeath')
  row('without a spare, from when the death is known', 'restarted')
  row('without a spare, from the call that kills', 'restartedSinceDeath')
  const micros = await mapCosts(Math.min(rounds, 5))
  console.log(
    `\n  µs of an item of a map over two workers, by batch size: ${Object.entries(micros)
      .map(([size, cost]) => `${size}: ${cost.toFixed(1)}`)
      .join(', ')}`,
  )
  const share = median(ms['spare'] ?? []) / median(ms['cold'] ?? [])
  const isMet = share <= aim
  console.log(
    `\nbench, pool: first result of a claimed spare ${median(ms['spare'] ?? []).toFixed(2)} ms = ${share.toFixed(3)} of a cold start ` +
      `(aim ${aim} ${isMet ? 'met' : 'MISSED'}); an item of a map ${micros['1']?.toFixed(1)} µs, in batches of 100 ${micros['100']?.toFixed(1)} µs`,
  )
  return isMet ? 0 : 1
}
