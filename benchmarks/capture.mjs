// `npm run bench -- capture`: what it costs this process to make a call, by what the function refers to; each beside the
// same call by a reference to its module, and beside Pulumi's serializer of functions, if that is there. The time is that of
// `call` itself, up to its return: the bytes are made then. Pulumi's is that until its text is made; it sends nothing.
import { spawnWorker } from 'maltster'
import { pulumiSerializer } from './peers/pulumi.mjs'

let mutable = 777
const constant = { k: 5 }
const text = 'a constant'
/** @param {number} n */
const helper = (n) => n * constant.k
/** @param {number} n */
const outer = (n) => helper(n) + mutable
const numbers = Array.from({ length: 1000 }, (_, index) => index)
const module = 'node:path'

/** @type {Record<string, (round: number) => [fn: any, args: unknown[]]>} */
const calls = {
  'module reference': (n) => [{ module, export: 'basename' }, [`/a/${n}`]],
  'pure function': (n) => [pure, [n]],
  'that reads a constant': (n) => [readsText, [n]],
  'that reads a global': (n) => [readsMutable, [n]],
  'helper, constant object and global': (n) => [outer, [n]],
  'that reads 1000 numbers': (n) => [readsNumbers, [n]],
  'new closure each time': (n) => [() => n, []],
  // oxlint-disable-next-line typescript/no-implied-eval -- a function that nobody has seen before is the point
  'never-seen function': (n) => [new Function('a', `return a + ${n}`), [n]],
}

/** @param {number} n */
const pure = (n) => n + 1
/** @param {number} n */
const readsText = (n) => text.length + n
/** @param {number} n */
const readsMutable = (n) => mutable + n
/** @param {number} n */
const readsNumbers = (n) => numbers.length + n

/** @param {number[]} sorted @param {number} share */
const at = (sorted, share) => /** @type {number} */ (sorted[Math.floor((sorted.length - 1) * share)])

/** Pulumi takes milliseconds where we take microseconds. */
const roundsPerPeerRound = 50

/**
 * @param {string} machine
 * @param {{ installPeers: boolean, rounds: number }} options
 */
export async function benchCapture(machine, { installPeers, rounds }) {
  console.log(machine)
  const pulumi = pulumiSerializer(installPeers)
  const worker = await spawnWorker()
  /** @type {Record<string, string[]>} */
  const rows = {}
  for (const [name, make] of Object.entries(calls)) {
    const { first, median, p90 } = await ours(worker, make, rounds)
    rows[name] = [first, median, p90].map((time) => time.toFixed(1))
  }
  await worker.stop()
  const heads = ['first', 'median', 'p90']
  if (typeof pulumi === 'string') console.log(pulumi)
  else {
    // Only now: what it does to the process shall not be in our figures.
    const serialize = pulumi()
    heads.push('pulumi', '×')
    for (const [name, make] of Object.entries(calls)) {
      const theirs = await peers(serialize, make, Math.ceil(rounds / roundsPerPeerRound))
      const median = Number(rows[name]?.[1])
      rows[name]?.push(
        ...(theirs === undefined ? ['–', '–'] : [theirs.toFixed(0), (theirs / median).toFixed(0)]),
      )
    }
  }
  const line = (/** @type {string[]} */ cells) => cells.map((cell) => cell.padStart(10)).join('')
  console.log(`\n${'µs until a call is on its way'.padEnd(36)}${line(heads)}`)
  for (const [name, cells] of Object.entries(rows)) console.log(name.padEnd(36) + line(cells))
}

/**
 * @param {import('maltster').Worker} worker
 * @param {(round: number) => [fn: any, args: unknown[]]} make
 * @param {number} rounds
 */
async function ours(worker, make, rounds) {
  /** @type {number[]} */
  const times = []
  for (let round = 0; round < rounds; round++) {
    const [fn, args] = make(round)
    const startedAt = performance.now()
    const call = worker.call(fn, args)
    times.push((performance.now() - startedAt) * 1000)
    if (round % 20 === 0) await call
  }
  // What is read of it has to be looked at again.
  mutable++
  const sorted = times.toSorted((a, b) => a - b)
  return { first: times[0] ?? 0, median: at(sorted, 0.5), p90: at(sorted, 0.9) }
}

/**
 * The median; undefined for what is no function.
 * @param {import('./peers/pulumi.mjs').SerializeFunction} serialize
 * @param {(round: number) => [fn: any, args: unknown[]]} make
 * @param {number} rounds
 */
async function peers(serialize, make, rounds) {
  /** @type {number[]} */
  const times = []
  for (let round = 0; round < rounds; round++) {
    const [fn] = make(1e6 + round)
    if (typeof fn !== 'function') return undefined
    const startedAt = performance.now()
    await serialize(fn)
    times.push((performance.now() - startedAt) * 1000)
  }
  return at(
    times.toSorted((a, b) => a - b),
    0.5,
  )
}
