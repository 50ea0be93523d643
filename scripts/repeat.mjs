// `npm run repeat -- FILE [TIMES]`: runs one test file again and again, each time in a vitest of its own, and says
// which runs failed. A new test that starts processes has to pass 50 times before it is committed.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [file, timesText = '50'] = process.argv.slice(2)
const times = Number(timesText)
if (file === undefined || !Number.isInteger(times) || times < 1) {
  console.error('usage: npm run repeat -- FILE [TIMES]')
  process.exit(2)
}

const vitest = join(fileURLToPath(import.meta.resolve('vitest/package.json')), '../vitest.mjs')
/** @type {number[]} */
const failedRuns = []
for (let run = 1; run <= times; run++) {
  const startedAt = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', file], { encoding: 'utf8' })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} run ${run} of ${times}, ${seconds} s`)
  if (status === 0) continue
  failedRuns.push(run)
  console.log(`${stdout}${stderr}`)
}
const which = failedRuns.length === 0 ? '' : ` (runs ${failedRuns.join(', ')})`
console.log(`${times - failedRuns.length} passed, ${failedRuns.length} failed${which}`)
process.exitCode = failedRuns.length === 0 ? 0 : 1
