import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

import { checksum, makeBlock, markBlock } from './peers/block.mjs'
import { allPeers, callingPeers } from './peers/peers.mjs'
import { quantile } from './samples.mjs'

/** @typedef {import('./options.mjs').BenchOptions} BenchOptions */
/** @typedef {import('./peers/peers.mjs').Peer} Peer */
/** @typedef {import('./peers/peers.mjs').Calls} Calls */
/** @typedef {{ name: string, pid: number, calls: Calls, close: () => Promise<unknown> }} Warm */
/** @typedef {Record<string, number>} Figures - one round of one peer, by metric */
/** @typedef {(peer: string, figures: Figures) => void} RecordFigures */

export const inFlight = 64

/**
 * Until its code is compiled a call costs up to ten times more, which takes some hundred thousand calls. Counted in
 * calls, since on a busy machine a second is worth anything; bounded in time, for fork would take half a minute.
 */
const warmUpCalls = 250_000
const warmUpSamples = 15

/** How many calls each of the callers makes between two looks at the clock. */
const callsPerLook = 8

/** How long a process may settle before its memory is read. */
const settleMs = 300

/**
 * @template T
 * @param {T} actual
 * @param {T} expected
 * @param {string} what
 */
function expectSame(actual, expected, what) {
  if (actual !== expected) throw new Error(`${what}: expected ${String(expected)}, got ${String(actual)}`)
}

/**
 * Each peer once a round, in an order that moves on with each round, so that no one is always first.
 * @template T
 * @param {readonly T[]} peers
 * @param {number} rounds
 * @param {(peer: T, round: number) => Promise<void>} run
 */
async function alternate(peers, rounds, run) {
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < peers.length; turn++) {
      await run(/** @type {T} */ (peers[(turn + round) % peers.length]), round)
    }
  }
}

/**
 * The process is started anew each time: from the start to the first result.
 * @param {BenchOptions} options
 * @param {RecordFigures} record
 */
async function coldStart({ rounds }, record) {
  await alternate(allPeers, rounds + 1, async ({ name, start }, round) => {
    const startedAt = performance.now()
    const started = await start()
    if (started.calls !== undefined) expectSame(await started.calls.add(20, 22), 42, `${name}: 20 + 22`)
    const ms = performance.now() - startedAt
    await started.close()
    // The first round brings files into memory.
    if (round > 0) record(name, { coldStartMs: ms })
  })
}

/** The peers that stay up, started when they are first needed. @type {Promise<Warm[]> | undefined} */
let warmPeers

/**
 * @param {number} sampleMs
 * @returns {Promise<Warm[]>}
 */
async function startWarmPeers(sampleMs) {
  const bounds = { calls: warmUpCalls, ms: Math.min(warmUpSamples * sampleMs, 3000) }
  /** @type {Warm[]} */
  const warm = []
  for (const { name, start } of callingPeers) {
    const { pid, calls, close } = await start()
    if (calls === undefined) continue
    await callMany(name, calls.add, bounds)
    warm.push({ name, pid, calls, close })
  }
  return warm
}

export async function closeWarmPeers() {
  await Promise.all(((await warmPeers) ?? []).map(({ close }) => close()))
}

/**
 * Runs a sample on each of the peers that stay up, once more than it counts.
 * @param {BenchOptions} options
 * @param {(peer: Warm, round: number) => Promise<Figures>} sample
 * @param {RecordFigures} record
 */
async function onWarmPeers({ rounds, sampleMs }, sample, record) {
  await alternate(await (warmPeers ??= startWarmPeers(sampleMs)), rounds + 1, async (peer, round) => {
    const figures = await sample(peer, round)
    if (round > 0) record(peer.name, figures)
  })
}

/**
 * Has 64 callers call until one of the bounds is reached.
 * @param {string} name
 * @param {Calls['add']} add
 * @param {{ ms: number, calls: number }} bounds
 * @returns {Promise<number>} how many calls were made
 */
async function callMany(name, add, { ms, calls }) {
  let made = 0
  const endsAt = performance.now() + ms
  const caller = async (/** @type {number} */ own) => {
    do {
      for (let i = 0; i < callsPerLook; i++) {
        const sum = await add(i, own)
        if (sum !== i + own) expectSame(sum, i + own, `${name}: ${i} + ${own}`)
      }
      made += callsPerLook
    } while (made < calls && performance.now() < endsAt)
  }
  await Promise.all(Array.from({ length: inFlight }, (_, own) => caller(own)))
  return made
}

