// `npm run bench -- flow`: what a stream carries. Small items beside calls with 64 in flight, binary beside a bare socket,
// each in turn in one run; then the memory of both processes while the consumer is slow. Exits with 1 if an aim is missed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { spawnWorker } from 'maltster'
import { kinds, RawLink } from './peers/raw-link.mjs'
import { median } from './samples.mjs'

/** @typedef {import('maltster').Worker} Worker */

const inFlight = 64
const itemsAim = 2
const binaryAim = 0.6
const blockBytes = 256 * 1024

/** @param {number} count */
function* numbers(count) {
  for (let n = 0; n < count; n++) yield n
}

/** @param {number} count */
async function* numbersLater(count) {
  for (let n = 0; n < count; n++) yield n
}

/** @param {number} count */
function* records(count) {
  for (let n = 0; n < count; n++) yield { n, name: 'malt' }
}

/** @param {number} count @param {number} byteLength */
function* blocks(count, byteLength) {
  const block = new Uint8Array(byteLength).fill(7)
  for (let n = 0; n < count; n++) {
    block[0] = n
    yield block
  }
}

/** @param {number} a @param {number} b */
const add = (a, b) => a + b

/**
 * @param {Worker} worker
 * @param {(count: number) => Iterable<unknown> | AsyncIterable<unknown>} source
 * @param {number} count
 * @returns {Promise<number>} items a second
 */
async function streamItems(worker, source, count) {
  const startedAt = performance.now()
  let seen = 0
  for await (const _ of worker.stream(source, [count])) seen++
  if (seen !== count) throw new Error(`${seen} of ${count} items came`)
  return (seen / (performance.now() - startedAt)) * 1000
}

/**
 * @param {Worker} worker
 * @param {number} count
 * @returns {Promise<number>} calls a second
 */
async function callMany(worker, count) {
  const startedAt = performance.now()
  let made = 0
  const caller = async () => {
    while (made < count) {
      made++
      if ((await worker.call(add, [made, 1])) < 2) throw new Error('a wrong sum')
    }
  }
  await Promise.all(Array.from({ length: inFlight }, caller))
  return (made / (performance.now() - startedAt)) * 1000
}

/**
 * @param {Worker} worker
 * @param {number} count
 * @returns {Promise<number>} gigabytes a second
 */
async function streamBlocks(worker, count) {
  const startedAt = performance.now()
  let seen = 0
  for await (const block of worker.stream(blocks, [count, blockBytes])) {
    if (block.length !== blockBytes || block[0] !== seen % 256) throw new Error(`block ${seen} is another`)
    seen++
  }
  if (seen !== count) throw new Error(`${seen} of ${count} blocks came`)
  return (count * blockBytes) / 1e6 / (performance.now() - startedAt)
}

