import type { Codec } from '../../transport/codec.ts'
import { readDescriptor } from '../../transport/frame-header.ts'
import type { IncomingFrame } from '../../transport/frame-reader.ts'
import type { FrameWriter } from '../../transport/frame-writer.ts'
import type { RunningCall } from '../running-call.ts'
import { ItemOutlet } from './item-outlet.ts'
import { OutgoingStream, type StreamOwner } from './outgoing-stream.ts'

// Taken before user code can replace them.
const { Promise, setTimeout } = globalThis

/** What the streams of a worker need. */
export interface OutgoingStreamsOptions extends StreamOwner {
  readonly codec: Codec
  readonly writer: FrameWriter
  /** Told how many there are, whenever that changes. */
  readonly counted: (count: number) => void
}

/** The streams of one worker that have not ended. */
export class OutgoingStreams {
  readonly #options: OutgoingStreamsOptions
  readonly #owner: StreamOwner
  readonly #streams = new Map<number, OutgoingStream>()

  constructor(options: OutgoingStreamsOptions) {
    this.#options = options
    this.#owner = {
      recoverIfCut: options.recoverIfCut,
      inContext: options.inContext,
      abort: options.abort,
      ended: (call, end) => {
        this.#streams.delete(call.id)
        options.counted(this.#streams.size)
        options.ended(call, end)
      },
    }
  }

  get hasAny(): boolean {
    return this.#streams.size > 0
  }

  /** A call whose function is about to run, and to return something iterable. */
  open(call: RunningCall): OutgoingStream {
    const { codec, writer, counted } = this.#options
    const stream = new OutgoingStream(call, new ItemOutlet(call.id, codec, writer), this.#owner)
    this.#streams.set(call.id, stream)
    counted(this.#streams.size)
    return stream
  }

  /** The call has been answered before there was anything to iterate. */
  forget(call: RunningCall): void {
    this.#streams.delete(call.id)
    this.#options.counted(this.#streams.size)
  }

  credit({ id, aux, buffer, start }: IncomingFrame): void {
    this.#streams.get(id)?.grant(aux, readDescriptor(buffer, start))
  }

  stop(id: number): void {
    this.#streams.get(id)?.stop()
  }

  /**
   * Ends all of them, each in order.
   * @param patienceMs - how long those are waited for that were told to end before, when their calls were ended
   */
  async stopAll(patienceMs: number): Promise<void> {
    const streams = [...this.#streams.values()]
    for (const stream of streams) stream.stop()
    const over = (isLate: boolean): Promise<unknown> =>
      Promise.all(streams.filter(({ call }) => call.settled === isLate).map((stream) => stream.over))
    const late = new Promise((resolve) => {
      setTimeout(resolve, patienceMs)
    })
    await Promise.all([over(false), Promise.race([over(true), late])])
  }

  /** Puts what has been yielded on the lane. */
  flush(): void {
    for (const stream of this.#streams.values()) stream.flush()
  }

  recover(): void {
    for (const stream of this.#streams.values()) stream.recover()
  }
}
