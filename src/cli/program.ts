import { createRequire } from 'node:module'
import { suggestion } from '../actors/option-checks.ts'
import { type Command, exitCode, type Surroundings } from './command.ts'
import { explainCommand } from './explain-command.ts'
import { readWords } from './read-words.ts'
import { UsageError } from './usage-error.ts'

const commands: readonly Command[] = [explainCommand]

const usage = `usage: maltster COMMAND

${commands.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}

  --help, -h      this text; after a command, its own
  --version, -v   the version of maltster`

const switches = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const

/**
 * Runs the program.
 * @param words - the arguments of the command line
 * @returns the exit code
 * @throws {UsageError} if the words make no sense
 */
export async function runProgram(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const [first, ...others] = words
  if (first === undefined) throw new UsageError(`Which command?\n\n${usage}`)
  if (!first.startsWith('-')) {
    const command = commands.find(({ name }) => name === first)
    if (command !== undefined) return command.run(others, surroundings)
    const names = commands.map(({ name }) => name)
    throw new UsageError(`maltster has no command \`${first}\`.${suggestion(first, names)}`)
  }
  const said = readWords('maltster', words, switches)
  surroundings.print(said.switches.has('help') ? `${usage}\n` : `${version()}\n`)
  return exitCode.yes
}

function version(): string {
  const manifest = createRequire(import.meta.url)('../../package.json') as { version: string }
  return manifest.version
}
