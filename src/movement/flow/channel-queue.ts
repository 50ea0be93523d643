import { BackpressureError } from '../../errors/call-errors.ts'

/** What waits for a value. One of the two comes, once, unless it gives up before. */
export interface QueueTaker<E> {
  /** Answers whether it could take it. If not it has been told so, and the value stays for others. */
  got(entry: E, sequence: number): boolean
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

/**
 * Finds out whether values that were given out are put back.
 * @param known - told when all of them that are have been; before this returns, or later
 * @returns whether any are out
 */
export type Returns = (known: () => void) => boolean

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
  readonly #returns: Returns
  #isAskingForReturns = false

  /** @param returns - default: nothing that was given out is ever put back */
  constructor(bounds: ChannelBounds, returns: Returns = () => false) {
    this.#bounds = bounds
    this.#returns = returns
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
    if (this.#takers.size > 0) {
      const sequence = this.#number()
      sender.accepted()
      if (!this.#hand(entry, sequence)) this.#insert({ entry, byteLength, sequence })
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
    const item = this.#next()
    if (item !== undefined) {
      if (!taker.got(item.entry, item.sequence)) this.#insert(item)
      return nothing
    }
    this.#takers.add(taker)
    if (this.#closed !== undefined) this.#endTakers()
    return () => void this.#takers.delete(taker)
  }

  #next(): Item<E> | undefined {
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
    return { entry: next.entry, byteLength: next.byteLength, sequence }
  }

  /**
   * A value that was given out has not been used: it is first again, before all that came after it.
   * @throws {BackpressureError} if there are far too many of them
   */
  putBack(entry: E, byteLength: number, sequence: number): void {
    if (this.#hand(entry, sequence)) return
    if (this.size >= this.#bounds.capacity + excess.count || this.#bytes + byteLength > excess.bytes) {
      throw new BackpressureError('Too many values were put back into a channel.')
    }
    this.#insert({ entry, byteLength, sequence })
  }

  /** Gives a value to the first of those who wait that can take it. Answers whether any could. */
  #hand(entry: E, sequence: number): boolean {
    for (const taker of this.#takers) {
      this.#takers.delete(taker)
      if (taker.got(entry, sequence)) return true
    }
    return false
  }

  #insert(item: Item<E>): void {
    let at = this.#first
    while (at < this.#items.length && isBefore(this.#items[at]!.sequence, item.sequence)) at++
    this.#items.splice(at, 0, item)
    this.#bytes += item.byteLength
  }

  /**
   * Nothing is taken in any more. What is in it, and what is put back, can still be taken out. Who waits for more is told
   * so when nothing is out any more that may be put back.
   */
  close(why: Error): void {
    if (this.#closed !== undefined) return
    this.#closed = why
    const senders = [...this.#senders]
    this.#senders.clear()
    this.#senderBytes = 0
    for (const { sender } of senders) sender.failed(why)
    this.#endTakers()
  }

  #endTakers(): void {
    if (this.#isAskingForReturns || this.#takers.size === 0) return
    this.#isAskingForReturns = true
    const known = (): void => {
      this.#isAskingForReturns = false
      // What was put back may be out again, with others.
      this.#endTakers()
    }
    if (this.#returns(known)) return
    this.#isAskingForReturns = false
    const takers = [...this.#takers]
    this.#takers.clear()
    for (const taker of takers) taker.failed(this.#closed!)
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
