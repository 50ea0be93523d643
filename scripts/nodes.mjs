// Runs the tests on other versions of Node.js, which come from npm: `npm run test:nodes [-- 22 24] [-- --only FILTER]`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const words = process.argv.slice(2)
const at = words.indexOf('--only')
const filters = at < 0 ? [] : words.slice(at + 1)
const asked = at < 0 ? words : words.slice(0, at)
const versions = asked.length > 0 ? asked : ['22', '24']

/**
 * Installs a Node.js of its own, outside of this package.
 * @param {string} folder
 * @param {string} version
 * @returns {string} path of its executable
 */
function install(folder, version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const prefix = join(folder, version)
  mkdirSync(prefix, { recursive: true })
  const args = ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', prefix, `${name}@${version}`]
  const { status } = spawnSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const executable = join(
    prefix,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  )
  if (status !== 0 || !existsSync(executable)) throw new Error(`${name}@${version} could not be installed`)
  return executable
}

/**
 * @param {string} executable
 * @returns {boolean} whether all tests passed
 */
function runTests(executable) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const path = `${dirname(executable)}${delimiter}${process.env['PATH'] ?? ''}`
  const { status } = spawnSync(executable, [vitest, 'run', ...filters], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  })
  return status === 0
}

const folder = mkdtempSync(join(tmpdir(), 'mt-nodes-'))
let failed = 0
try {
  for (const version of versions) {
    const executable = install(folder, version)
    const { stdout } = spawnSync(executable, ['--version'], { encoding: 'utf8' })
    console.log(`\n=== Node.js ${stdout.trim()} ===`)
    if (!runTests(executable)) failed++
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(
  `\n${versions.length - failed} passed, ${failed} failed (versions of Node.js: ${versions.join(', ')})`,
)
process.exitCode = failed === 0 ? 0 : 1
