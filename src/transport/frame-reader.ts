import { ProtocolError } from '../errors/data-errors.ts'
import { FrameAssembler } from './frame-assembler.ts'
import { paddingAfter, readU32 } from './frame-header.ts'
import type { LargeFrame } from './large-frame.ts'
import type { Limits } from './limits.ts'
import { headerBytes } from './protocol.ts'
import type { Scratch } from './scratch.ts'
import type { Transport, TransportReceiver } from './transport.ts'
import { monotonicMs } from './monotonic.ts'

/**
 * A frame as it is handed out. The object is used again for the next frame, and `buffer` for the next read: both
 * are good until the handler returns. The attachments are the handler's to keep.
 */
export interface IncomingFrame {
  type: number
  flags: number
  id: number
  aux: number
  buffer: Buffer
  start: number
  end: number
  attachments: readonly ArrayBuffer[]
}

/** What a `FrameReader` tells, and what it takes from its surroundings. */
export interface FrameReaderOptions {
  readonly onFrame: (frame: IncomingFrame) => void
  /** What came is not frames within the limits. Nothing more is read; the lane should be destroyed. */
  readonly onProtocolError: (error: ProtocolError) => void
  readonly onDrained?: () => void
  /** The lane is over. Comes once, after every complete frame. `partialFrame`: it ended in the middle of one. */
  readonly onClosed?: (error: Error | undefined, end: { partialFrame: boolean }) => void
  /**
   * `false`: frames are handed out while they are read. `true`: from a task of their own, so that a handler
   * whose execution is terminated does not tear off the reading.
   */
  readonly deferred: boolean
  /** How long frames are handed out in a row before timers and other lanes get their turn. Default 2. */
  readonly budgetMs?: number
  /** Milliseconds, rising. Default `monotonicMs`. */
  readonly now?: () => number
  /** Runs a task once the current one is over. Default `process.nextTick`. */
  readonly schedule?: (task: () => void) => void
  /** Runs a task after timers and other lanes had their turn. Default `setImmediate`. */
  readonly scheduleLater?: (task: () => void) => void
}

// Taken before user code can replace them: fake timers are an ordinary thing to have in a worker.
const { nextTick } = process
const { setImmediate } = globalThis

const noAttachments: readonly ArrayBuffer[] = []
const noBytes = Buffer.alloc(0)

/** Where bytes go that nobody looks at any more. */
const discarded = Buffer.allocUnsafeSlow(16 * 1024)

/** After its first frames, whose cost is unknown, a run looks at the clock every so many frames. */
const framesPerClock = 8

/**
 * Bytes to frames. Reading (`FrameAssembler`) and handing out are two phases with a queue between them.
 *
 * A handler's execution may be terminated, and then not even `finally` runs: the place in the queue moves on
 * before each handler is called, and `resume()` goes on from there.
 */
export class FrameReader implements TransportReceiver {
  /** Frames handed out so far. */
  framesReceived = 0
  /** Bytes read so far. */
  bytesReceived = 0

