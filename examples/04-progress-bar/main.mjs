// Counts primes in a worker and shows how far it is: the worker calls a function of this program, and asks it whether to go
// on. `node examples/04-progress-bar/main.mjs`, or with `--to 3000000`.
import { parseArgs } from 'node:util'
import { spawnWorker } from 'maltster'

const { values } = parseArgs({ options: { to: { type: 'string', default: '400000' } } })
const to = Number(values.to)
if (!(Number.isInteger(to) && to >= 1000)) throw new RangeError('--to takes a number from 1000 on')

const isTerminal = process.stdout.isTTY

/** @param {number} done - of 1 */
function show(done) {
  const bar = '#'.repeat(Math.floor(done * 40)).padEnd(40, '.')
  const line = `[${bar}] ${String(Math.floor(done * 100)).padStart(3)} %`
  process.stdout.write(isTerminal ? `\r${line}` : `${line}\n`)
}

/**
 * @param {number} last
 * @param {(done: number) => Promise<boolean>} onProgress - answers whether to go on
 */
async function countPrimes(last, onProgress) {
  const step = Math.ceil(last / 10)
  let count = 0
  for (let n = 2; n <= last; n++) {
    let isPrime = true
    for (let d = 2; d * d <= n && isPrime; d++) isPrime = n % d !== 0
    if (isPrime) count++
    if (n % step === 0 && !(await onProgress(n / last))) return { count, upTo: n }
  }
  return { count, upTo: last }
}

const worker = await spawnWorker({ name: 'counter' })

const whole = await worker.call(countPrimes, [
  to,
  (done) => {
    show(done)
    return true
  },
])
console.log(`\n${whole.count} primes up to ${whole.upTo}`)

// The answer of a callback goes back: here it ends the work half way.
const half = await worker.call(countPrimes, [to, async (done) => done < 0.5])
console.log(`${half.count} primes up to ${half.upTo}, where it was told to stop`)

await worker.stop()
