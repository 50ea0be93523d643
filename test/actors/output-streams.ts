import { PassThrough, Readable, Writable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'

/** The bytes in chunks, cut at these places; places beyond the end count from the begin again. */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b)
  const starts = [0, ...ends]
  return starts.map((start, index) => bytes.subarray(start, ends[index] ?? bytes.length))
}

/** A worker's stream: `emit` hands over chunks as they are, at once. */
export class Source extends Readable {
  constructor() {
    super({ read: () => {}, highWaterMark: 2 ** 24 })
  }

  /** As the system does: each chunk comes in a turn of its own. */
  async give(...chunks: readonly (string | Buffer)[]): Promise<void> {
    for (const chunk of chunks) {
      this.push(chunk)
      await turn()
    }
  }

  async over(): Promise<void> {
    this.push(null)
    await turn()
  }
}

/** A host's stream that takes everything at once. */
export class Sink extends Writable {
  readonly texts: string[] = []

  override _write(chunk: Buffer, _: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.texts.push(chunk.toString())
    callback()
  }

  get text(): string {
    return this.texts.join('')
  }
}

/** A host's stream that takes nothing until it is read. */
export function stuck(): PassThrough {
  return new PassThrough({ highWaterMark: 16 })
}

export { turn }
