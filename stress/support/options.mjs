import { parseArgs } from 'node:util'

/**
 * Reads `--name value` options of a stress program; a wrong one ends it with exit code 2.
 * @param {string} usage
 * @param {readonly string[]} names
 * @returns {Record<string, string | undefined>}
 */
export function readOptions(usage, names) {
  try {
    const options = Object.fromEntries(names.map((name) => [name, /** @type {const} */ ({ type: 'string' })]))
    const { values } = parseArgs({ options, strict: true })
    return values
  } catch (error) {
    return refuse(usage, error instanceof Error ? error.message : String(error))
  }
}

/**
 * @param {string} usage
 * @param {string} why
 * @returns {never}
 */
export function refuse(usage, why) {
  console.error(`${why}\nusage: ${usage}`)
  process.exit(2)
}

/**
 * @param {string} usage
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} otherwise
 * @param {number} least
 */
export function numberOption(usage, name, text, otherwise, least) {
  const value = text === undefined ? otherwise : Number(text)
  if (!(value >= least && value < 2 ** 32)) {
    refuse(usage, `Expected --${name} to be a number of at least ${least}, got ${text}.`)
  }
  return value
}

/**
 * @param {string} usage
 * @param {string} name
 * @param {string | undefined} text
 * @param {readonly string[]} known
 */
export function namesOption(usage, name, text, known) {
  const chosen = text === undefined ? [...known] : text.split(',')
  const unknown = chosen.filter((one) => !known.includes(one))
  if (unknown.length > 0) {
    refuse(usage, `--${name} does not know ${unknown.join(', ')}; there are ${known.join(', ')}.`)
  }
  return chosen
}
