// `npm run bench -- capture`: what it costs this process to make a call, by what the function refers to; each beside the
// same call by a reference to its module. The time is that of `call` itself, up to its return.
import { spawnWorker } from 'maltster'

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

/** @param {string} machine */
export async function benchCapture(machine) {
  console.log(machine)
  const worker = await spawnWorker()
  console.log(
    `\n${'µs for `call` to return'.padEnd(36)}${'first'.padStart(9)}${'median'.padStart(9)}${'p90'.padStart(9)}`,
  )
  for (const [name, make] of Object.entries(calls)) {
    /** @type {number[]} */
    const times = []
    for (let round = 0; round < 2000; round++) {
      const [fn, args] = make(round)
      const startedAt = performance.now()
      const call = worker.call(fn, args)
      times.push((performance.now() - startedAt) * 1000)
      if (round % 20 === 0) await call
    }
    mutable++
    const [first = 0] = times
    const sorted = times.toSorted((a, b) => a - b)
    const cells = [first, at(sorted, 0.5), at(sorted, 0.9)].map((time) => time.toFixed(1).padStart(9))
    console.log(name.padEnd(36) + cells.join(''))
  }
  await worker.stop()
}