  readonly #options: FrameReaderOptions
  readonly #budgetMs: number
  readonly #now: () => number
  readonly #schedule: (task: () => void) => void
  readonly #scheduleLater: (task: () => void) => void
  readonly #assembler: FrameAssembler
  readonly #dispatchTask = (): void => this.dispatchFrames()
  readonly #frame: IncomingFrame = {
    type: 0,
    flags: 0,
    id: 0,
    aux: 0,
    buffer: noBytes,
    start: 0,
    end: 0,
    attachments: noAttachments,
  }

  #transport: Transport | undefined
  #isScheduled = false
  /** The budget was used up: the transport is paused and the next run comes by `scheduleLater`. */
  #isYielding = false
  /** No more bytes are taken. */
  #isStopped = false
  #failure: ProtocolError | undefined
  #closing: { error: Error | undefined; partialFrame: boolean } | undefined

  constructor(limits: Limits, options: FrameReaderOptions) {
    this.#options = options
    this.#budgetMs = options.budgetMs ?? 2
    this.#now = options.now ?? monotonicMs
    this.#schedule = options.schedule ?? ((task) => nextTick(task))
    // In a tick after the immediates: a handler that is terminated among them would take the later ones with it.
    this.#scheduleLater = options.scheduleLater ?? ((task) => void setImmediate(nextTick, task))
    this.#assembler = new FrameAssembler(limits)
  }

  /** Begins to read from `transport`. Called once. */
  start(transport: Transport): void {
    this.#transport = transport
    transport.start(this)
  }

  /**
   * To be called after an execution was terminated: hands out what is left, in a task of its own, and forgets
   * what was scheduled and never came.
   */
  resume(): void {
    this.#isScheduled = false
    this.#scheduleDispatch()
  }

  /** Takes no more bytes, and drops the frames that were not handed out. `onClosed` still comes. */
  stop(): void {
    this.#isStopped = true
    this.#assembler.segments.length = 0
    this.#transport?.pause()
  }

  target(): Uint8Array {
    return this.#isStopped ? discarded : this.#assembler.target()
  }

  received(byteLength: number): void {
    if (this.#isStopped) return
    this.bytesReceived += byteLength
    try {
      this.#assembler.received(byteLength)
    } catch (error) {
      this.#fail(error)
    }
    if (this.#isYielding || (this.#assembler.segments.length === 0 && this.#failure === undefined)) return
    if (this.#options.deferred) this.#scheduleDispatch()
    else this.dispatchFrames()
  }

  drained(): void {
    this.#options.onDrained?.()
  }

  closed(error: Error | undefined): void {
    this.#closing = { error, partialFrame: !this.#isStopped && this.#assembler.isMidFrame }
    if (this.#isYielding) return
    if (this.#options.deferred) this.#scheduleDispatch()
    else this.dispatchFrames()
  }

  #fail(error: unknown): void {
    this.#failure =
      error instanceof ProtocolError
        ? error
        : new ProtocolError('A frame could not be read', { cause: error })
    this.#isStopped = true
    this.#transport?.pause()
  }

  #scheduleDispatch(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#schedule(this.#dispatchTask)
  }

  /**
   * Hands out frames as long as there are some. Public for its name only, which the worker looks for in stacks: private
   * ones are shortened in the bundle.
   */
  dispatchFrames(): void {
    this.#isScheduled = false
    const startMs = this.#now()
    const { segments } = this.#assembler
    const { onFrame } = this.#options
    let count = 0
    let clockAt = 1
    let isDone = false
    try {
      while (segments.length > 0) {
        this.#takeFrame()
        onFrame(this.#frame)
        if (++count < clockAt) continue
        clockAt += Math.min(count, framesPerClock)
        if (segments.length > 0 && this.#now() - startMs >= this.#budgetMs) break
      }
      isDone = true
    } finally {
      // A handler that throws takes only its own frame with it.
      if (!isDone) this.#scheduleDispatch()
    }
    if (this.#frame.start === 0) this.#releaseLarge()
    if (segments.length > 0) this.#yield()
    else this.#settle()
  }

  /** Fills `#frame` from the queue, and moves on in the queue. */
  #takeFrame(): void {
    const segment = this.#assembler.segments[0]!
    this.framesReceived++
    if (segment.large !== undefined) {
      this.#assembler.shiftSegment()
      this.#fillFromLarge(segment.large)
      return
    }
    const at = segment.start
    const end = this.#fillFromScratch(segment.scratch, at)
    segment.start = end
    // The memory is given back before the handler is called: no read can come in between.
    if (end >= segment.end) this.#assembler.shiftSegment()
  }

  #fillFromScratch({ bytes }: Scratch, at: number): number {
    const frame = this.#frame
    const bodyBytes = readU32(bytes, at)
    frame.type = bytes[at + 4]!
    frame.flags = bytes[at + 5]!
    frame.id = readU32(bytes, at + 8)
    frame.aux = readU32(bytes, at + 12)
    frame.buffer = bytes
    frame.start = at + headerBytes
    frame.end = frame.start + bodyBytes
    frame.attachments = noAttachments
    return frame.end + paddingAfter(bodyBytes)
  }

  #fillFromLarge(large: LargeFrame): void {
    const frame = this.#frame
    frame.type = large.type
    frame.flags = large.flags
    frame.id = large.id
    frame.aux = large.aux
    frame.buffer = large.body
    frame.start = 0
    frame.end = large.bodyBytes
    frame.attachments = large.attachments
  }

  /** The frame object stays; the memory of the last large frame should not. */
  #releaseLarge(): void {
    this.#frame.buffer = noBytes
    this.#frame.attachments = noAttachments
  }

  #yield(): void {
    if (!this.#isYielding) this.#transport?.pause()
    this.#isYielding = true
    this.#scheduleLater(this.#dispatchTask)
  }

  /** The queue is empty. */
  #settle(): void {
    if (this.#isYielding) {
      this.#isYielding = false
      if (!this.#isStopped && this.#closing === undefined) this.#transport?.resume()
    }
    const failure = this.#failure
    if (failure !== undefined) {
      this.#failure = undefined
      this.#options.onProtocolError(failure)
    }
    const closing = this.#closing
    if (closing !== undefined) {
      this.#closing = undefined
      this.#options.onClosed?.(closing.error, { partialFrame: closing.partialFrame })
    }
  }
}
