// Follows log files in two workers. Both send the lines that matter into one channel, which holds eight: if this program
// is slow to show them, they read no further. `node examples/05-log-tail/main.mjs`
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnWorker } from 'maltster'

/**
 * @typedef {{ file: string, line: string }} Entry
 * @typedef {import('maltster').Channel<Entry>} Entries
 */

/**
 * Runs in a worker: reads what is in a file, and what is added to it, until the line `end`.
 * @param {string} path
 * @param {Entries} entries
 */
async function follow(path, entries) {
  const { open } = await import('node:fs/promises')
  const { basename } = await import('node:path')
  const file = await open(path)
  const buffer = Buffer.alloc(4096)
  let rest = ''
  let passed = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length)
    if (bytesRead === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    const lines = (rest + buffer.toString('utf8', 0, bytesRead)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === 'end') {
        await file.close()
        return passed
      }
      if (!line.startsWith('error')) passed++
      else await entries.send({ file: basename(path), line })
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'logs-'))
const names = ['web.log', 'jobs.log']
for (const name of names) writeFileSync(join(folder, name), '')

const workers = await Promise.all(names.map((name) => spawnWorker({ name: name.replace('.log', '') })))
try {
  /** @type {Entries} */
  const entries = /** @type {import('maltster').Worker} */ (workers[0]).channel({ capacity: 8 })
  const ends = workers.map((worker, index) =>
    worker.call(follow, [join(folder, /** @type {string} */ (names[index])), entries]),
  )
  const quiet = Promise.all(ends).finally(() => entries.close())

  for (let round = 1; round <= 50; round++) {
    for (const name of names) {
      const text = round % 10 === 0 ? `error ${round / 10}: out of malt` : `fine ${round}`
      appendFileSync(join(folder, name), `${text}\n`)
    }
  }
  for (const name of names) appendFileSync(join(folder, name), 'end\n')

  for await (const { file, line } of entries) console.log(`${file.padEnd(8)} ${line}`)
  console.log(`${(await quiet).reduce((sum, passed) => sum + passed)} lines were fine`)
} finally {
  await Promise.all(workers.map((worker) => worker.stop()))
  rmSync(folder, { recursive: true })
}
