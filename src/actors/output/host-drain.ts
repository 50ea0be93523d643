import type { Writable } from 'node:stream'

/** Who waits for one stream: one listener of each kind, however many wait. */
class Waiters {
  readonly #stream: Writable
  readonly #resumers = new Set<() => void>()

  constructor(stream: Writable) {
    this.#stream = stream
  }

  add(resume: () => void): void {
    if (this.#resumers.size === 0) {
      this.#stream.on('drain', this.release)
      this.#stream.on('close', this.release)
    }
    this.#resumers.add(resume)
  }

  remove(resume: () => void): void {
    if (this.#resumers.delete(resume) && this.#resumers.size === 0) this.#unlisten()
  }

  readonly release = (): void => {
    const resumers = [...this.#resumers]
    this.#resumers.clear()
    this.#unlisten()
    for (const resume of resumers) resume()
  }

  #unlisten(): void {
    this.#stream.off('drain', this.release)
    this.#stream.off('close', this.release)
  }
}

const waitersOf = new WeakMap<Writable, Waiters>()

function waiters(stream: Writable): Waiters {
  const known = waitersOf.get(stream)
  if (known !== undefined) return known
  const made = new Waiters(stream)
  waitersOf.set(stream, made)
  return made
}

/** Calls `resume` once, when the stream takes more or never will again. Answers how to wait no longer. */
export function whenDrained(stream: Writable, resume: () => void): () => void {
  waiters(stream).add(resume)
  return () => waiters(stream).remove(resume)
}

const ignore = (): void => {}

/**
 * Writes as `console.log` does: a stream that can't be written to (a closed pipe: EPIPE) loses the text and harms
 * nothing else. Its 'error' event is only swallowed if nobody listens; who does listen, hears it. Answers whether the
 * stream takes more.
 */
export function writeToHost(stream: Writable, text: string): boolean {
  // A stream that has failed and was not reset, as the process's own are, keeps what is written to it for ever.
  if (stream.destroyed || stream.writableEnded || stream.errored != null) return true
  // Called before 'error' is emitted.
  return stream.write(text, (error) => {
    if (error == null) return
    if (stream.listenerCount('error') === 0) stream.once('error', ignore)
    // After an error comes no 'drain'.
    waitersOf.get(stream)?.release()
  })
}
