import { brand, type ErrorContext, type Executed, MaltsterError } from './maltster-error.ts'

/**
 * The call was ended by `interrupt()`, by its own ladder, or, with `collateral`, because it shared the process
 * with a call that was cut off and can't be shown to be unharmed. `at` is the stack of the code that was
 * spinning, when there was one.
 */
export class InterruptedError extends MaltsterError {
  /** Stack of the code that was spinning, if any was. */
  readonly at: string | undefined
  /** Whether it was not meant, and only shared the process. */
  readonly collateral: boolean
  /** Whether the function may have run. */
  readonly executed: Executed

  constructor(
    message: string,
    context: ErrorContext & { at?: string | undefined; collateral: boolean; executed: Executed },
  ) {
    super(message, context)
    this.at = context.at
    this.collateral = context.collateral
    this.executed = context.executed
  }
}
brand(InterruptedError, 'ERR_MALTSTER_INTERRUPTED')

/** The call did not settle within `timeoutMs`. `at` is the stack of the code that was spinning, if it was. */
export class CallTimeoutError extends MaltsterError {
  /** The limit of the call, in milliseconds. */
  readonly timeoutMs: number
  /** Stack of the code that was spinning, if any was. */
  readonly at: string | undefined
  /** Whether the function may have run. */
  readonly executed: Executed

  constructor(
    message: string,
    context: ErrorContext & { timeoutMs: number; at?: string | undefined; executed: Executed },
  ) {
    super(message, context)
    this.timeoutMs = context.timeoutMs
    this.at = context.at
    this.executed = context.executed
  }
}
brand(CallTimeoutError, 'ERR_MALTSTER_CALL_TIMEOUT')

/** The mailbox is full: too many calls, or too many bytes, wait for the worker. Nothing was sent. */
export class BackpressureError extends MaltsterError {
  /** Whether the function may have run: only if it was an attempt after others that something was too much for. */
  readonly executed: Executed

  constructor(message: string, context: ErrorContext & { executed?: Executed } = {}) {
    super(message, context)
    this.executed = context.executed ?? 'no'
  }
}
brand(BackpressureError, 'ERR_MALTSTER_BACKPRESSURE')

/** What a remote error carries besides its message. */
export interface RemoteErrorContext extends ErrorContext {
  /** Name of the class of what was thrown. */
  readonly remoteName: string
  /** The stack over there. */
  readonly remoteStack: string
  /** Own properties of the thrown error, as far as they could be sent. */
  readonly properties: Readonly<Record<string, unknown>>
}

/**
 * The function threw over there. The message is the remote one; `remoteName` its class; its own properties are
 * in `properties` and, where the names are free, on this error too; `cause` is the remote cause chain, as
 * `RemoteError`s. `stack` is the remote stack followed by the caller's.
 */
export class RemoteError extends MaltsterError {
  /** It ran. */
  readonly executed: Executed = 'yes'
  /** Name of the class of what was thrown, or `typeof` of what is no error. */
  readonly remoteName: string
  /** The stack over there. */
  readonly remoteStack: string
  /** Own properties of what was thrown, as far as they could be sent. */
  readonly properties: Readonly<Record<string, unknown>>

  constructor(message: string, context: RemoteErrorContext) {
    super(message, context)
    this.remoteName = context.remoteName
    this.remoteStack = context.remoteStack
    this.properties = context.properties
    for (const [key, value] of Object.entries(context.properties)) {
      if (key in this) continue
      Object.defineProperty(this, key, { value, enumerable: true, configurable: true, writable: true })
    }
  }
}
brand(RemoteError, 'ERR_MALTSTER_REMOTE')
