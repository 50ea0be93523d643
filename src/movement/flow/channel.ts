import { ChannelClosedError } from '../../errors/flow-errors.ts'
import { whenAborted } from '../abort.ts'
import type { ChannelEnd } from './channel-end.ts'
import { type ChannelOptions, checkWaitOptions } from './channel-options.ts'
import { FarEnd } from './far-end.ts'
import type { ImportKind } from './imports.ts'
import type { LiveLane } from './live-lane.ts'
import { liveSymbol, type Served } from './live-object.ts'
import { OwnEnd } from './own-end.ts'

const { Promise } = globalThis
const nothing = (): void => {}
const then = Promise.prototype.then

/** How one wait at a channel is treated. */
export interface ChannelWaitOptions {
  /** Ends the wait when it aborts; it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** What waits, and how to give up. */
interface Wait<T> {
  readonly promise: Promise<T>
  /** Settles it, unless it has settled. */
  readonly giveUp: (settle: { readonly value: T } | { readonly error: unknown }) => void
}

/**
 * A bounded queue between processes: many senders and many receivers on both sides, and each value goes to one of them.
 *
 * Made by `worker.channel()`, and in a worker by `channel()` of `maltster/worker`. As an argument, as a captured variable,
 * in a result, or as a value in another channel it is the same channel over there, also in workers of a worker. Values
 * are copies, made when they are sent; what can't be sent is refused there and then. The values of one sender stay in
 * order. It is bound to its worker: when that ends, all who wait reject with `ChannelClosedError`, whose `cause` says
 * why; what had arrived here before can still be received. A value is gone with the process that it was given to: one that
 * must not be lost is answered through another channel, or is an argument of a call. A call that is interrupted, timed
 * out or aborted waits at no channel any more: what it waits for, and would later, rejects with the `InterruptedError`. Who
 * waits at a channel holds the process open; a channel alone does not. Source: Go's channels, Distributed.jl `RemoteChannel`, Malt.jl `worker_channel`.
 *
 * @example
 * import { spawnWorker, type Channel } from 'maltster'
 *
 * await using worker = await spawnWorker()
 * const lines = worker.channel<string>({ capacity: 8 })
 * const done = worker.call(async (out: Channel<string>) => {
 *   for (const word of ['malt', 'hops']) await out.send(word)
 *   out.close()
 * }, [lines])
 * const received = []
 * for await (const line of lines) received.push(line)
 * await done
 * console.log(received.join(' ')) // malt hops
 */
export class Channel<T = unknown> implements AsyncIterable<T>, Disposable {
  readonly #end: ChannelEnd
  readonly #lane: ChannelLane

  /** @internal */
  constructor(end: ChannelEnd, lane: ChannelLane) {
    this.#end = end
    this.#lane = lane
  }

  /** @internal */
  get [liveSymbol](): Served {
    return this.#end.served
  }

  /** How many values it holds before `send` waits; 0: each `send` waits for the `receive` that takes it. */
  get capacity(): number {
    return this.#end.capacity
  }

  /** Whether it is closed, as far as that is known here; what is left in it can still be received. */
  get closed(): boolean {
    return this.#end.closed
  }

  /** How many values are in it now. */
  async size(): Promise<number> {
    const { waits } = this.#lane
    const waiter = { channel: this }
    waits.begin(waiter)
    try {
      return await this.#end.size()
    } finally {
      waits.end(waiter)
    }
  }