/**
 * Processor time so far of this process and of another one, all their threads together. Unlike what a clock on the
 * wall shows it hardly changes with what else this machine does. Not a number where there is no /proc.
 * @param {number} pid
 */
function cpuMicros(pid) {
  if (process.platform !== 'linux') return Number.NaN
  let nanos = 0
  for (const tasks of ['/proc/self/task', `/proc/${pid}/task`]) {
    for (const task of readdirSync(tasks)) {
      nanos += Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0])
    }
  }
  return nanos / 1000
}

/**
 * @param {BenchOptions} options
 * @param {RecordFigures} record
 */
function sequential(options, record) {
  const { sampleMs } = options
  return onWarmPeers(
    options,
    async ({ name, pid, calls: { add } }) => {
      /** @type {number[]} */
      const micros = []
      const cpuBefore = cpuMicros(pid)
      const endsAt = performance.now() + sampleMs
      for (let before = performance.now(); before < endsAt;) {
        const sum = await add(micros.length, 1)
        const now = performance.now()
        micros.push((now - before) * 1000)
        expectSame(sum, micros.length, `${name}: ${micros.length - 1} + 1`)
        before = performance.now()
      }
      const callCpuUs = (cpuMicros(pid) - cpuBefore) / micros.length
      return { callP50Us: quantile(micros, 0.5), callP99Us: quantile(micros, 0.99), callCpuUs }
    },
    record,
  )
}

/**
 * @param {BenchOptions} options
 * @param {RecordFigures} record
 */
function manyInFlight(options, record) {
  const { sampleMs } = options
  return onWarmPeers(
    options,
    async ({ name, pid, calls: { add } }) => {
      const cpuBefore = cpuMicros(pid)
      const startedAt = performance.now()
      const made = await callMany(name, add, { ms: sampleMs, calls: Infinity })
      const callsPerSecond = (made / (performance.now() - startedAt)) * 1000
      return { callsPerSecond, inFlightCpuUs: (cpuMicros(pid) - cpuBefore) / made }
    },
    record,
  )
}

/**
 * @param {BenchOptions} options
 * @param {RecordFigures} record
 */
function binary(options, record) {
  const byteLength = options.mebibytes * 2 ** 20
  const block = makeBlock(byteLength)
  return onWarmPeers(
    options,
    async ({ name, calls: { take, give } }, round) => {
      const mark = round % 256
      const expected = checksum(markBlock(block, mark))
      const startedAt = performance.now()
      expectSame(await take(block), expected, `${name}: checksum of the argument`)
      const takenAt = performance.now()
      const given = await give(byteLength, mark)
      const givenAt = performance.now()
      expectSame(checksum(given), expected, `${name}: checksum of the result`)
      const perSecond = (/** @type {number} */ ms) => byteLength / 1e6 / ms
      return { argumentGBs: perSecond(takenAt - startedAt), resultGBs: perSecond(givenAt - takenAt) }
    },
    record,
  )
}

/**
 * What a process holds after its first result, from /proc. Shared pages count in RSS fully, in PSS by share.
 * @param {BenchOptions} options
 * @param {RecordFigures} record
 */
async function memory({ rounds }, record) {
  if (process.platform !== 'linux') return
  await alternate(allPeers, Math.min(rounds, 3), async ({ name, start }) => {
    const { pid, calls, close } = await start()
    if (calls !== undefined) expectSame(await calls.add(20, 22), 42, `${name}: 20 + 22`)
    await delay(settleMs)
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
    await close()
    const mebibytes = (/** @type {string} */ field) =>
      Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024
    const ownMiB = mebibytes('Private_Clean') + mebibytes('Private_Dirty')
    record(name, { rssMiB: mebibytes('Rss'), pssMiB: mebibytes('Pss'), ownMiB })
  })
}

/** In this order. @type {Record<string, (options: BenchOptions, record: RecordFigures) => Promise<void>>} */
export const parts = {
  'cold-start': coldStart,
  memory,
  sequential,
  'in-flight': manyInFlight,
  binary,
}
