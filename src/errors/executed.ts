import { DecodeError, ProtocolError } from './data-errors.ts'
import { type Executed, MaltsterError } from './maltster-error.ts'

const order: readonly Executed[] = ['no', 'unknown', 'yes']

/** Whether the one says more of a function that may have run than the other. */
export function isMore(one: Executed, other: Executed): boolean {
  return order.indexOf(one) > order.indexOf(other)
}

const hasExecuted = (error: unknown): error is MaltsterError & { executed: Executed } =>
  error instanceof MaltsterError && 'executed' in error

/** Whether what failed by this error may have run, as far as that says so. */
export function executedOf(error: unknown): Executed {
  if (hasExecuted(error)) return error.executed
  // An answer that can't be read is one: but so is the complaint of a worker that could not read the arguments.
  return error instanceof DecodeError || error instanceof ProtocolError ? 'unknown' : 'no'
}

/** What is to be said besides. */
export interface ExecutedContext {
  /** A sentence for its message. */
  readonly note: string
  /** What led to it; default its own cause. */
  readonly cause?: unknown
}

/**
 * The same error, which says more of whether the function may have run. Another object: one refusal may be that of many
 * calls. What does not say anything of it, such as the reason of a signal, is given back as it is.
 */
export function withExecuted(error: unknown, executed: Executed, { note, cause }: ExecutedContext): unknown {
  if (!hasExecuted(error) || !isMore(executed, error.executed)) return error
  const Same = error.constructor as new (message: string, context: object) => MaltsterError
  const message = `${error.message} ${note}`
  // The context of each of these classes is its own properties.
  const context = { executed, cause: cause ?? error.cause }
  const copy = new Same(message, Object.assign({}, error, context))
  const stack = error.stack?.replace(error.message, () => message)
  Object.defineProperty(copy, 'stack', { value: stack, configurable: true, writable: true })
  return copy
}
