/** What a command finds around it. */
export interface Surroundings {
  /** To standard output. */
  print(text: string): void
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Whether somebody reads standard output at a terminal. */
  readonly isTerminal: boolean
  readonly cwd: string
}

/** One command of the program. */
export interface Command {
  readonly name: string
  /** What it does, in a line. */
  readonly summary: string
  /** What `--help` prints. */
  readonly usage: string
  /**
   * @param words - what follows its name
   * @returns the exit code
   * @throws {UsageError} if the words make no sense
   */
  run(words: readonly string[], surroundings: Surroundings): Promise<number>
}

/** Exit codes, the same for all commands. */
export const exitCode = { yes: 0, no: 1, usage: 2 } as const
