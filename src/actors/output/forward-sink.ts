import type { Readable, Writable } from 'node:stream'

import { whenDrained, writeToHost } from './host-drain.ts'
import type { LineSink } from './output-sink.ts'

/** What may wait in the host's stream when output can't wait, for all workers together. */
const maxUrgentBytes = 16 * 2 ** 20

const colours = { stdout: '\u001B[34m', stderr: '\u001B[33m' }
const defaultColour = '\u001B[39m'

type MaybeTerminal = Writable & { readonly isTTY?: boolean; hasColors?(): boolean }

/** `[name]`: blue for stdout and yellow for stderr, on a terminal that shows colours. The text keeps its own. */
export function tagOf(name: string, streamName: 'stdout' | 'stderr', stream: Writable): string {
  const terminal: MaybeTerminal = stream
  const isColoured =
    terminal.isTTY === true &&
    process.env['NO_COLOR'] === undefined &&
    process.env['TERM'] !== 'dumb' &&
    (terminal.hasColors?.() ?? true)
  return isColoured ? `${colours[streamName]}[${name}]${defaultColour}` : `[${name}]`
}

/**
 * Writes each line with a tag to a stream of the host. While that stream is full, the worker's is not read. Unless it is
 * urgent: the process has ended, or output is awaited that comes behind this; then the host's stream holds the lines.
 */
export class ForwardSink implements LineSink {
  readonly #tag: string
  readonly #to: Writable
  readonly #source: Readable
  readonly #isUrgent: () => boolean
  #text = ''
  #stopWaiting: (() => void) | undefined

  constructor(tag: string, to: Writable, source: Readable, isUrgent: () => boolean) {
    this.#tag = tag
    this.#to = to
    this.#source = source
    this.#isUrgent = isUrgent
  }

  line(text: string): void {
    this.#text += `${this.#tag} ${text}\n`
  }

  flush(): void {
    const text = this.#text
    if (text === '') return
    this.#text = ''
    if (writeToHost(this.#to, text) || !this.#mustWait() || this.#stopWaiting !== undefined) return
    this.#source.pause()
    this.#stopWaiting = whenDrained(this.#to, () => this.#resume())
  }

  end(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
  }

  /** It has become urgent. */
  hurry(): void {
    if (this.#stopWaiting !== undefined && !this.#mustWait()) this.#resume()
  }

  #mustWait(): boolean {
    if (!this.#to.writableNeedDrain) return false
    return !this.#isUrgent() || this.#to.writableLength > maxUrgentBytes
  }

  #resume(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    this.#source.resume()
  }
}
