import type { Executed } from '../errors/maltster-error.ts'
import type { StreamInbox } from './stream-inbox.ts'
import { IdPlaces } from '../transport/id-places.ts'

/** A call that was made and has not settled. */
export interface PendingCall {
  readonly id: number
  readonly background: boolean
  readonly name: string
  /** Where it arrives, if it is a stream; then nobody has the promise. */
  readonly stream: StreamInbox | undefined
  readonly promise: Promise<unknown>
  /** Of the promise. To reject that, resolve it with `rejection(error)`. */
  readonly resolve: (value: unknown) => void
  /** Bytes that had been given to the lane when this call had; 0 while it waits for its turn. */
  sentAt: number
  /** Undoes what its options installed: a timer, a listener on its signal. */
  release: (() => void) | undefined
  /** Lets go of what it was given: functions among its arguments, values that the worker keeps. */
  callbacks: (() => void) | undefined
  /** Lets the next one have its turn, where calls take turns. */
  endTurn: (() => void) | undefined
}

const maxId = 2 ** 32 - 1

/** What `new Promise` gives away, caught by a function that is made once and not anew for each call. */
const noResolve = (): void => {}
let caughtResolve: (value: unknown) => void = noResolve
const catchResolve = (resolve: (value: unknown) => void): void => {
  caughtResolve = resolve
}

/** A call that is about to be made. */
export function pendingCall(
  id: number,
  background: boolean,
  name: string,
  stream: StreamInbox | undefined,
): PendingCall {
  const promise = new Promise(catchResolve)
  const resolve = caughtResolve
  // It would hold the promise, and so its value, until the next call.
  caughtResolve = noResolve
  stream?.numbered(id)
  return {
    id,
    background,
    name,
    stream,
    promise,
    resolve,
    sentAt: 0,
    release: undefined,
    callbacks: undefined,
    endTurn: undefined,
  }
}

/** Tells when a call has settled, besides whoever waits for its turn. */
export function afterTurn(call: PendingCall, settled: () => void): void {
  const { endTurn } = call
  call.endTurn = () => {
    endTurn?.()
    settled()
  }
}

/** Told when calls begin to be there, and when none is left. */
export interface PendingEdges {
  /** The first foreground call. Synchronous: the state must be true before the frame is written. */
  firstForeground(): void
  lastForeground(): void
  /** The first call of any kind. */
  first(): void
  last(): void
}

/**
 * The calls of one incarnation that have not settled. Each leaves by `take` and so settles exactly once. The ends of a
 * run are told one turn late: a loop of awaited calls would else change the state twice a call.
 */
export class PendingCalls {
  readonly #calls = new IdPlaces<PendingCall>()
  readonly #edges: PendingEdges
  #foreground = 0
  #lastId = 0
  #toldForeground = false
  #toldAny = false
  #isLooking = false
  readonly #look = (): void => {
    this.#isLooking = false
    if (this.#foreground === 0 && this.#toldForeground) {
      this.#toldForeground = false
      this.#edges.lastForeground()
    }
    if (this.#calls.size === 0 && this.#toldAny) {
      this.#toldAny = false
      this.#edges.last()
    }
  }

  constructor(edges: PendingEdges) {
    this.#edges = edges
  }

  get size(): number {
    return this.#calls.size
  }

  /** Whether there are any, or have been until a moment ago. */
  get isAny(): boolean {
    return this.#toldAny
  }

  /** Foreground calls in flight. */
  get foreground(): number {
    return this.#foreground
  }

  /** The id of the newest call. */
  get lastId(): number {
    return this.#lastId
  }

  /**
   * Ids rise and are never used again by this incarnation; a frame has 32 bits for them.
   * @throws {RangeError} after 2^32 calls
   */
  nextId(): number {
    if (this.#lastId === maxId) throw new RangeError(`A worker takes ${maxId} calls; start another one.`)
    return ++this.#lastId
  }

  add(call: PendingCall): void {
    this.#calls.add(call)
    if (!call.background && ++this.#foreground === 1) {
      this.#toldForeground = true
      this.#edges.firstForeground()
    }
    if (!this.#toldAny) {
      this.#toldAny = true
      this.#edges.first()
    }
  }

  get(id: number): PendingCall | undefined {
    return this.#calls.get(id)
  }

  /** Takes a call out, to be settled by the taker; undefined if it has been settled. */
  take(id: number): PendingCall | undefined {
    const call = this.#calls.get(id)
    if (call === undefined) return undefined
    this.#calls.delete(call)
    if (!call.background) this.#foreground--
    call.release?.()
    call.callbacks?.()
    call.endTurn?.()
    if (!this.#isLooking && (this.#foreground === 0 || this.#calls.size === 0)) {
      this.#isLooking = true
      setImmediate(this.#look)
    }
    return call
  }

  /** All of them, oldest first. */
  all(): PendingCall[] {
    return this.#calls.all()
  }
}

/** A write of so little goes as a whole, and is read as one: a read takes up to 64 KiB. */
const wholeBytes = 16 * 1024

/** What is known of the bytes of a lane that has ended. */
export interface LaneEnd {
  /** How many may have left the host. */
  readonly bytesLeft: number
  readonly data: { readonly unreadWriteBytes: number | undefined }
}

/**
 * Whether the functions of calls that have not been answered may have run: not if they had not left the host, nor if the
 * worker died without having read the last write and they were in it.
 *
 * Its last byte it has not read then, for certain. If all that is open was in that write, what came before had been read,
 * since it was answered; a read would have taken the write as a whole or not at all, and so it has taken none of it.
 * @param calls - all that are open
 * @param isAnswered - whether everything else has been: nothing was sent that nobody waits for
 */
export function executedAmong(
  calls: readonly PendingCall[],
  { bytesLeft, data: { unreadWriteBytes } }: LaneEnd,
  isAnswered: boolean,
): (call: PendingCall) => Executed {
  let bytesRead = bytesLeft
  if (unreadWriteBytes !== undefined) {
    const writeStart = bytesLeft - unreadWriteBytes
    const areInIt = calls.every(({ sentAt }) => sentAt === 0 || sentAt > writeStart)
    const isWhole = isAnswered && areInIt && unreadWriteBytes <= wholeBytes
    bytesRead = isWhole ? writeStart : bytesLeft - 1
  }
  return ({ sentAt }) => (sentAt === 0 || sentAt > bytesRead ? 'no' : 'unknown')
}
