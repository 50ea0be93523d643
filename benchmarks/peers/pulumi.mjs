import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

const version = '3.248.0'
const name = `@pulumi/pulumi@${version}`
const size = '220 packages, about 90 MB'

/** Too heavy to be a dependency, of ours or of whoever works on this. */
const folder = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'maltster-benchmarks',
  `pulumi-${version}`,
)

/** @typedef {(fn: (...args: any[]) => unknown) => Promise<{ text: string }>} SerializeFunction */

/**
 * The serializer of functions of Pulumi: the only other one that finds at run time what a function refers to.
 * @param {boolean} isInstalling - whether to install it, where it is not
 * @returns {(() => SerializeFunction) | string} how to load it, which takes a second and slows the whole process (it turns
 *   the debugger on); a string says why it is not there
 */
export function pulumiSerializer(isInstalling) {
  const failure = isInstalling && !isInstalled() ? install() : undefined
  if (failure !== undefined) return failure
  if (!isInstalled()) {
    return `pulumi is not there, so it is not measured: --install-peers installs ${name} (${size}) in ${folder}`
  }
  const file = join(folder, 'node_modules/@pulumi/pulumi/runtime/closure/serializeClosure.js')
  return () => createRequire(file)(file).serializeFunction
}

const isInstalled = () => existsSync(join(folder, 'installed'))

/** @returns {string | undefined} what went wrong */
function install() {
  console.log(`installing ${name} (${size}) in ${folder} …`)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
  const words = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact', name]
  const { status, stderr, error } = spawnSync('npm', words, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) {
    const why = error?.message ?? stderr.trim().split('\n').at(-1)
    return `pulumi could not be installed, so it is not measured: ${why}`
  }
  // Last, so that half of it does not count.
  writeFileSync(join(folder, 'installed'), '')
  return undefined
}
