import { inspect } from 'node:util'

import type { ThrownData } from '../transport/messages.ts'

const maxCauses = 16
const maxErrors = 64
/** Each is tried whether it can be sent. */
const maxProperties = 256
/** Errors in all: causes and errors of errors may be many, and go in circles. */
const maxThrown = 256

/** Whether a value could be sent on its own. */
export type Sendable = (value: unknown) => boolean

/** Takes the frames that are not the user's out of a stack. */
export type CleanStack = (stack: string) => string

function read(error: object, key: string): unknown {
  try {
    return (error as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}

function ownProperties(error: object, sendable: Sendable): Record<string, unknown> {
  const properties: Record<string, unknown> = {}
  for (const key of Object.keys(error).slice(0, maxProperties)) {
    if (key === 'message' || key === 'stack' || key === 'cause' || key === 'errors' || key === 'name')
      continue
    const value = read(error, key)
    if (value === undefined || !sendable(value)) continue
    // Defined, not assigned: a key named __proto__ must not reach the prototype.
    Object.defineProperty(properties, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return properties
}

function describe(value: unknown): string {
  try {
    return inspect(value, { depth: 1, breakLength: Infinity, maxStringLength: 1000 })
  } catch {
    return 'a value that can not be shown'
  }
}

/**
 * What a function threw, as plain data: text first, so that nothing about it is needed to read it elsewhere.
 * Never throws, whatever the value does when it is looked at.
 */
export function thrownData(thrown: unknown, sendable: Sendable, clean: CleanStack): ThrownData {
  return thrownAt(thrown, { sendable, clean, depth: 0, budget: { left: maxThrown } })
}

interface Reading {
  readonly sendable: Sendable
  readonly clean: CleanStack
  readonly depth: number
  readonly budget: { left: number }
}

function thrownAt(thrown: unknown, reading: Reading): ThrownData {
  try {
    reading.budget.left--
    return readThrown(thrown, reading)
  } catch {
    // A proxy, revoked or hostile, that throws at whatever is asked of it.
    const message = describe(thrown)
    return { isError: false, name: typeof thrown, message, stack: '', properties: {} }
  }
}

function readThrown(thrown: unknown, { sendable, clean, depth, budget }: Reading): ThrownData {
  const deeper = { sendable, clean, depth: depth + 1, budget }
  const goesOn = (): boolean => depth < maxCauses && budget.left > 0
  if (!(thrown instanceof Error) && !isErrorLike(thrown)) {
    const data = { isError: false, name: typeof thrown, message: describe(thrown), stack: '', properties: {} }
    return sendable(thrown) ? { ...data, value: thrown } : data
  }
  const error = thrown as object
  const name = text(read(error, 'name'), 'Error')
  const message = text(read(error, 'message'), '') || customText(error, name)
  const cause = read(error, 'cause')
  const errors = read(error, 'errors')
  return {
    isError: true,
    name,
    message,
    stack: clean(text(read(error, 'stack'), `${name}: ${message}`)),
    properties: ownProperties(error, sendable),
    ...(cause !== undefined && goesOn() ? { cause: thrownAt(cause, deeper) } : {}),
    ...(Array.isArray(errors) && goesOn() ? { errors: innerErrors(errors, deeper) } : {}),
  }
}

/** Errors of another realm (a vm context) are not `instanceof Error` here. */
function isErrorLike(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Error]'
}

/** An error without a message may still say something by its own `toString`. */
function customText(error: object, name: string): string {
  try {
    // eslint-disable-next-line @typescript-eslint/no-base-to-string -- the class's own toString is what is asked for
    const own = String(error)
    return own === name ? '' : own
  } catch {
    return ''
  }
}

function innerErrors(errors: readonly unknown[], reading: Reading): ThrownData[] {
  const inner: ThrownData[] = []
  for (const error of errors) {
    if (inner.length === maxErrors || reading.budget.left <= 0) break
    inner.push(thrownAt(error, reading))
  }
  return inner
}
