import type { MarkedCapture } from './output-capture.ts'
import type { OutputSink } from './output-sink.ts'

/** Captures that are finished but whose markers have not come. More are forgotten, the oldest first. */
const maxLateCaptures = 8
/** An end of a stream that is this much like a marker is a marker that was cut off by the end of its writer. */
const tornMarkerBytes = 8
const noBytes = Buffer.alloc(0)

interface Found {
  readonly at: number
  readonly marker: Buffer
  readonly capture: MarkedCapture
}

/**
 * Takes captures and their markers out of a stream and passes on the rest. Holds back only what may be the begin of a
 * marker, and only while a marker is expected. A stream has the captures in their order: a marker of one means that those
 * before it are over, whether theirs were seen or not.
 */
export class CaptureFilter implements OutputSink {
  readonly #next: OutputSink
  readonly #tap: (bytes: Buffer) => void
  readonly #captures: MarkedCapture[] = []
  /** The capture between whose markers the stream is. */
  #inside: MarkedCapture | undefined
  #held = noBytes
  #hasEnded = false

  /** `tap` is told everything but the markers, captured or not. */
  constructor(next: OutputSink, tap: (bytes: Buffer) => void) {
    this.#next = next
    this.#tap = tap
  }

  /** Whether somebody awaits what comes. */
  get isAwaited(): boolean {
    return this.#captures.some((capture) => !capture.isFinished)
  }

  add(capture: MarkedCapture): void {
    if (this.#hasEnded) {
      capture.finish()
      return
    }
    this.#captures.push(capture)
    const tooMany = this.#captures.filter(({ isFinished }) => isFinished).slice(0, -maxLateCaptures)
    for (const late of tooMany) this.#captures.splice(this.#captures.indexOf(late), 1)
  }

  write(bytes: Buffer): void {
    if (this.#captures.length === 0 && this.#held.length === 0) {
      this.#route(bytes)
      return
    }
    let rest = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    this.#held = noBytes
    for (let found = this.#find(rest); found !== undefined; found = this.#find(rest)) {
      this.#route(rest.subarray(0, found.at))
      rest = rest.subarray(found.at + found.marker.length)
      this.#pass(found)
    }
    const heldBytes = this.#heldBytes(rest)
    // A copy, so that the whole chunk is not kept alive for its end.
    if (heldBytes > 0) this.#held = Buffer.from(rest.subarray(rest.length - heldBytes))
    this.#route(rest.subarray(0, rest.length - heldBytes))
  }

  end(): void {
    this.#hasEnded = true
    if (this.#held.length < tornMarkerBytes) this.#route(this.#held)
    this.#held = noBytes
    for (const capture of this.#captures.splice(0)) capture.finish()
    this.#next.end()
  }

  #route(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#tap(bytes)
    if (this.#inside === undefined || this.#inside.isFinished) this.#next.write(bytes)
    else this.#inside.write(bytes)
  }

  #find(bytes: Buffer): Found | undefined {
    let first: Found | undefined
    for (const capture of this.#captures) {
      for (const marker of capture.expected) {
        const at = bytes.indexOf(marker)
        if (at !== -1 && (first === undefined || at < first.at)) first = { at, marker, capture }
      }
    }
    return first
  }

  #pass({ marker, capture }: Found): void {
    const place = this.#captures.indexOf(capture)
    // Forgotten a moment ago, by what was called with the bytes before.
    if (place === -1) return
    for (const before of this.#captures.splice(0, place)) before.finish()
    const isOver = capture.saw(marker)
    this.#inside = isOver ? undefined : capture
    if (isOver) this.#captures.shift()
  }

  /** How long the longest end of these bytes is that a marker begins with. */
  #heldBytes(bytes: Buffer): number {
    let longest = 0
    for (const { expected } of this.#captures) {
      for (const marker of expected) longest = Math.max(longest, beginAtEnd(bytes, marker))
    }
    return longest
  }
}

function beginAtEnd(bytes: Buffer, marker: Buffer): number {
  const first = marker[0]!
  const earliest = Math.max(0, bytes.length - marker.length + 1)
  for (let at = bytes.indexOf(first, earliest); at !== -1; at = bytes.indexOf(first, at + 1)) {
    if (bytes.compare(marker, 0, bytes.length - at, at) === 0) return bytes.length - at
  }
  return 0
}
