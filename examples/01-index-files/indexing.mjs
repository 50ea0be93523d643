// What is done to the files: ordinary functions, which know nothing of maltster. The workers import this module by
// its URL and call its exports; `indexAll` is the same job in one process.
import { readFileSync } from 'node:fs'

/** @typedef {{ files: number, occurrences: number }} Count */
/** @typedef {Map<string, Count>} WordIndex */
/** @typedef {{ words: string[], files: Uint32Array, occurrences: Uint32Array }} Columns */

/**
 * What this process has indexed, by batch. In a worker it lives as long as the process does: an interrupt leaves it
 * alone, a death takes it away.
 * @type {Map<number, WordIndex>}
 */
const parts = new Map()

/**
 * Indexes some files and keeps the result in this process, under the number of the batch.
 *
 * Nothing is kept before the last line, and that is a single step: wherever an interrupt cuts this off, the batch is
 * either held or not held, and to do it again does no harm.
 * @param {number} number
 * @param {readonly string[]} paths
 * @param {number} trapAt - the place in `paths` at which the endless loop lies; -1 for none
 * @returns {number} how many words the batch has
 */
export function indexBatch(number, paths, trapAt) {
  /** @type {WordIndex} */
  const part = new Map()
  for (const [place, path] of paths.entries()) {
    if (place === trapAt) searchForEver(path)
    addFile(part, path)
  }
  parts.set(number, part)
  return part.size
}

/** Which process this is, and the numbers of the batches that it holds. */
export function heldBatches() {
  return { pid: process.pid, numbers: [...parts.keys()] }
}

/**
 * Adds up the batches with these numbers. As columns, since numbers travel best as typed arrays.
 * @param {readonly number[]} numbers
 * @returns {Columns}
 */
export function handIn(numbers) {
  /** @type {WordIndex} */
  const sum = new Map()
  for (const number of numbers) {
    const part = parts.get(number)
    if (part === undefined) throw new Error(`Batch ${number} is not held here.`)
    for (const [word, count] of part) add(sum, word, count)
  }
  const counts = [...sum.values()]
  return {
    words: [...sum.keys()],
    files: Uint32Array.from(counts, ({ files }) => files),
    occurrences: Uint32Array.from(counts, ({ occurrences }) => occurrences),
  }
}

/**
 * Adds what a worker handed in to an index.
 * @param {WordIndex} index
 * @param {Columns} columns
 */
export function addColumns(index, { words, files, occurrences }) {
  for (const [place, word] of words.entries()) {
    add(index, word, { files: files[place] ?? 0, occurrences: occurrences[place] ?? 0 })
  }
}

/**
 * The same job in this process: no batches, no workers, no maltster.
 * @param {readonly string[]} paths
 * @returns {WordIndex}
 */
export function indexAll(paths) {
  /** @type {WordIndex} */
  const index = new Map()
  for (const path of paths) addFile(index, path)
  return index
}

/**
 * @param {WordIndex} index
 * @param {string} path
 */
function addFile(index, path) {
  /** @type {Map<string, number>} */
  const found = new Map()
  for (const [match] of readFileSync(path, 'utf8').matchAll(/[A-Za-z]{2,}/g)) {
    const word = match.toLowerCase()
    found.set(word, (found.get(word) ?? 0) + 1)
  }
  for (const [word, occurrences] of found) add(index, word, { files: 1, occurrences })
}

/**
 * @param {WordIndex} index
 * @param {string} word
 * @param {Count} count
 */
function add(index, word, { files, occurrences }) {
  const known = index.get(word)
  if (known === undefined) {
    index.set(word, { files, occurrences })
  } else {
    known.files += files
    known.occurrences += occurrences
  }
}

/**
 * The trap: a loop that never ends and never lets the event loop turn.
 * @param {string} path
 */
function searchForEver(path) {
  let position = 0
  while (position >= 0) position = (position + 1) % (path.length + 1)
}
