import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** @typedef {{ path: string, bytes: number }} TextFile */
/** @typedef {{ number: number, paths: string[] }} Batch */

const textNames =
  /\.(?:[cm]?[jt]s|jsonc?|json5|map|md|markdown|txt|ya?ml|s?css|html|flow|lock)$|^(?:licen[cs]e|readme|changelog|authors|notice|history)\b/i

/** Larger ones are left out: a handful of bundles would make up half of the bytes. */
const maxFileBytes = 2 ** 20

/**
 * The text files below a folder, in order of path. Names that begin with a dot are left out: other tools keep
 * caches there, which may change while this runs.
 * @param {string} folder
 * @returns {TextFile[]}
 */
export function listTextFiles(folder) {
  /** @type {TextFile[]} */
  const found = []
  const folders = [folder]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const entry of readdirSync(next, { withFileTypes: true })) {
      const path = join(next, entry.name)
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile() && textNames.test(entry.name)) found.push({ path, bytes: statSync(path).size })
    }
  }
  return found.filter(({ bytes }) => bytes <= maxFileBytes).toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/**
 * Cuts a list of files into numbered batches.
 * @param {readonly TextFile[]} files
 * @param {number} size
 * @returns {Batch[]}
 */
export function inBatches(files, size) {
  return Array.from({ length: Math.ceil(files.length / size) }, (_, number) => ({
    number,
    paths: files.slice(number * size, (number + 1) * size).map(({ path }) => path),
  }))
}

/**
 * Reads every file once, so that the system has them all in its cache: whoever is timed afterwards pays for the work
 * and not for the disk, and the one who comes first pays no more than the second.
 * @param {readonly TextFile[]} files
 */
export function readOnce(files) {
  for (const { path } of files) readFileSync(path)
}
