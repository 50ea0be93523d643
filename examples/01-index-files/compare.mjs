import { createHash } from 'node:crypto'

/** @typedef {import('./indexing.mjs').WordIndex} WordIndex */

/**
 * In what two indexes differ, a line for each word. Two equal ones differ in nothing.
 * @param {WordIndex} ours
 * @param {WordIndex} theirs
 * @returns {string[]}
 */
export function differences(ours, theirs) {
  /** @type {string[]} */
  const found = []
  for (const [word, { files, occurrences }] of theirs) {
    const own = ours.get(word)
    if (own === undefined) found.push(`"${word}" is missing`)
    else if (own.files !== files) found.push(`"${word}" is in ${own.files} files, and should be in ${files}`)
    else if (own.occurrences !== occurrences) {
      found.push(`"${word}" occurs ${own.occurrences} times, and should ${occurrences} times`)
    }
  }
  for (const word of ours.keys()) if (!theirs.has(word)) found.push(`"${word}" should not be there`)
  return found
}

/**
 * A hash of an index, whatever order its words came in.
 * @param {WordIndex} index
 * @returns {string}
 */
export function fingerprint(index) {
  const hash = createHash('sha256')
  for (const word of [...index.keys()].toSorted()) {
    const count = index.get(word)
    hash.update(`${word} ${count?.files} ${count?.occurrences}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}
