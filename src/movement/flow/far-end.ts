import { ChannelEmptyError, ReleasedError } from '../../errors/flow-errors.ts'
import { liveKind } from '../../transport/live-values.ts'
import { AskedInTurn } from './asked-in-turn.ts'
import {
  channelData,
  type ChannelEnd,
  closedError,
  hasGone,
  lostError,
  operation,
  readChannelData,
  type Taker,
} from './channel-end.ts'
import type { QueueSender } from './channel-queue.ts'
import type { Imported } from './imports.ts'
import type { LiveLane } from './live-lane.ts'
import type { Answer, Served } from './live-object.ts'

/** Values of one process that may be on their way to a channel or wait there; more wait here, and far more are refused. */
const sendBounds = {
  underWay: { count: 256, bytes: 4 * 2 ** 20 },
  waiting: { count: 10_000, bytes: 256 * 2 ** 20 },
}

const { Map, Promise, Set } = globalThis
const nothing = (): void => {}
const unheard = { replied: nothing, failed: nothing }

/** Takes values with their numbers, as they come from the queue. */
interface NumberedTaker {
  /** Answers whether it could take it. If not it has been told so. */
  got(value: unknown, sequence: number): boolean
  empty(): void
  failed(why: Error): void
}

interface Waiting extends NumberedTaker {
  withdraw(): void
}

/**
 * The end of a channel whose queue is on the other side of a lane.
 *
 * A value may come for somebody who has given up meanwhile. It is for the next one who waits here; if nobody does, it is
 * put back in its place. From then on all values that come to requests which were given up before follow it, and whoever
 * comes meanwhile asks after them, so that what this process gets stays in order.
 */
export class FarEnd implements ChannelEnd, Served {
  readonly kind = liveKind.channel
  readonly capacity: number
  readonly #lane: LiveLane
  readonly #number: number
  readonly #sends: AskedInTurn
  /** Those who wait, by the number of their request, in its order. */
  readonly #takers = new Map<object, Waiting>()
  /** Requests that nobody waits for any more, and are not answered yet. */
  readonly #orphans = new Set<object>()
  /** Those of them that were there when a value was put back. */
  readonly #followers = new Set<object>()
  /** Those who came meanwhile: they ask when all of that is back. */
  readonly #unasked = new Map<object, () => void>()
  readonly #announce = new Map<object, (why: unknown) => void>()
  #closed: Error | undefined
  /** It came closed. Why, only the other side can tell: it is asked as ever. */
  readonly #wasClosed: boolean

  constructor({ lane, number, data }: Imported) {
    const { capacity, isClosed } = readChannelData(data)
    this.capacity = capacity
    this.#wasClosed = isClosed
    this.#lane = lane
    this.#number = number
    this.#sends = new AskedInTurn(lane, number, sendBounds)
  }

  get data(): number {
    return channelData(this.capacity, this.closed)
  }

  get closed(): boolean {
    return this.#wasClosed || this.#closed !== undefined
  }

  get served(): Served {
    return this
  }

