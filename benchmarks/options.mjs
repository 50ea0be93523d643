import { parseArgs } from 'node:util'

export const partNames = ['cold-start', 'sequential', 'in-flight', 'binary', 'memory']

const usage = `usage: npm run bench -- [${partNames.join(' | ')}] [--quick] [--no-aim] [--aim TIMES]
                          [--rounds N] [--sample-ms MS] [--mib N]
       npm run bench -- capture [--rounds N] [--install-peers]
       npm run bench -- flow [--quick] [--no-aim]
       npm run bench -- pool | restart [ROUNDS]

  capture      what it costs to find and send what a function refers to
  --install-peers   for that, Pulumi's serializer beside it, about 90 MB; into a cache outside of this folder
  flow         what streams carry, beside calls and a bare socket, and what they hold when nobody takes it
  pool         what a booted spare is worth beside a cold start, and what an item of a map costs
  restart      how long a worker that was killed is missed, beside a bare fork; default 15 rounds

  --quick      fewer and shorter rounds: under a minute
  --aim TIMES  calls a second with 64 in flight on one cpu, as a multiple of fork's; default 4
  --no-aim     exit with 0 whether or not the aim is met
  --rounds, --sample-ms, --mib   how many rounds, how long a sample, how large the binary`

/**
 * @typedef {object} BenchOptions
 * @property {string[]} parts
 * @property {number | undefined} aim - undefined: whatever comes out is good
 * @property {number} rounds
 * @property {number} sampleMs
 * @property {number} mebibytes
 */

/**
 * @param {string[]} args
 * @returns {BenchOptions}
 * @throws {Error} with the usage, for arguments that are none
 */
export function readOptions(args) {
  try {
    const { values, positionals } = parse(args)
    for (const name of positionals) {
      if (!partNames.includes(name)) throw new Error(`There is no part '${name}'.`)
    }
    const [rounds, sampleMs] = values.quick === true ? [5, 150] : [15, 500]
    return {
      parts: positionals.length === 0 ? partNames : positionals,
      aim: values['no-aim'] === true ? undefined : positive('aim', values.aim, 4),
      rounds: Math.ceil(positive('rounds', values.rounds, rounds)),
      sampleMs: positive('sample-ms', values['sample-ms'], sampleMs),
      mebibytes: Math.ceil(positive('mib', values.mib, 64)),
    }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`, { cause: error })
  }
}

/**
 * @param {string[]} args
 * @returns {{ installPeers: boolean, rounds: number }}
 * @throws {Error} with the usage, for arguments that are none
 */
export function readCaptureOptions(args) {
  try {
    const { values } = parseArgs({
      args,
      options: { 'install-peers': { type: 'boolean' }, rounds: { type: 'string' } },
    })
    const rounds = Math.ceil(positive('rounds', values.rounds, 2000))
    return { installPeers: values['install-peers'] === true, rounds }
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`, { cause: error })
  }
}

/** @param {string[]} args */
function parse(args) {
  return parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean' },
      'no-aim': { type: 'boolean' },
      aim: { type: 'string' },
      rounds: { type: 'string' },
      'sample-ms': { type: 'string' },
      mib: { type: 'string' },
    },
  })
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} otherwise
 */
function positive(name, text, otherwise) {
  const value = text === undefined ? otherwise : Number(text)
  if (!(value > 0 && value < Infinity)) throw new Error(`--${name} takes a number above 0, not '${text}'.`)
  return value
}

/**
 * How many rounds a part takes that has no other options.
 * @param {string | undefined} text
 * @throws {Error} if it is no number
 */
export const roundsOf = (text) => Math.ceil(positive('rounds', text, 15))
