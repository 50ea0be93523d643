import { BackpressureError } from '../../errors/call-errors.ts'

/** What waits for a value. One of the two comes, once, unless it gives up before. */
export interface QueueTaker<E> {
  got(entry: E, sequence: number): void
  failed(why: Error): void
}

/** What waits for its value to be taken in. One of the two comes, once, unless it gives up before. */
export interface QueueSender {
  accepted(): void
  failed(why: Error): void
}

/** How much a channel holds. */
export interface ChannelBounds {
  /** Values; 0: a value is taken in only when somebody takes it out. */
  readonly capacity: number
  /** Bytes of them; one value is always taken in when there is no other. */
  readonly maxBytes: number
}

interface Item<E> {
  readonly entry: E
  readonly byteLength: number
  readonly sequence: number
}

interface Sender<E> {
  readonly entry: E
  readonly byteLength: number
  readonly sender: QueueSender
}

/** What may wait to be taken in, and be put back beyond the bounds: more is refused. */
const excess = { count: 10_000, bytes: 256 * 2 ** 20 }

const { Set } = globalThis
const nothing = (): void => {}

/**
 * A bounded queue of many senders and many takers, first come first served on both sides. Values are numbered as they
 * leave the senders, so that one that was given out and not used can be put back in its place.
 */
export class ChannelQueue<E> {
  readonly #bounds: ChannelBounds
  #items: Item<E>[] = []
  #first = 0
  #bytes = 0
  readonly #senders = new Set<Sender<E>>()
  #senderBytes = 0
  readonly #takers = new Set<QueueTaker<E>>()
  /** 32 bits, and then from 0 again. */
  #nextSequence = 0
  #closed: Error | undefined

  constructor(bounds: ChannelBounds) {
    this.#bounds = bounds
  }

  /** Values in it. */
  get size(): number {
    return this.#items.length - this.#first
  }

  /** Why it is closed, once it is. */
  get closed(): Error | undefined {
    return this.#closed
  }

  /** Whether a value waits to be taken in. */
  get isOffered(): boolean {
    return this.#senders.size > 0
  }

  /**
   * Takes a value in, now or when there is room.
   * @returns gives up, if that is not too late
   */
  offer(entry: E, byteLength: number, sender: QueueSender): () => void {
    if (this.#closed !== undefined) {
      sender.failed(this.#closed)
      return nothing
    }
    const taker = first(this.#takers)
    if (taker !== undefined) {
      this.#takers.delete(taker)
      const sequence = this.#number()
      sender.accepted()
      taker.got(entry, sequence)
      return nothing
    }
    if (this.#senders.size === 0 && this.#hasRoom(byteLength)) {
      this.#push(entry, byteLength)
      sender.accepted()
      return nothing
    }
    const isFar = this.#senders.size >= excess.count || this.#senderBytes + byteLength > excess.bytes
    if (isFar && this.#senders.size > 0) {
      const waiting = `${this.#senders.size} values wait to be sent, with ${this.#senderBytes} bytes`
      sender.failed(new BackpressureError(`The channel is full, and ${waiting}. Await earlier sends first.`))
      return nothing
    }
    const waiting: Sender<E> = { entry, byteLength, sender }
    this.#senders.add(waiting)
    this.#senderBytes += byteLength
    return () => {
      if (this.#senders.delete(waiting)) this.#senderBytes -= byteLength
    }
  }

  /**
   * Gives a value out, now or when there is one.
   * @returns gives up, if that is not too late
   */
  take(taker: QueueTaker<E>): () => void {
    const item = this.tryTake()
    if (item !== undefined) taker.got(item.entry, item.sequence)
    else if (this.#closed !== undefined) taker.failed(this.#closed)
    else {
      this.#takers.add(taker)
      return () => void this.#takers.delete(taker)
    }
    return nothing
  }

  /** The next value, if there is one. */
  tryTake(): { readonly entry: E; readonly sequence: number } | undefined {
    const item = this.#shift()
    if (item !== undefined) {
      this.#fill()
      return item
    }
    const next = first(this.#senders)
    if (next === undefined) return undefined
    this.#forget(next)
    const sequence = this.#number()
    next.sender.accepted()
    return { entry: next.entry, sequence }
  }

  /**
   * A value that was given out has not been used: it is first again, before all that came after it.
   * @throws {BackpressureError} if there are far too many of them
   */
  putBack(entry: E, byteLength: number, sequence: number): void {
    const taker = first(this.#takers)
    if (taker !== undefined) {
      this.#takers.delete(taker)
      taker.got(entry, sequence)
      return
    }
    if (this.size >= this.#bounds.capacity + excess.count || this.#bytes + byteLength > excess.bytes) {
      throw new BackpressureError('Too many values were put back into a channel.')
    }
    let at = this.#first
    while (at < this.#items.length && isBefore(this.#items[at]!.sequence, sequence)) at++
    this.#items.splice(at, 0, { entry, byteLength, sequence })
    this.#bytes += byteLength
  }

  /** Nothing is taken in any more. What is in it can still be taken out; who waits, waits in vain. */
  close(why: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = why
    const waiting = [...this.#takers, ...[...this.#senders].map(({ sender }) => sender)]
    this.#takers.clear()
    this.#senders.clear()
    this.#senderBytes = 0
    for (const one of waiting) one.failed(why)
  }

  #hasRoom(byteLength: number): boolean {
    const { capacity, maxBytes } = this.#bounds
    const { size } = this
    return size < capacity && (size === 0 || this.#bytes + byteLength <= maxBytes)
  }

  #number(): number {
    const sequence = this.#nextSequence
    this.#nextSequence = (sequence + 1) >>> 0
    return sequence
  }

  #push(entry: E, byteLength: number): void {
    this.#items.push({ entry, byteLength, sequence: this.#number() })
    this.#bytes += byteLength
  }

  #shift(): Item<E> | undefined {
    const item = this.#items[this.#first]
    if (item === undefined) return undefined
    this.#items[this.#first] = undefined as never
    this.#first++
    this.#bytes -= item.byteLength
    if (this.#first === this.#items.length) {
      this.#items = []
      this.#first = 0
    } else if (this.#first >= 1024 && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return item
  }

  /** Takes in what waits, as far as there is room. */
  #fill(): void {
    for (const next of this.#senders) {
      if (!this.#hasRoom(next.byteLength)) return
      this.#forget(next)
      this.#push(next.entry, next.byteLength)
      next.sender.accepted()
    }
  }

  #forget(sender: Sender<E>): void {
    this.#senders.delete(sender)
    this.#senderBytes -= sender.byteLength
  }
}

/** Whether a number comes before another one, both near each other on the circle of 32 bits. */
const isBefore = (a: number, b: number): boolean => ((a - b) | 0) < 0

function first<T>(set: ReadonlySet<T>): T | undefined {
  for (const one of set) return one
  return undefined
}
