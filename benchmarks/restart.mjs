// `npm run bench -- restart [ROUNDS]`: how long a worker that was killed with SIGKILL is missed, beside the bare boot of a
// process by `fork` that says one word. All in this one process, in turns. Exits with 1 when an aim is missed.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { pool, supervise } from 'maltster'

import { median, quantile } from './samples.mjs'

/** As shares of what a bare fork takes. */
const aims = { ready: 1.5, spare: 0.3 }
const quiet = /** @type {const} */ ({ stdout: 'ignore', stderr: 'ignore' })
const child = fileURLToPath(new URL('peers/ready-child.mjs', import.meta.url))

const ownPid = () => process.pid

/** Processes that inherit it take 50 ms longer to boot. Workers don't inherit it, so that fork must not either. */
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env

/** @param {() => Promise<unknown>} run */
async function timed(run) {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}

async function bareFork() {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let forked
  const ms = await timed(async () => {
    forked = fork(child, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], env })
    await once(forked, 'message')
  })
  if (forked?.exitCode === null) await once(forked, 'exit')
  return ms
}

/**
 * Kills a worker, and waits for the next one at its place: until it is ready, and until it has answered.
 * @param {import('maltster').Supervisor} app
 */
async function restart(app) {
  const handle = app.worker('worker')
  const { pid: before = 0, incarnation } = handle
  const startedAt = performance.now()
  const gone = new Promise((resolve) => app.monitor('worker', resolve))
  process.kill(before, 'SIGKILL')
  // Made before anybody here knows of the death: it reaches the replacement.
  const answered = handle.call(ownPid)
  await gone
  await handle.whenUp()
  const readyMs = performance.now() - startedAt
  if ((await answered) === before) throw new Error('it has not been killed')
  const answeredMs = performance.now() - startedAt
  if (handle.incarnation !== incarnation + 1) throw new Error(`${handle.path} has not been restarted once`)
  return { readyMs, answeredMs }
}

/**
 * Kills the one member of a pool that takes calls; a spare takes its place.
 * @param {import('maltster').Pool} workers
 */
async function swap(workers) {
  while (workers.stats().members.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  const before = await workers.call(ownPid)
  return timed(async () => {
    process.kill(before, 'SIGKILL')
    const after = await workers.call(ownPid, [], { retry: { times: 1 } })
    if (after === before) throw new Error('it has not been killed')
  })
}

/**
 * @param {string} machine
 * @param {number} rounds
 * @returns {Promise<number>} the exit code
 */
export async function benchRestart(machine, rounds) {
  console.log(machine)
  const rules = { maxRestarts: 1000, backoff: { minMs: 0 } }
  const app = await supervise({ ...rules, children: [{ id: 'worker', worker: quiet }] })
  const workers = await pool({ ...rules, size: 1, spares: 1, worker: quiet })
  /** @type {Record<string, number[]>} */
  const samples = { fork: [], ready: [], answered: [], spare: [] }
  for (let round = 0; round <= rounds; round++) {
    const forkMs = await bareFork()
    const { readyMs, answeredMs } = await restart(app)
    const spareMs = await swap(workers)
    // The first round brings files into memory.
    if (round === 0) continue
    samples['fork']?.push(forkMs)
    samples['ready']?.push(readyMs)
    samples['answered']?.push(answeredMs)
    samples['spare']?.push(spareMs)
  }
  await workers.stop()
  await app.stop()
  const middle = (/** @type {string} */ name) => median(samples[name] ?? [])
  const share = (/** @type {string} */ name) => middle(name) / middle('fork')
  const row = (/** @type {string} */ label, /** @type {string} */ name) => {
    const cells = [middle(name), quantile(samples[name] ?? [], 0.9), share(name)]
    console.log(`  ${label.padEnd(46)}${cells.map((cell) => cell.toFixed(2).padStart(10)).join('')}`)
  }
  const head = ['median', 'p90', 'of fork'].map((word) => word.padStart(10)).join('')
  console.log(`\n  ${'ms'.padEnd(46)}${head}`)
  row('bare fork, to its first message', 'fork')
  row('kill -9, until its replacement is ready', 'ready')
  row('kill -9, to the first result of that', 'answered')
  row('kill -9, to the first result of a spare', 'spare')
  const isMet = share('ready') <= aims.ready && share('spare') <= aims.spare
  console.log(
    `\nbench, restart: ready after ${middle('ready').toFixed(1)} ms = ${share('ready').toFixed(2)} of a bare fork (aim ${aims.ready}), ` +
      `with a spare ${middle('spare').toFixed(1)} ms = ${share('spare').toFixed(3)} (aim ${aims.spare}): ${isMet ? 'met' : 'MISSED'}`,
  )
  return isMet ? 0 : 1
}
