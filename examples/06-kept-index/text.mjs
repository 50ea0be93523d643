// What runs in the worker: a file of text as lines, an index of its words, and questions about both.
import { readFile } from 'node:fs/promises'

/** @typedef {Map<string, number[]>} Index */

/** @param {string} file */
export async function linesOf(file) {
  return (await readFile(file, 'utf8')).split('\n')
}

/**
 * Where each word stands.
 * @param {readonly string[]} lines
 * @returns {Index} numbers of lines, from 1, by word
 */
export function indexOf(lines) {
  /** @type {Index} */
  const index = new Map()
  lines.forEach((line, at) => {
    for (const [word] of line.toLowerCase().matchAll(/\p{L}+/gu)) {
      const places = index.get(word)
      if (places === undefined) index.set(word, [at + 1])
      else if (places.at(-1) !== at + 1) places.push(at + 1)
    }
  })
  return index
}

/**
 * The lines that have all the words, as a stream.
 * @param {readonly string[]} lines
 * @param {Index} index
 * @param {readonly string[]} words
 */
export function* linesWith(lines, index, words) {
  const [first = [], ...others] = words.map((word) => index.get(word) ?? [])
  const rest = others.map((places) => new Set(places))
  for (const place of first) {
    if (rest.every((places) => places.has(place))) yield `${place}: ${lines[place - 1]}`
  }
}
