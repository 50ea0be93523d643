/**
 * Whether the function of a failed call may have run over there.
 *
 * `no`: it certainly did not start. `yes`: it ran, and its outcome is what failed. `unknown`: it was sent and
 * nothing proves either. Source of the idea: Jepsen's `fail` against `info` in a history.
 */
export type Executed = 'no' | 'unknown' | 'yes'

/** What every error of this package can say about the worker it concerns. */
export interface ErrorContext {
  /** Place of the worker in the tree, such as `app/jobs/worker-2`. */
  readonly worker?: string | undefined
  /** Process id, once there is one. */
  readonly pid?: number | undefined
  /** What led to it. */
  readonly cause?: unknown
}

const brandOf = (code: string): symbol => Symbol.for(`maltster.error.${code}`)

/**
 * Base of every error that this package raises about workers, calls and data.
 *
 * `code` is stable; `instanceof` also holds across two copies of the package (each class carries a registered
 * symbol as its brand). Wrong arguments are ordinary `TypeError` and `RangeError`.
 *
 * @example
 * import { MaltsterError } from 'maltster'
 * console.log(new MaltsterError('example') instanceof Error) // true
 */
export class MaltsterError extends Error {
  /** Stable, such as `ERR_MALTSTER_WORKER_DIED`. */
  declare readonly code: string
  /** Place in the tree of the worker concerned, when there is one. */
  readonly worker?: string
  /** Process id of the worker concerned, when there is one. */
  readonly pid?: number

  constructor(message: string, context: ErrorContext = {}) {
    super(message, 'cause' in context && context.cause !== undefined ? { cause: context.cause } : undefined)
    if (context.worker !== undefined) this.worker = context.worker
    if (context.pid !== undefined) this.pid = context.pid
  }

  /** Holds across copies of the package: compares the registered brand, not the constructor. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    const own = Object.hasOwn(this, 'brand') ? (this as unknown as { brand: symbol }).brand : undefined
    if (own === undefined) return Function.prototype[Symbol.hasInstance].call(this, value)
    return typeof value === 'object' && value !== null && own in value
  }
}

/**
 * Gives an error class its stable code, its name and the brand that `instanceof` compares. They sit on the
 * prototype, so that they don't show as own properties when the error is printed.
 * @internal
 */
export function brand(errorClass: { prototype: object; name: string }, code: string): void {
  const symbol = brandOf(code)
  Object.defineProperty(errorClass, 'brand', { value: symbol })
  Object.defineProperty(errorClass.prototype, symbol, { value: true })
  Object.defineProperty(errorClass.prototype, 'code', { value: code, configurable: true, writable: true })
  Object.defineProperty(errorClass.prototype, 'name', {
    value: errorClass.name,
    configurable: true,
    writable: true,
  })
}

brand(MaltsterError, 'ERR_MALTSTER')
