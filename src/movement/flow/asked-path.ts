import { EncodeError } from '../../errors/data-errors.ts'

/**
 * An error about a request as the user knows it: what is asked goes as `[operation, ...args]`, which is nobody's business.
 * @param operation - `call`, whose arguments are those of the function; all others take one value
 */
export function withAskedPath(error: unknown, operation: unknown): unknown {
  if (!(error instanceof EncodeError)) return error
  const { path, message, cause, executed } = error
  const shown = path.replace(/^value\[(\d+)\]/, (_, index) =>
    operation === 'call' ? `args[${Number(index) - 1}]` : 'value',
  )
  if (shown === path) return error
  return new EncodeError(
    message.replace(path, () => shown),
    { path: shown, executed, cause },
  )
}
