import { parseArgs } from 'node:util'
import { suggestion } from '../actors/option-checks.ts'
import { UsageError } from './usage-error.ts'

/** Switches by name, each with its letter if it has one. */
export type Switches = Readonly<Record<string, { readonly type: 'boolean'; readonly short?: string }>>

/** What was said. */
export interface Words<Name extends string> {
  readonly switches: ReadonlySet<Name>
  readonly positionals: readonly string[]
}

/**
 * Tells switches from the rest. `--` ends the switches.
 * @param what - whose switches they are, for messages
 * @throws {UsageError} for one that is not there, with the one that may be meant, for one with a value, and for one behind
 *   `--`, where it would be taken for something else
 */
export function readWords<S extends Switches>(
  what: string,
  words: readonly string[],
  options: S,
): Words<Extract<keyof S, string>> {
  // Strict, it would tell of an unknown option without saying which ones there are.
  const { tokens, positionals } = parseArgs({
    args: [...words],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const switches = new Set<Extract<keyof S, string>>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    if (!Object.hasOwn(options, name)) {
      const known = Object.keys(options).map((one) => `--${one}`)
      throw new UsageError(`${what} has no option \`${rawName}\`.${suggestion(rawName, known)}`)
    }
    if (value !== undefined) throw new UsageError(`\`${rawName}\` takes no value, got \`${value}\`.`)
    switches.add(name as Extract<keyof S, string>)
  }
  const late = positionals.find((word) => isSwitch(word, options))
  if (late !== undefined) {
    throw new UsageError(
      `\`${late}\` stands behind \`--\`, where nothing is an option: put it in front of that.`,
    )
  }
  return { switches, positionals }
}

const isSwitch = (word: string, options: Switches): boolean =>
  Object.entries(options).some(([name, { short }]) => word === `--${name}` || word === `-${short ?? name}`)
