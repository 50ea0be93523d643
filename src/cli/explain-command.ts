import { inspect } from 'node:util'
import { explain } from '../actors/explain.ts'
import type { MovementPlan } from '../movement/movement-plan.ts'
import { type Command, exitCode, type Surroundings } from './command.ts'
import { loadFunction, readTarget } from './load-export.ts'
import { readWords } from './read-words.ts'
import { hasColours } from './terminal-colours.ts'
import { UsageError } from './usage-error.ts'

const usage = `usage: maltster explain FILE[#EXPORT] [ARGUMENTS] [--json | --table]

Tells what a call of a function would move to a new worker, byte by byte, and why; nothing is sent, and the function is
not called. FILE is imported, which runs it; what it prints goes to standard error.

  FILE         a path or a URL of a module; TypeScript where this Node.js, or a loader in NODE_OPTIONS, loads it
  EXPORT       which of its exports; default: \`default\`
  ARGUMENTS    what the function would be called with: a JSON array, such as '[100, "EUR"]'; default: none

  --table      a table for people; the default at a terminal, in colours unless NO_COLOR is set
  --json       the plan as JSON; the default elsewhere

exit code: 0 if it can move, 1 if it is refused (the first line says why), 2 if the question makes no sense`

const switches = {
  json: { type: 'boolean' },
  table: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** `maltster explain`: what `explain()` tells, of an export of a file. */
export const explainCommand: Command = {
  name: 'explain',
  summary: 'what a call of a function would move to a worker, and why',
  usage,
  async run(words, surroundings) {
    const said = readWords('maltster explain', words, switches)
    if (said.switches.has('help')) {
      surroundings.print(`${usage}\n`)
      return exitCode.yes
    }
    if (said.switches.has('json') && said.switches.has('table')) {
      throw new UsageError('`--json` and `--table` exclude each other.')
    }
    const [target, args, ...others] = said.positionals
    if (target === undefined)
      throw new UsageError('Which function? Name one: `maltster explain file.mjs#name`.')
    const [other] = others
    if (other !== undefined) {
      throw new UsageError(`\`${other}\` is too much: arguments are one JSON array, such as '[1, 2]'.`)
    }
    const given = readArguments(args)
    const fn = await loadFunction(readTarget(target, surroundings.cwd))
    const plan = explain(fn, given)
    const isTable = said.switches.has('table') || (surroundings.isTerminal && !said.switches.has('json'))
    surroundings.print(`${isTable ? tableOf(plan, surroundings) : JSON.stringify(plan, undefined, 2)}\n`)
    return plan.entries.some(({ action }) => action === 'refused') ? exitCode.no : exitCode.yes
  },
}

function readArguments(text: string | undefined): unknown[] {
  if (text === undefined) return []
  const expected = 'Expected the arguments to be a JSON array, such as \'[100, "EUR"]\''
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError(`${expected}, got \`${text}\` (${(error as Error).message}).`)
  }
  if (!Array.isArray(value)) throw new UsageError(`${expected}, got \`${text}\`.`)
  return value
}

const tableOf = (plan: MovementPlan, { environment, isTerminal }: Surroundings): string =>
  inspect(plan, { colors: hasColours(environment, isTerminal) })
