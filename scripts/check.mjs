// Everything a reviewer would run. `npm run check` stops at the first failure. `npm test`, which is
// `node scripts/check.mjs --all`, runs every step, the tests last, and ends with the counts of all.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** @typedef {{ name: string, run: () => boolean }} Step */
/** @typedef {{ name: string, passed: boolean, ms: number }} Outcome */

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const folder = mkdtempSync(join(tmpdir(), 'mt-check-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** @type {Step[]} */
const source = [
  { name: 'build', run: () => quietly('scripts/build.mjs', '--if-stale') },
  { name: 'types', run: () => quietly(bin('typescript', 'tsc'), '--project', 'tsconfig.test.json') },
  { name: 'lint', run: () => quietly(bin('oxlint', 'oxlint'), '--deny-warnings') },
  { name: 'format', run: () => quietly(bin('oxfmt', 'oxfmt'), '--check') },
]
/** @type {Step[]} */
const product = [
  { name: 'publint', run: () => quietly(bin('publint', 'publint'), 'run', '--strict', tarball()) },
  {
    name: 'attw',
    run: () => quietly(bin('@arethetypeswrong/cli', 'attw'), tarball(), '--profile', 'esm-only'),
  },
  { name: 'knip', run: () => quietly(bin('knip', 'knip')) },
  { name: 'api', run: () => quietly('scripts/api.mjs', '--check') },
]

process.exitCode = (process.argv.includes('--all') ? runAll() : runUntilFailure()) ? 0 : 1

function runUntilFailure() {
  const tests = { name: 'tests', run: () => runTests([]) }
  return [...source, tests, ...product].every((step) => timed(step).passed)
}

function runAll() {
  const checks = [...source, ...product].map(timed)
  const failed = checks.filter((check) => !check.passed).length
  const passed = runTests(checks)
  if (!existsSync(join(folder, 'reported'))) {
    console.log(
      `\nThe tests ended without a report.\n\n${checks.length - failed} passed, ${failed + 1} failed`,
    )
  }
  return passed && failed === 0
}

/**
 * @param {Step} step
 * @returns {Outcome}
 */
function timed({ name, run }) {
  const startedAt = performance.now()
  const passed = run()
  const ms = Math.round(performance.now() - startedAt)
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(8)} ${(ms / 1000).toFixed(1).padStart(6)} s`)
  return { name, passed, ms }
}

/**
 * Runs a program of Node's and shows what it says only if it fails.
 * @param {string[]} command
 */
function quietly(...command) {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, command, {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) console.log([stdout, stderr, error?.message].filter(Boolean).join('\n').trimEnd())
  return status === 0
}

/**
 * The tests, with counts of earlier checks for the table at their end.
 * @param {Outcome[]} checks
 */
function runTests(checks) {
  const { status } = spawnSync(process.execPath, [bin('vitest', 'vitest'), 'run'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      MALTSTER_CHECKS: JSON.stringify(checks),
      MALTSTER_REPORTED: join(folder, 'reported'),
    },
  })
  return status === 0
}

/** What would be published, packed once. The build has run: no scripts. */
function tarball() {
  const isPacked = (/** @type {string} */ name) => name.endsWith('.tgz')
  if (!readdirSync(folder).some(isPacked)) {
    const command = ['pack', '--ignore-scripts', '--pack-destination', folder]
    const { status, stderr } = spawnSync('npm', command, { cwd: root, encoding: 'utf8' })
    if (status !== 0) throw new Error(`npm pack: ${stderr}`)
  }
  return join(folder, readdirSync(folder).find(isPacked) ?? 'no tarball')
}

/**
 * @param {string} packageName
 * @param {string} command
 */
function bin(packageName, command) {
  const folderOf = join(root, 'node_modules', packageName)
  const { bin: commands } = JSON.parse(readFileSync(join(folderOf, 'package.json'), 'utf8'))
  return join(folderOf, typeof commands === 'string' ? commands : commands[command])
}
