import type { DyingWords } from '../transport/messages.ts'

// Taken before user code can replace them: where there is no second thread this runs beside it.
const { setInterval, clearInterval } = globalThis
const { rss } = process.memoryUsage

/** Between two looks at the memory. */
const lookMs = 50

const mebibyte = 1024 * 1024

/**
 * Looks at the memory of the whole process, which the heap limit of V8 does not cover: buffers, native memory, other
 * threads.
 */
export class MemoryWatch {
  readonly #exceeded: (words: DyingWords) => void
  #timer: NodeJS.Timeout | undefined

  constructor(exceeded: (words: DyingWords) => void) {
    this.#exceeded = exceeded
  }

  /** Looks from now on, in place of what it did before; `null` ends it. */
  limit(maxRssBytes: number | null): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (maxRssBytes === null) return
    this.#timer = setInterval(() => this.#look(maxRssBytes), lookMs)
    this.#timer.unref()
  }

  #look(maxRssBytes: number): void {
    const rssBytes = rss()
    if (rssBytes <= maxRssBytes) return
    clearInterval(this.#timer)
    const had = `The process had ${Math.ceil(rssBytes / mebibyte)} MiB resident`
    this.#exceeded({
      name: 'MemoryLimitError',
      message: `${had}; maxRssMb is ${maxRssBytes / mebibyte}.`,
      stack: '',
      outOfMemory: true,
    })
  }
}
