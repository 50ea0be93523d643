// What runs in the worker: a file of JSON lines as a stream of what is in them. It is read no faster than it is taken.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** @typedef {{ id: number, shop: string, cents: number }} Order */

/**
 * Every line of the file as an order. When nobody wants more of them the file is closed.
 * @param {string} file
 * @returns {AsyncGenerator<Order>}
 * @throws {SyntaxError} naming the line that is no JSON
 */
export async function* ordersOf(file) {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity })
  let number = 0
  try {
    for await (const line of lines) {
      number++
      if (line !== '') yield orderOf(line, number)
    }
  } finally {
    lines.close()
    console.log(`closed after ${number} lines`)
  }
}

/**
 * @param {string} line
 * @param {number} number
 * @returns {Order}
 */
function orderOf(line, number) {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new SyntaxError(`line ${number} is no JSON: ${line.slice(0, 40)}`, { cause: error })
  }
}