  /** It was closed, or is gone with its process. */
  over(why: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = lostError(why)
    for (const announce of this.#announce.values()) announce(this.#closed)
  }

  send(value: unknown, sender: QueueSender): () => void {
    if (this.#closed !== undefined) {
      sender.failed(this.#closed)
      return nothing
    }
    return this.#sends.ask(operation.send, [value], {
      replied: () => sender.accepted(),
      failed: (error) => sender.failed(this.#reasonOf(error)),
    })
  }

  take(taker: Taker, isNow: boolean): () => void {
    const numbered: NumberedTaker = {
      got: (value) => (taker.got(value), true),
      empty: () => taker.empty(),
      failed: (why) => taker.failed(why),
    }
    return this.#take(numbered, isNow)
  }

  #take(taker: NumberedTaker, isNow: boolean): () => void {
    const asked = isNow ? operation.tryReceive : operation.receive
    const key = {}
    let id = 0
    const ask = (): void => {
      this.#takers.set(key, {
        got: (value, sequence) => taker.got(value, sequence),
        empty: () => taker.empty(),
        failed: (why) => taker.failed(why),
        withdraw: () => this.#lane.withdraw(id),
      })
      id = this.#lane.ask(this.#number, asked, [], {
        replied: (value, sequence) => this.#came(key, value, sequence),
        failed: (error) => this.#failed(key, error),
      })
    }
    if (this.#followers.size === 0) ask()
    else this.#unasked.set(key, ask)
    return () => {
      if (this.#unasked.delete(key) || !this.#takers.delete(key)) return
      this.#orphans.add(key)
      this.#lane.withdraw(id)
    }
  }

  /** All that was to be put back has been: what is asked from now on comes behind it. */
  #askOn(): void {
    if (this.#followers.size > 0) return
    for (const [key, ask] of this.#unasked) {
      this.#unasked.delete(key)
      ask()
    }
  }

  #came(key: object, value: unknown, sequence: number): void {
    const own = this.#takers.get(key)
    if (own !== undefined) {
      this.#takers.delete(key)
      if (!own.got(value, sequence)) this.#putBack(value, sequence)
      return
    }
    this.#orphans.delete(key)
    const next = this.#followers.delete(key) ? undefined : firstOf(this.#takers)
    if (next === undefined) {
      this.#putBack(value, sequence)
      this.#askOn()
      return
    }
    const [heir, taker] = next
    this.#takers.delete(heir)
    this.#orphans.add(heir)
    taker.withdraw()
    if (!taker.got(value, sequence)) this.#putBack(value, sequence)
  }

  #putBack(value: unknown, sequence: number): void {
    for (const orphan of this.#orphans) this.#followers.add(orphan)
    this.#lane.ask(this.#number, operation.putBack, [value, sequence], unheard)
  }

  #failed(key: object, error: Error): void {
    this.#orphans.delete(key)
    this.#followers.delete(key)
    const taker = this.#takers.get(key)
    if (taker === undefined) return this.#askOn()
    this.#takers.delete(key)
    if (error instanceof ChannelEmptyError) taker.empty()
    else taker.failed(this.#reasonOf(error))
  }

  #reasonOf(error: Error): Error {
    if (error instanceof ReleasedError) return this.#closed ?? closedError()
    return this.#lane.ended === error ? lostError(error) : error
  }

  close(): void {
    if (this.#closed !== undefined) return
    this.over(closedError())
    // As at the queue itself: what was sent before is taken in as far as there is room.
    this.#sends.askAll()
    this.#lane.ask(this.#number, operation.close, [], unheard)
  }

  size(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#lane.ask(this.#number, operation.size, [], {
        replied: (size) => resolve(Number(size)),
        failed: (error) => reject(this.#reasonOf(error)),
      })
    })
  }

  exported(lane: object, announce: (why: unknown) => void): void {
    this.#announce.set(lane, announce)
  }

  released(lane: object): void {
    this.#announce.delete(lane)
  }

  /** Passed on to another process, it is used from there by way of here. */
  request(asked: unknown, args: readonly unknown[], answer: Answer): void {
    const failed = (why: Error): void => answer.fail(why)
    const taker = {
      got: (value: unknown, sequence: number) => hasGone(answer, () => answer.give(value, sequence)),
      empty: () => answer.fail(new ChannelEmptyError('The channel is empty.')),
      failed,
    }
    if (asked === operation.send) {
      answer.withdrawn = this.send(args[0], { accepted: () => answer.reply(null), failed })
    } else if (asked === operation.receive) answer.withdrawn = this.#take(taker, false)
    else if (asked === operation.tryReceive) answer.withdrawn = this.#take(taker, true)
    else if (asked === operation.putBack) {
      this.#putBack(args[0], args[1] as number)
      answer.reply(null)
    } else if (asked === operation.close) {
      this.close()
      answer.reply(null)
    } else if (asked === operation.size) void this.size().then((size) => answer.reply(size), failed)
    else answer.fail(new TypeError('A channel can not do that.'))
  }
}

function firstOf<K, V>(map: ReadonlyMap<K, V>): [K, V] | undefined {
  for (const entry of map) return entry
  return undefined
}
