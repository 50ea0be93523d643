import { ChannelClosedError } from '../../errors/flow-errors.ts'
import { EncodeError } from '../../errors/data-errors.ts'
import type { Answer, Served } from './live-object.ts'
import type { QueueSender } from './channel-queue.ts'

/** What waits for a value at an end. One of the three comes, once, unless it gives up before. */
export interface Taker {
  got(value: unknown): void
  /** There is none now, and now was asked for. */
  empty(): void
  failed(why: Error): void
}

/** One process's end of a channel: the queue itself, or the way to it. */
export interface ChannelEnd {
  readonly capacity: number
  /** As far as it is known here. */
  readonly closed: boolean
  /** What other processes see of it. */
  readonly served: Served
  /**
   * Sends a value.
   * @returns gives up, as far as it is not too late
   * @throws {EncodeError} if it can't be sent
   */
  send(value: unknown, sender: QueueSender): () => void
  /**
   * Takes a value; only if there is one now, if `isNow`.
   * @returns gives up: a value that comes all the same is given to the next, or put back
   */
  take(taker: Taker, isNow: boolean): () => void
  close(): void
  /** Tells how many values are in it. */
  size(): Promise<number>
}

/** The reason of a channel that was closed on purpose. */
export const closedError = (): ChannelClosedError =>
  new ChannelClosedError('The channel is closed: nothing can be sent, and nothing is left to be received.')

/** The reason of a channel whose other end, or whose worker, is gone. */
export const lostError = (why: Error): ChannelClosedError =>
  why instanceof ChannelClosedError
    ? why
    : new ChannelClosedError(`The channel ended with its worker: ${why.message}`, { cause: why })

/**
 * Answers a request with a value of a channel. What the lane can't carry stays in the channel, and the answer says why.
 * @param byteLength - of the value, if that is known
 * @returns whether the value has gone
 */
export function hasGone(answer: Answer, give: () => void, byteLength?: number): boolean {
  try {
    give()
    return true
  } catch (error) {
    answer.fail(error instanceof EncodeError ? stays(error, answer, byteLength) : error)
    return false
  }
}

function stays(
  error: EncodeError,
  { place: { worker } }: Answer,
  byteLength: number | undefined,
): EncodeError {
  const value =
    byteLength === undefined
      ? 'The next value of a channel'
      : `The next value of a channel, of ${byteLength} bytes,`
  const to = worker === undefined ? 'the host' : `worker ${worker}`
  const stay = 'and stays in it, in the way of those behind it there until it is received elsewhere'
  return new EncodeError(`${value} can't go to ${to}, ${stay}: ${error.message}`, {
    path: error.path,
    cause: error,
  })
}

/** What the token of a channel says: its capacity, and by its sign whether it is closed. */
export const channelData = (capacity: number, isClosed: boolean): number =>
  isClosed ? -1 - capacity : capacity

/** Reads the data of a token. Throws if they make no sense. */
export function readChannelData(data: unknown): { readonly capacity: number; readonly isClosed: boolean } {
  if (typeof data !== 'number' || !Number.isInteger(data)) throw new TypeError('A channel has a capacity.')
  return data < 0 ? { capacity: -1 - data, isClosed: true } : { capacity: data, isClosed: false }
}

/** Operations of channels on the wire. */
export const operation = {
  send: 'send',
  receive: 'receive',
  tryReceive: 'tryReceive',
  putBack: 'putBack',
  close: 'close',
  size: 'size',
} as const
