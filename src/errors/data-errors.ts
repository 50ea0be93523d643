import { brand, type ErrorContext, type Executed, MaltsterError } from './maltster-error.ts'

/**
 * A value can't be sent. `path` leads to it: `args[0].handlers[2]`.
 *
 * For an argument nothing was written and nothing ran (`executed: 'no'`); for a result the function has run
 * (`executed: 'yes'`) and the worker goes on.
 */
export class EncodeError extends MaltsterError {
  /** The way to the value: `args[0].handlers[2]`. */
  readonly path: string
  /** Whether the function may have run. */
  readonly executed: Executed

  constructor(message: string, context: ErrorContext & { path: string; executed?: Executed }) {
    super(message, context)
    this.path = context.path
    this.executed = context.executed ?? 'no'
  }
}
brand(EncodeError, 'ERR_MALTSTER_ENCODE')

/** Bytes that arrived are not a value within the limits. `reason` is a stable word, such as `too-deep`. */
export class DecodeError extends MaltsterError {
  /** A stable word for what is wrong. */
  readonly reason: string

  constructor(message: string, context: ErrorContext & { reason: string }) {
    super(message, context)
    this.reason = context.reason
  }
}
brand(DecodeError, 'ERR_MALTSTER_DECODE')

/** The other side broke the protocol: a wrong version, an unknown message, a frame over its limit. */
export class ProtocolError extends MaltsterError {}
brand(ProtocolError, 'ERR_MALTSTER_PROTOCOL')

/**
 * A function refers to something that can't go with it. `path` is the way to it (`fn → helper → conn`), `why`
 * the reason, `hint` what to write instead. Raised before a byte is sent.
 */
export class CaptureError extends MaltsterError {
  /** The way from the function to what can not go. */
  readonly path: string
  /** The reason. */
  readonly why: string
  /** What to write instead. */
  readonly hint: string

  constructor(context: ErrorContext & { path: string; why: string; hint: string }) {
    super(`${context.path} can't be sent: ${context.why}. ${context.hint}`, context)
    this.path = context.path
    this.why = context.why
    this.hint = context.hint
  }
}
brand(CaptureError, 'ERR_MALTSTER_CAPTURE')
