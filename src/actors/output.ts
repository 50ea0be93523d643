import type { Readable, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

/** Where a worker's standard output or error goes. */
export type OutputOption = 'forward' | 'ignore' | ((line: string) => void)

const tailBytes = 8192
const maxLineLength = 65_536

/**
 * Reads one of a worker's standard streams, always, so that the worker never waits for a reader, and keeps its tail.
 * Bounded: a line over 64 KiB is passed on in pieces, and forwarding waits for the host's own stream.
 */
export class Output {
  readonly #source: Readable
  readonly #decoder = new StringDecoder('utf8')
  readonly #pass: (line: string) => void
  #partial = ''
  #tail = Buffer.alloc(0)
  #hasEnded = false
  /** Resolves when everything has been read and passed on. */
  readonly ended: Promise<void>

  constructor(source: Readable, option: OutputOption, tag: string, forwardTo: Writable) {
    this.#source = source
    this.#pass = this.#passer(option, tag, forwardTo)
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#end()
        resolve()
      }
      source.on('end', end)
      source.on('close', end)
    })
    source.on('error', () => {})
    source.on('data', (chunk: Buffer) => this.#read(chunk))
    if ('unref' in source) (source as Readable & { unref(): void }).unref()
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Reads no more: a process that the worker left behind may hold the stream open for ever. */
  stop(): void {
    this.#end()
    this.#source.destroy()
  }

  /** The last bytes of the stream, as text. */
  get tail(): string {
    return this.#tail.toString('utf8')
  }

  #passer(option: OutputOption, tag: string, forwardTo: Writable): (line: string) => void {
    if (option === 'ignore') return () => {}
    if (option === 'forward') {
      return (line) => {
        if (forwardTo.write(`[${tag}] ${line}\n`)) return
        this.#source.pause()
        forwardTo.once('drain', () => this.#source.resume())
      }
    }
    return (line) => {
      try {
        option(line)
      } catch (error) {
        const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
        process.emitWarning(`The line function of ${tag} threw: ${words}`, 'MaltsterWarning')
      }
    }
  }

  #read(chunk: Buffer): void {
    const kept = chunk.length >= tailBytes ? chunk : Buffer.concat([this.#tail, chunk])
    // A copy, so that the whole chunk is not kept alive for its tail.
    this.#tail = Buffer.from(kept.subarray(Math.max(0, kept.length - tailBytes)))
    this.#partial += this.#decoder.write(chunk)
    const lines = this.#partial.split(/\r?\n/)
    this.#partial = lines.pop() ?? ''
    for (const line of lines) this.#pass(line)
    while (this.#partial.length > maxLineLength) {
      this.#pass(this.#partial.slice(0, maxLineLength))
      this.#partial = this.#partial.slice(maxLineLength)
    }
  }

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const rest = this.#partial + this.#decoder.end()
    this.#partial = ''
    if (rest !== '') this.#pass(rest)
  }
}
