// Parses a file that is larger than one would like to hold, in a worker, and takes the records here as they come: first all
// of them, then only as many as it takes to find one, then those before a line that is broken.
// `node examples/03-streaming-parse/main.mjs`, or with `--lines 2000000`.
import { createWriteStream, rmSync, statSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { spawnWorker } from 'maltster'

/** @typedef {import('./orders.mjs').Order} Order */

const { values } = parseArgs({ options: { lines: { type: 'string', default: '200000' } } })
const lines = Number(values.lines)
if (!(Number.isInteger(lines) && lines >= 1000)) throw new RangeError('--lines takes a number from 1000 on')

const folder = await mkdtemp(join(tmpdir(), 'orders-'))
const file = join(folder, 'orders.jsonl')
const shops = ['Ayr', 'Bath', 'Cork', 'Deal', 'Ely']

/** @param {string} line */
const stdout = (line) => console.log(`  the worker: ${line}`)
const worker = await spawnWorker({ name: 'parser', stdout })

try {
  await writeOrders()
  console.log(`${lines} orders, ${(statSync(file).size / 1e6).toFixed(1)} MB`)

  /** @returns {import('maltster').WorkerStream<Order>} */
  const orders = () =>
    worker.stream({ module: new URL('orders.mjs', import.meta.url), export: 'ordersOf' }, [file])

  console.log('\nAll of them:')
  /** @type {Map<string, number>} */
  const cents = new Map()
  for await (const order of orders()) cents.set(order.shop, (cents.get(order.shop) ?? 0) + order.cents)
  for (const [shop, sum] of cents) console.log(`  ${shop.padEnd(5)}${(sum / 100).toFixed(2).padStart(14)}`)

  console.log('\nUntil one is found:')
  for await (const order of orders()) {
    if (order.id < 500) continue
    console.log(`  order ${order.id} is of ${order.shop}`)
    // The file over there is closed before the next line of this program.
    break
  }

  console.log('\nUp to a line that is broken:')
  await breakLine()
  let whole = 0
  try {
    for await (const _ of orders()) whole++
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    console.log(`  ${whole} orders, then: ${message}`)
  }
} finally {
  await worker.stop()
  rmSync(folder, { recursive: true })
}

async function writeOrders() {
  const out = createWriteStream(file)
  for (let id = 1; id <= lines; id++) {
    const order = { id, shop: shops[id % shops.length], cents: (id * 37) % 10_000, note: 'x'.repeat(id % 60) }
    if (!out.write(`${JSON.stringify(order)}\n`)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'close')
}

async function breakLine() {
  const out = createWriteStream(file, { flags: 'a' })
  out.end('{"id": \n')
  await once(out, 'close')
}
