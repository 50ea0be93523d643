/** The command can't be understood, or what it names is not there: exit code 2, and no stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
