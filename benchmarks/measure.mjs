// Measures in this one process and with its children, wherever it was put. Started by `bench.mjs`, with the options
// as JSON; prints what it found as JSON.
import { closeWarmPeers, parts } from './parts.mjs'
import { median } from './samples.mjs'

/** @typedef {Record<string, Record<string, number>>} Results - medians, by metric and peer */

/** @type {import('./options.mjs').BenchOptions} */
const options = JSON.parse(process.argv[2] ?? '{}')

/** @type {Record<string, Record<string, number[]>>} */
const samples = {}

for (const [name, run] of Object.entries(parts)) {
  if (!options.parts.includes(name)) continue
  process.stderr.write(`  ${name} …\n`)
  await run(options, (peer, figures) => {
    for (const [metric, value] of Object.entries(figures)) ((samples[metric] ??= {})[peer] ??= []).push(value)
  })
}

await closeWarmPeers()

/** @type {Results} */
const results = {}
for (const [metric, byPeer] of Object.entries(samples)) {
  results[metric] = Object.fromEntries(Object.entries(byPeer).map(([peer, values]) => [peer, median(values)]))
}
process.stdout.write(`${JSON.stringify(results)}\n`)
