import type { Readable, Writable } from 'node:stream'

import { type Clock, systemClock } from '../transport/clock.ts'
import { BoundedPipe } from './output/bounded-pipe.ts'
import { ByteRing } from './output/byte-ring.ts'
import { CaptureFilter } from './output/capture-filter.ts'
import { ForwardSink, tagOf } from './output/forward-sink.ts'
import { GuardedFunction } from './output/guarded-function.ts'
import { LineFunctionSink } from './output/line-function-sink.ts'
import { LineSplitter } from './output/line-splitter.ts'
import { type CaptureOptions, MarkedCapture, type OutputCapture } from './output/output-capture.ts'
import { noSink, type OutputSink } from './output/output-sink.ts'

/**
 * Where a worker's standard output or error goes: to the host's own, each line with the worker's name; to a stream on the
 * handle; nowhere; or to a function, line by line.
 */
export type OutputOption = 'forward' | 'pipe' | 'ignore' | ((line: string) => void)

/** What has a default. */
export interface OutputSettings {
  /** Which stream it is, for the colour of tags and for warnings. Default `stdout`. */
  readonly streamName?: 'stdout' | 'stderr' | undefined
  /** For `pipe`: how far a reader may be behind. Default 1 MiB. */
  readonly maxBufferedBytes?: number | undefined
  /** For `pipe`: told how many bytes a reader has lost since it was last told, at most once a turn. */
  readonly onDropped?: ((bytes: number) => void) | undefined
  readonly clock?: Clock | undefined
}

const tailBytes = 8192
const defaultMaxBufferedBytes = 2 ** 20

/**
 * Reads one of a worker's standard streams, always, so that the worker never waits for a reader, and keeps its tail.
 * Bounded: a line over 64 KiB is passed on in pieces, a reader that is behind loses the oldest bytes, a capture keeps the
 * first ones, and forwarding waits for the host's own stream.
 */
export class Output {
  readonly #source: Readable
  readonly #name: string
  readonly #clock: Clock
  readonly #filter: CaptureFilter
  readonly #pipe: BoundedPipe | undefined
  readonly #forward: ForwardSink | undefined
  readonly #tail = new ByteRing(tailBytes)
  #resolveEnded: (() => void) | undefined
  #processHasEnded = false
  #isReading = false
  #mustEnd = false
  #hasEnded = false
  /** Resolves when everything has been read and passed on. */
  readonly ended: Promise<void>

  constructor(
    source: Readable,
    option: OutputOption,
    tag: string,
    forwardTo: Writable,
    { streamName = 'stdout', maxBufferedBytes, onDropped, clock = systemClock }: OutputSettings = {},
  ) {
    this.#source = source
    this.#name = `${tag} (${streamName})`
    this.#clock = clock
    if (option === 'pipe')
      this.#pipe = new BoundedPipe(maxBufferedBytes ?? defaultMaxBufferedBytes, onDropped)
    if (option === 'forward') {
      const isUrgent = (): boolean => this.#processHasEnded || this.#filter.isAwaited
      this.#forward = new ForwardSink(tagOf(tag, streamName, forwardTo), forwardTo, source, isUrgent)
    }
    this.#filter = new CaptureFilter(this.#sink(option), (bytes) => this.#tail.write(bytes))
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
    source.on('end', () => this.#end())
    source.on('close', () => this.#end())
    source.on('error', () => {})
    source.on('data', (chunk: Buffer) => this.#read(chunk))
    if ('unref' in source) (source as Readable & { unref(): void }).unref()
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** With `pipe`: the raw bytes, for a reader. Good beyond the end of the worker. */
  get stream(): Readable | undefined {
    return this.#pipe?.stream
  }

  /** With `pipe`: how many bytes a reader has lost. */
  get droppedBytes(): number {
    return this.#pipe?.droppedBytes ?? 0
  }

  /** The last bytes of the stream, captured or not, as text. */
  get tail(): string {
    return this.#tail.peek().toString('utf8')
  }

  /** Takes what comes between two markers out of the stream. Call it before the worker is told the markers. */
  capture(options: CaptureOptions): OutputCapture {
    const onText = options.onText && this.#guarded(options.onText, 'output function')
    const capture = new MarkedCapture(options, onText)
    this.#filter.add(capture)
    this.#forward?.hurry()
    return capture
  }

  /** The process has ended: what it wrote is read now, though the host's stream be stuck. */
  processEnded(): void {
    this.#processHasEnded = true
    this.#forward?.hurry()
  }

  /** Reads no more than has arrived: a process that the worker left behind may hold the stream open for ever. */
  stop(): void {
    this.processEnded()
    // Each `read` emits its bytes as 'data'. Some sources would go on for ever.
    for (let left = this.#source.readableLength; left > 0 && !this.#isReading;) {
      const chunk = this.#source.read() as Buffer | null
      if (chunk === null) break
      left -= chunk.length
    }
    this.#end()
    this.#source.destroy()
  }

  #sink(option: OutputOption): OutputSink {
    if (this.#pipe !== undefined) return this.#pipe
    if (this.#forward !== undefined) return new LineSplitter(this.#forward)
    if (typeof option !== 'function') return noSink
    return new LineSplitter(new LineFunctionSink(this.#guarded(option, 'line function')))
  }

  #guarded(fn: (text: string) => unknown, what: string): GuardedFunction {
    return new GuardedFunction(fn, `The ${what} of ${this.#name}`, this.#clock)
  }

  #read(chunk: Buffer): void {
    if (this.#hasEnded) return
    this.#isReading = true
    this.#filter.write(chunk)
    this.#isReading = false
    if (this.#mustEnd) this.#end()
  }

  #end(): void {
    // A function that is told a line may stop the worker: first come the other lines of its chunk.
    this.#mustEnd = true
    if (this.#hasEnded || this.#isReading) return
    this.#hasEnded = true
    this.#filter.end()
    this.#resolveEnded?.()
  }
}
