import { BackpressureError } from '../../errors/call-errors.ts'
import { ChannelEmptyError } from '../../errors/flow-errors.ts'
import type { Limits } from '../../transport/limits.ts'
import { liveKind } from '../../transport/live-values.ts'
import {
  channelData,
  type ChannelEnd,
  closedError,
  hasGone,
  lostError,
  operation,
  type Taker,
} from './channel-end.ts'
import { type ChannelBounds, ChannelQueue, type QueueSender } from './channel-queue.ts'
import type { Answer, Served } from './live-object.ts'
import { type Snapshot, Snapshots } from './snapshot.ts'

const { Map, Promise } = globalThis

/** The end of a channel where its queue is. Values of this side are copied when they are sent. */
export class OwnEnd implements ChannelEnd, Served {
  readonly kind = liveKind.channel
  readonly capacity: number
  /** Told once that it is closed. */
  whenClosed: (() => void) | undefined
  readonly #queue: ChannelQueue<Snapshot>
  readonly #snapshots: Snapshots
  /** Lanes whose other side knows of it. */
  readonly #announce = new Map<object, (why: unknown) => void>()
  readonly #limits: Limits
  /** The last answers with values, by lane: the other side may put these back. */
  readonly #out = new Map<object, Answer>()

  constructor(bounds: ChannelBounds, limits: Limits) {
    this.capacity = bounds.capacity
    this.#limits = limits
    this.#queue = new ChannelQueue(bounds, (known) => this.#returns(known))
    this.#snapshots = new Snapshots(limits)
  }

  get data(): number {
    return channelData(this.capacity, this.closed)
  }

  get closed(): boolean {
    return this.#queue.closed !== undefined
  }

  get served(): Served {
    return this
  }

  send(value: unknown, sender: QueueSender): () => void {
    const snapshot = this.#snapshots.take(value)
    return this.#queue.offer(snapshot, snapshot.byteLength, sender)
  }

  take(taker: Taker, isNow: boolean): () => void {
    if (!isNow || this.#queue.size > 0 || this.#queue.isOffered || this.closed) {
      return this.#queue.take({
        got: (snapshot) => this.#give(snapshot, taker),
        failed: (why) => taker.failed(why),
      })
    }
    taker.empty()
    return () => {}
  }

  /** To read it may run code of the user's, which may throw: that is for the one who takes it, not for the one who sent it. */
  #give(snapshot: Snapshot, taker: Taker): true {
    let value: unknown
    try {
      value = this.#snapshots.read(snapshot)
    } catch (error) {
      taker.failed(error as Error)
      return true
    }
    taker.got(value)
    return true
  }

  /** Finds out whether what was given to other processes comes back. Each says so by its answer to what it is told last. */
  #returns(known: () => void): boolean {
    const out = [...this.#out.values()]
    this.#out.clear()
    let unknown = out.length
    const told = (): void => {
      if (--unknown === 0) known()
    }
    for (const answer of out) answer.whenRead(told)
    return out.length > 0
  }

  close(): void {
    this.#end(closedError())
  }

  /** It ends with the worker that it is bound to. */
  laneEnded(why: Error): void {
    this.#end(lostError(why))
  }

  #end(why: Error): void {
    if (this.closed) return
    this.#queue.close(why)
    for (const announce of this.#announce.values()) announce(why)
    this.whenClosed?.()
  }

  size(): Promise<number> {
    return Promise.resolve(this.#queue.size)
  }

  exported(lane: object, announce: (why: unknown) => void): void {
    this.#announce.set(lane, announce)
  }

  released(lane: object): void {
    this.#announce.delete(lane)
    this.#out.delete(lane)
  }

  request(asked: unknown, args: readonly unknown[], answer: Answer): void {
    switch (asked) {
      case operation.send:
        return this.#offered(args[0], answer)
      case operation.receive:
        return this.#asked(answer)
      case operation.tryReceive:
        if (this.#queue.size > 0 || this.#queue.isOffered || this.closed) return this.#asked(answer)
        return answer.fail(new ChannelEmptyError('The channel is empty.'))
      case operation.putBack:
        return this.#returned(args, answer)
      case operation.close:
        this.close()
        return answer.reply(null)
      case operation.size:
        return answer.reply(this.#queue.size)
      default:
        answer.fail(new TypeError('A channel can not do that.'))
    }
  }

  #offered(value: unknown, answer: Answer): void {
    const { byteLength } = answer
    answer.withdrawn = this.#queue.offer({ value, byteLength }, byteLength, {
      accepted: () => answer.reply(null),
      failed: (why) => answer.fail(why),
    })
  }

  #asked(answer: Answer): void {
    answer.withdrawn = this.#queue.take({
      got: (snapshot, sequence) => {
        const isGone = hasGone(answer, () => this.#send(snapshot, sequence, answer), snapshot.byteLength)
        if (isGone) this.#out.set(answer.lane, answer)
        return isGone
      },
      failed: (why) => answer.fail(why),
    })
  }

  /** What was encoded for a lane that carries more is encoded anew, which tells what is too much. */
  #send(snapshot: Snapshot, sequence: number, answer: Answer): void {
    const isEncoded = 'body' in snapshot && isWithin(this.#limits, answer.limits)
    if (isEncoded) answer.replyEncoded(snapshot.body, sequence)
    else answer.give(this.#snapshots.read(snapshot), sequence)
  }

  #returned([value, sequence]: readonly unknown[], answer: Answer): void {
    const { byteLength } = answer
    if (typeof sequence !== 'number' || sequence >>> 0 !== sequence) {
      throw new BackpressureError('A value was put back that has no place.')
    }
    this.#queue.putBack({ value, byteLength }, byteLength, sequence)
    answer.reply(null)
  }
}

const isWithin = (limits: Limits, others: Limits): boolean =>
  limits.maxBodyBytes <= others.maxBodyBytes &&
  limits.maxAttachmentBytes <= others.maxAttachmentBytes &&
  limits.maxItems <= others.maxItems &&
  limits.maxDepth <= others.maxDepth