  /**
   * Sends a value, and waits until the channel has taken it in. A rejection that nobody looks at does no harm.
   *
   * @param value - anything that can be sent
   * @param options - `signal` ends the wait. It is not certain then that the value is not taken in
   * @throws {ChannelClosedError} if it is closed, or its worker ends, before the value is taken in
   * @throws {EncodeError} if the value can't be sent
   * @throws {BackpressureError} if thousands of values wait already
   * @throws {TypeError} if an option is unknown, or is not what it must be
   */
  send(value: T, options?: ChannelWaitOptions): Promise<void> {
    return this.#wait<void>('send', options, (settle) =>
      this.#end.send(value, {
        accepted: () => settle({ value: undefined }),
        failed: (error) => settle({ error }),
      }),
    ).promise
  }

  /**
   * Takes the next value, and waits for one. A rejection that nobody looks at does no harm.
   *
   * @param options - `signal` ends the wait: no value is lost by that, what comes too late is put back in its place
   * @throws {ChannelClosedError} if it is closed and empty, or its worker ends; `cause` says why in that case
   * @throws {EncodeError} if the next value can't go where it is received, say for the limits of a worker: it stays in the
   *   channel, before all others, and each receive there is told so until it has been received elsewhere
   * @throws {DecodeError} if the value can't be read here: a registered class refuses it
   * @throws {BackpressureError} if values were asked for, and not read, faster than they could be; none is lost by that
   * @throws {TypeError} if an option is unknown, or is not what it must be
   */
  receive(options?: ChannelWaitOptions): Promise<T> {
    return this.#receive(options).promise
  }

  #receive(options?: ChannelWaitOptions): Wait<T> {
    return this.#wait<T>('receive', options, (settle) =>
      this.#end.take(
        {
          got: (value) => settle({ value: value as T }),
          empty: nothing,
          failed: (error) => settle({ error }),
        },
        false,
      ),
    )
  }

  /**
   * Takes the next value if there is one now.
   *
   * @returns the value as `{ value }`, or undefined
   * @throws {ChannelClosedError} as `receive`
   */
  tryReceive(): Promise<{ readonly value: T } | undefined> {
    return this.#wait<{ readonly value: T } | undefined>('receive', undefined, (settle) =>
      this.#end.take(
        {
          got: (value) => settle({ value: { value: value as T } }),
          empty: () => settle({ value: undefined }),
          failed: (error) => settle({ error }),
        },
        true,
      ),
    ).promise
  }

  /**
   * Ends it for all sides: `send` rejects from now on, also where it waits for room; what is in it can still be received,
   * and so can what comes back from a process that was given it and had given up: who waits is told of the end behind that.
   * What was sent here before, with or without `await`, comes before it.
   */
  close(): void {
    this.#end.close()
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Receives until the channel is closed and empty. Several may iterate: each value goes to one of them. Leaving the loop
   * closes nothing.
   * @throws {ChannelClosedError} if the channel ends with its worker
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    const waits = new Set<Wait<T>>()
    let isOver = false
    const end = (): IteratorReturnResult<undefined> => {
      isOver = true
      return { done: true, value: undefined }
    }
    const next = async (): Promise<IteratorResult<T, undefined>> => {
      if (isOver) return end()
      const wait = this.#receive()
      waits.add(wait)
      try {
        return { done: false, value: await wait.promise }
      } catch (error) {
        if (error === left || (error instanceof ChannelClosedError && error.cause === undefined)) return end()
        isOver = true
        throw error
      } finally {
        waits.delete(wait)
      }
    }
    return {
      next: () => unheard(next()),
      return: () => {
        for (const wait of waits) wait.giveUp({ error: left })
        return Promise.resolve(end())
      },
      [Symbol.asyncIterator]() {
        return this
      },
    }
  }

  /** Waits for what `begin` begins, for an abort, or for the end of the call that waits: what comes first. */
  #wait<R>(
    what: 'send' | 'receive',
    options: ChannelWaitOptions | undefined,
    begin: (settle: (outcome: { readonly value: R } | { readonly error: unknown }) => void) => () => void,
  ): Wait<R> {
    const { waits, whenCallEnds, callEnded } = this.#lane
    const ended = callEnded()
    if (ended !== undefined) return { promise: unheard(rejected(ended)), giveUp: nothing }
    const waiter = { channel: this }
    let giveUp: Wait<R>['giveUp'] = nothing
    const promise = new Promise<R>((resolve, reject) => {
      checkWaitOptions(what, options)
      const { signal } = options ?? {}
      let isSettled = false
      let cancel = nothing
      const undo: ((() => void) | undefined)[] = []
      const settle = (outcome: { readonly value: R } | { readonly error: unknown }): void => {
        if (isSettled) return
        isSettled = true
        waits.end(waiter)
        for (const one of undo) one?.()
        if ('value' in outcome) resolve(outcome.value)
        // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the reason of a signal may be anything
        else reject(outcome.error)
      }
      giveUp = (outcome) => {
        if (isSettled) return
        settle(outcome)
        cancel()
      }
      waits.begin(waiter)
      if (signal?.aborted === true) return settle({ error: signal.reason })
      try {
        cancel = begin(settle)
      } catch (error) {
        settle({ error })
      }
      if (isSettled) return
      if (signal !== undefined) undo.push(whenAborted(signal, () => giveUp({ error: signal.reason })))
      undo.push(whenCallEnds((error) => giveUp({ error })))
    })
    return { promise: unheard(promise), giveUp }
  }
}

const rejected = <R>(error: Error): Promise<R> => new Promise<R>((_, reject) => reject(error))

/**
 * Its rejection does not end the process where nobody has looked at it so far: logs and progress are often sent without
 * waiting, who asks ahead looks later, and a call that is cut off between the two never does.
 */
function unheard<R>(promise: Promise<R>): Promise<R> {
  void then.call(promise, undefined, nothing)
  return promise
}

/** The reason of a wait that was given up by leaving a loop. */
const left = new Error('The loop was left.')

const { Set } = globalThis

/** What a channel needs of the lane that it is bound to. */
export type ChannelLane = Pick<LiveLane, 'bind' | 'limits' | 'waits' | 'whenCallEnds' | 'callEnded'>

/** Makes a channel whose queue is here, bound to a lane. */
export function makeChannel<T>(
  { capacity = 64, maxBytes = 16 * 2 ** 20 }: ChannelOptions,
  lane: ChannelLane,
): Channel<T> {
  const end = new OwnEnd({ capacity, maxBytes }, lane.limits)
  end.whenClosed = lane.bind(end)
  return new Channel<T>(end, lane)
}

const farEnds = new WeakMap<object, FarEnd>()

/** A channel of the other side. */
export const channelKind: ImportKind = {
  make(imported) {
    const end = new FarEnd(imported)
    const channel = new Channel(end, imported.lane)
    farEnds.set(channel, end)
    return channel
  },
  over(value, why) {
    farEnds.get(value)?.over(why)
  },
}
