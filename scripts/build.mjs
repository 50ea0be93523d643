// Makes `dist`: tsc one to one, then the bundles. `node scripts/build.mjs [--if-stale]`; also runs as `prepare`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fingerprintFile, inputFingerprint, isFresh } from './build-inputs.mjs'
import { bundleChild, inlineMsgpackr, writeLicences } from './bundles.mjs'

/**
 * Builds beside `dist` and swaps at the end, so that a failed build leaves the old one and a reader sees either.
 * @param {string} root
 */
export async function build(root) {
  const startedAt = performance.now()
  removeAbandoned(root)
  const fingerprint = inputFingerprint(root)
  const next = join(root, `dist-${process.pid}`)
  try {
    compile(root, next)
    mkdirSync(join(next, 'child'), { recursive: true })
    const moduleIds = [...(await bundleChild(root, next)), ...(await inlineMsgpackr(next))]
    writeLicences(next, moduleIds)
    removeUnreachable(root, next)
    writeFileSync(join(next, fingerprintFile), fingerprint)
    replace(next, join(root, 'dist'))
  } finally {
    rmSync(next, { recursive: true, force: true })
  }
  const kilobytes = Math.ceil(readFileSync(join(root, 'dist/child/main.cjs')).byteLength / 1000)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`built dist in ${seconds} s (dist/child/main.cjs: ${kilobytes} kB)`)
}

/**
 * Moves `next` to where `target` is. Another build may do the same at that moment; the last one wins.
 * @param {string} next
 * @param {string} target
 */
function replace(next, target) {
  const old = `${next}-old`
  for (let attempt = 1; ; attempt++) {
    try {
      if (existsSync(target)) renameSync(target, old)
      renameSync(next, target)
      return rmSync(old, { recursive: true, force: true })
    } catch (error) {
      if (attempt === 10) throw error
      rmSync(old, { recursive: true, force: true })
    }
  }
}

/**
 * @param {string} root
 * @param {string} outDir
 */
function compile(root, outDir) {
  const tsc = fileURLToPath(import.meta.resolve('typescript/package.json'))
  const command = [join(dirname(tsc), 'lib/tsc.js'), '--project', root, '--outDir', outDir]
  const { status, error } = spawnSync(process.execPath, command, { stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error('tsc reported errors')
}

/**
 * Deletes what only the child's bundle needed: files of `dist/child` that no public entry leads to.
 * @param {string} root
 * @param {string} dist
 */
function removeUnreachable(root, dist) {
  const reached = new Set()
  const waiting = publicEntries(root).map((entry) => join(dist, entry))
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file) || !existsSync(file)) continue
    reached.add(file)
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(
      /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g,
    )) {
      const target = join(dirname(file), /** @type {string} */ (specifier))
      waiting.push(file.endsWith('.d.ts') ? target.replace(/(\.d)?\.[jt]s$/, '.d.ts') : target)
    }
  }
  for (const name of readdirSync(join(dist, 'child'), { recursive: true, encoding: 'utf8' })) {
    const file = join(dist, 'child', name)
    if (/\.js(\.map)?$|\.d\.ts$/.test(name) && !reached.has(file.replace(/\.map$/, ''))) rmSync(file)
  }
}

/**
 * Files that the exports map names, relative to `dist`.
 * @param {string} root
 * @returns {string[]}
 */
function publicEntries(root) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const targets = Object.values(manifest.exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  return targets
    .filter((/** @type {string} */ target) => target.startsWith('./dist/'))
    .map((/** @type {string} */ target) => target.slice('./dist/'.length))
}

/**
 * Deletes what builds that were killed have left.
 * @param {string} root
 */
function removeAbandoned(root) {
  for (const name of readdirSync(root)) {
    const pid = /^dist-(\d+)(-old)?$/.exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(root, name), { recursive: true, force: true })
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
  try {
    if (!process.argv.includes('--if-stale') || !isFresh(root)) await build(root)
  } catch (error) {
    console.error(`build: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
