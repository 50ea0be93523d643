import type { LineSink, OutputSink } from './output-sink.ts'
import { wholeCharacterBytes } from './utf8-boundary.ts'

const newline = 0x0a
const carriageReturn = 0x0d
const maxLineBytes = 65_536
const smallestPartial = 256
/** A partial line that needed more gives its memory back at its end. */
const keptPartialBytes = 4096
const noBytes = Buffer.alloc(0)

/**
 * Makes lines of bytes: the same lines however the bytes are cut into chunks. A line ends with `\n`; one `\r` right
 * before it is not part of the line. A `\r` elsewhere is text like any other: a progress bar that overwrites itself is
 * one line, and arrives when its newline comes. A line over 64 KiB arrives in pieces, never cut within a character.
 */
export class LineSplitter implements OutputSink {
  readonly #sink: LineSink
  readonly #maxLineBytes: number
  /** The begin of a line whose end has not come; `#length` bytes of it are used. */
  #partial = noBytes
  #length = 0

  constructor(sink: LineSink, maxBytes = maxLineBytes) {
    this.#sink = sink
    this.#maxLineBytes = maxBytes
  }

  write(bytes: Buffer): void {
    let start = 0
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
      this.#endLine(bytes.subarray(start, end))
      start = end + 1
    }
    if (start < bytes.length) this.#keep(bytes.subarray(start))
    this.#sink.flush()
  }

  end(): void {
    const rest = this.#takePartial()
    if (rest.length > 0) this.#pass(rest)
    this.#sink.flush()
    this.#sink.end()
  }

  #endLine(bytes: Buffer): void {
    let line = bytes
    if (this.#length > 0) {
      this.#keep(bytes)
      line = this.#takePartial()
    }
    const hasReturn = line.length > 0 && line[line.length - 1] === carriageReturn
    this.#pass(hasReturn ? line.subarray(0, -1) : line)
  }

  #pass(line: Buffer): void {
    let rest = line
    while (rest.length > this.#maxLineBytes) {
      const cut = wholeCharacterBytes(rest, this.#maxLineBytes)
      this.#sink.line(rest.toString('utf8', 0, cut))
      rest = rest.subarray(cut)
    }
    this.#sink.line(rest.toString('utf8'))
  }

  #takePartial(): Buffer {
    const line = this.#partial.subarray(0, this.#length)
    this.#length = 0
    if (this.#partial.length > keptPartialBytes) this.#partial = noBytes
    return line
  }

  #keep(bytes: Buffer): void {
    // Two more than a piece: then it is sure that a piece is due, even if the last byte is a `\r` that will go.
    const full = this.#maxLineBytes + 2
    let rest = bytes
    while (rest.length > 0) {
      this.#reserve(Math.min(full, this.#length + rest.length), full)
      const copied = rest.copy(this.#partial, this.#length, 0, full - this.#length)
      rest = rest.subarray(copied)
      this.#length += copied
      if (this.#length === full) this.#passPiece()
    }
  }

  #passPiece(): void {
    const cut = wholeCharacterBytes(this.#partial, this.#maxLineBytes)
    const piece = this.#partial.toString('utf8', 0, cut)
    this.#partial.copyWithin(0, cut, this.#length)
    this.#length -= cut
    this.#sink.line(piece)
  }

  #reserve(needed: number, full: number): void {
    if (needed <= this.#partial.length) return
    const grown = Buffer.allocUnsafeSlow(
      Math.min(full, Math.max(smallestPartial, needed, 2 * this.#partial.length)),
    )
    this.#partial.copy(grown, 0, 0, this.#length)
    this.#partial = grown
  }
}
