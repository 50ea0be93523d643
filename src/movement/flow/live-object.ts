import { types } from 'node:util'
import { peekProperty } from '../../transport/codec/peek.ts'
import type { ErrorContext } from '../../errors/maltster-error.ts'
import type { EncodedBody } from '../../transport/codec.ts'
import type { Limits } from '../../transport/limits.ts'
import type { LiveData } from '../../transport/live-values.ts'
import { protocolVersion } from '../../transport/protocol.ts'

/**
 * Under this key an object says that it stays where it is, and serves requests. It is registered, since a process may
 * have several copies of this package, and the runtime's, whose objects meet; but only those that speak alike.
 */
export const liveSymbol: unique symbol = Symbol.for(`maltster.live.${protocolVersion}`) as never

/** A request that came, and the one answer that it gets. */
export interface Answer {
  /** Of the lane that the request came by; the same object always. */
  readonly lane: object
  /** What can be sent over it. */
  readonly limits: Limits
  /** The worker that it leads to or from. */
  readonly place: ErrorContext
  /** Which of the requests of that lane it is; they rise. */
  readonly id: number
  /** What the request took on the lane. */
  readonly byteLength: number
  /** Whether it has been answered, or nobody waits for it any more. */
  readonly isOver: boolean
  /** Told, once, when nobody waits any more: it was withdrawn, or the lane is over. May be set anew at any time. */
  withdrawn: (() => void) | undefined
  /** @param aux - a number that goes along, 0 to 2^32 - 1 */
  reply(value: unknown, aux?: number): void
  /**
   * As `reply`, but a value that can't be sent is no answer.
   * @throws {EncodeError}
   */
  give(value: unknown, aux?: number): void
  /** As `reply`, with a value that the codec of this lane has encoded. */
  replyEncoded(body: EncodedBody, aux: number): void
  fail(error: unknown): void
  /** Tells when the other side has read all that it was told until now, and what it says about that has come. */
  whenRead(told: () => void): void
}

/** The side of a live value that other processes see. */
export interface Served {
  /** One of `liveKind`. */
  readonly kind: number
  /** What its token says. */
  readonly data: LiveData
  /** It is not let go when the call is over that it was an argument of: a function that was wrapped for that. */
  readonly isKept?: boolean
  /** What a token of it that comes home stands for, if that is not the object itself. */
  atHome?(): unknown
  /** Answers a request, now or later. What it throws is the answer, too. The arguments are not to be trusted. */
  request(operation: unknown, args: readonly unknown[], answer: Answer): void
  /**
   * It has a number on this lane now.
   * @param announce - tells the other side, which has it, that it is over, and why
   * @param letGo - frees its number: what the other side still asks of it is refused
   */
  exported?(lane: object, announce: (why: unknown) => void, letGo: () => void): void
  /** The other side of this lane uses it no more, or is gone. */
  released?(lane: object): void
}

/** What an object that stays where it is says of itself; undefined for all others. */
export function servedBy(value: object): Served | undefined {
  const property = peekProperty(value, liveSymbol)
  return property?.get === undefined
    ? (property?.value as Served | undefined)
    : (property.get.call(value) as Served)
}

export type AnyFunction = (...args: unknown[]) => unknown

/** A class can only be called with `new`: it can't be called from over there. */
export const isClass = (value: object): boolean =>
  typeof value === 'function' && !types.isProxy(value) && /^class\b/.test(functionText.call(value))

const functionText = Function.prototype.toString