/** A bare socket to a process that pours blocks, each into memory of its own. */
function startRaw() {
  const stdio = /** @type {const} */ (['ignore', 'inherit', 'inherit', 'pipe'])
  const script = fileURLToPath(new URL('peers/raw-child.mjs', import.meta.url))
  const child = spawn(process.execPath, [script], { stdio: [...stdio] })
  const shell = /** @type {any} */ (child.stdio[3])
  const handle = shell._handle
  shell._handle = null
  /** @type {(body: Buffer) => void} */
  let onBlock = () => {}
  const link = new RawLink({ handle }, (_id, _kind, _aux, body) => onBlock(body))
  return {
    /**
     * @param {number} count
     * @returns {Promise<number>} gigabytes a second
     */
    async pour(count) {
      const startedAt = performance.now()
      let seen = 0
      /** @type {Promise<void>} */
      const all = new Promise((resolve) => {
        onBlock = (body) => {
          if (body.length !== blockBytes) throw new Error('a block of another length')
          if (++seen === count) resolve()
        }
      })
      const asked = Buffer.alloc(4)
      asked.writeUInt32LE(count)
      link.send(0, kinds.pour, blockBytes, asked)
      await all
      return (count * blockBytes) / 1e6 / (performance.now() - startedAt)
    },
    async close() {
      link.destroy()
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
  }
}

/** @param {number} pid */
function rssMiB(pid) {
  if (process.platform !== 'linux') return Number.NaN
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/**
 * Takes a few items slowly of a source that never ends.
 * @param {Worker} worker
 * @param {string} name
 * @param {() => Iterable<unknown>} source
 */
async function slowConsumer(worker, name, source) {
  globalThis.gc?.()
  const before = { here: rssMiB(process.pid), there: rssMiB(worker.pid) }
  let [here, there, taken] = [0, 0, 0]
  for await (const _ of worker.stream(source)) {
    await delay(10)
    here = Math.max(here, rssMiB(process.pid) - before.here)
    there = Math.max(there, rssMiB(worker.pid) - before.there)
    if (++taken === 200) break
  }
  console.log(
    `${name.padEnd(44)}${`${here.toFixed(1)} MiB`.padStart(12)}${`${there.toFixed(1)} MiB`.padStart(12)}`,
  )
}

/**
 * @param {string} machine
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
export async function benchFlow(machine, args) {
  const isQuick = args.includes('--quick')
  const rounds = isQuick ? 1 : 5
  const items = isQuick ? 100_000 : 1_000_000
  const blockCount = (isQuick ? 128 : 1024) * (2 ** 20 / blockBytes)
  console.log(machine)
  const worker = await spawnWorker({ name: 'bench' })
  const raw = startRaw()
  /** @type {Record<string, number[]>} */
  const found = {}
  const measure = async (
    /** @type {string} */ name,
    /** @type {() => Promise<number>} */ run,
    isKept = true,
  ) => {
    const value = await run()
    if (isKept) (found[name] ??= []).push(value)
  }
  for (let round = 0; round <= rounds; round++) {
    // The first round has the code compiled.
    const isKept = round > 0
    await measure('calls', () => callMany(worker, items / 4), isKept)
    await measure('numbers', () => streamItems(worker, numbers, items), isKept)
    await measure('numbers, later', () => streamItems(worker, numbersLater, items), isKept)
    await measure('records', () => streamItems(worker, records, items / 4), isKept)
    await measure('raw', () => raw.pour(blockCount), isKept)
    await measure('blocks', () => streamBlocks(worker, blockCount), isKept)
  }
  const value = (/** @type {string} */ name) => median(found[name] ?? [])
  const line = (/** @type {string} */ label, /** @type {string} */ figure, /** @type {string} */ ratio) =>
    console.log(`${label.padEnd(44)}${figure.padStart(12)}${ratio.padStart(12)}`)
  const perSecond = (/** @type {string} */ name) => Math.round(value(name)).toLocaleString('en')
  const ofCalls = (/** @type {string} */ name) => `${(value(name) / value('calls')).toFixed(2)}×`
  line('\na second', '', 'of calls')
  line(`calls, ${inFlight} in flight`, perSecond('calls'), '')
  line(`${items.toLocaleString('en')} numbers of a generator`, perSecond('numbers'), ofCalls('numbers'))
  line('  of an asynchronous generator', perSecond('numbers, later'), ofCalls('numbers, later'))
  line(`${(items / 4).toLocaleString('en')} objects of two keys`, perSecond('records'), ofCalls('records'))
  const ofRaw = value('blocks') / value('raw')
  line('\nGB/s', '', 'of raw')
  const mebibytes = (blockCount * blockBytes) / 2 ** 20
  line(`${mebibytes} MiB over a bare socket`, value('raw').toFixed(2), '')
  line(
    `${mebibytes} MiB in blocks of ${blockBytes / 1024} KiB`,
    value('blocks').toFixed(2),
    `${ofRaw.toFixed(2)}×`,
  )
  line('\nmemory gained, with a slow consumer', 'here', 'there')
  await slowConsumer(worker, 'numbers without end', () => numbers(Infinity))
  await slowConsumer(worker, 'blocks without end', () => blocks(Infinity, 256 * 1024))
  await worker.stop()
  await raw.close()
  const ofCallsNow = value('numbers') / value('calls')
  const isMet = ofCallsNow >= itemsAim && ofRaw >= binaryAim
  const verdict = args.includes('--no-aim')
    ? 'no aim'
    : `aims ${itemsAim}× and ${binaryAim}× ${isMet ? 'met' : 'MISSED'}`
  console.log(
    `\nbench flow: items ${ofCallsNow.toFixed(2)}× calls, binary ${ofRaw.toFixed(2)}× raw (${verdict})`,
  )
  return isMet || args.includes('--no-aim') ? 0 : 1
}
