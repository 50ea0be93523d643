// Prints a checksum of every file of a folder, in order, as `sha256sum` would: a pool reads and hashes, a stream hands the
// lines out as they are ready. On the way one member is killed, and one file is poisonous: it kills whoever reads it.
// `node examples/07-hash-files/main.mjs`, or with `--folder node_modules/xstate --workers 4 --lines`.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { liveWorkers, pool } from 'maltster'

const { values } = parseArgs({
  options: { folder: { type: 'string' }, workers: { type: 'string' }, lines: { type: 'boolean' } },
})
const folder = resolve(
  values.folder ?? fileURLToPath(new URL('../../node_modules/xstate/dist', import.meta.url)),
)
const size = Number(values.workers ?? 2)

/**
 * Runs in the workers. `readFileSync` and `createHash` are imported there.
 * @param {string} path
 * @param {string} poison
 */
function hashOf(path, poison) {
  if (path === poison) process.kill(process.pid, 'SIGKILL')
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
  .toSorted((one, other) => (one < other ? -1 : 1))
const poison = files[Math.floor(files.length / 2)] ?? ''
const victimAt = Math.floor(files.length / 4)

const workers = await pool({ name: 'hashing', size, spares: 1 })
/** @type {string[]} */
const hashes = []
/** @type {string[]} */
const given = []
const lines = workers.mapStream(files, (path) => hashOf(path, poison), {
  batchSize: 4,
  // A member that dies costs its batch, which is then done file by file: reading a file twice does no harm.
  retry: { times: 2 },
  onError: (error, { item, attempt, workerDied }) => {
    given.push(item)
    console.log(
      `${relative(folder, item)}: given up after ${attempt} attempts: ${describe(error, workerDied)}`,
    )
    return 'unreadable'
  },
})
for await (const hash of lines) {
  if (hashes.length === victimAt) {
    const [victim] = workers.stats().members
    console.log(`kill -9 ${victim?.pid} (${victim?.path}), after ${hashes.length} files`)
    if (victim !== undefined) process.kill(victim.pid, 'SIGKILL')
  }
  if (values.lines === true) console.log(`${hash}  ${relative(folder, files[hashes.length] ?? '')}`)
  hashes.push(hash)
}
const { restarts, served } = workers.stats()
await workers.stop()

/** @param {unknown} error @param {boolean} workerDied */
function describe(error, workerDied) {
  return workerDied ? 'it kills its worker' : String(error)
}

const alone = files.map((path) => (path === poison ? 'unreadable' : hashOf(path, poison)))
const wrong = files.filter((_, at) => hashes[at] !== alone[at])
const isOk =
  wrong.length === 0 &&
  hashes.length === files.length &&
  given.length === 1 &&
  given[0] === poison &&
  restarts >= 2 &&
  liveWorkers().length === 0
process.exitCode = isOk ? 0 : 1
console.log(
  `${isOk ? 'ok' : 'FAILED'}: ${files.length} files in ${served} calls, ${wrong.length} different from one process, ` +
    `${restarts} members lost, ${given.length} file given up`,
)
