import { whenAborted } from '../../movement/abort.ts'

/** Some items of an input that go together, and the place of the first among all. */
export interface Batch<T> {
  readonly first: number
  readonly items: readonly T[]
}

/** How an input is read and worked on. */
export interface ReadAheadOptions<T, R> {
  /** So many items make a batch. */
  readonly batchSize: number
  /** So many batches are worked on at once; asked anew for each. */
  readonly concurrency: () => number
  /** So many batches may have been read and not taken. */
  readonly window: () => number
  readonly run: (batch: Batch<T>) => Promise<R[]>
  /** When it aborts, the input is not waited for any more; to end what is under way is the business of `run`. */
  readonly signal?: AbortSignal | undefined
  /** Called with what goes wrong, when it does, which may be long before it is taken. */
  readonly failed?: (error: unknown) => void
}

type Input<T> = Iterable<T> | AsyncIterable<T>

/**
 * Reads an input no further than there is room for, works on several batches of it at once, and hands the results out in
 * the order of the input.
 */
export class ReadAhead<T, R> {
  readonly #options: ReadAheadOptions<T, R>
  readonly #iterator: Iterator<T> | AsyncIterator<T>
  readonly #results: Promise<R[]>[] = []
  #running = 0
  #isRead = false
  #isClosed = false
  #wakeReader: () => void = () => {}
  #wakeTaker: () => void = () => {}

  constructor(input: Input<T>, options: ReadAheadOptions<T, R>) {
    this.#options = options
    const isAsync = typeof input === 'object' && Symbol.asyncIterator in input
    this.#iterator = isAsync ? input[Symbol.asyncIterator]() : (input as Iterable<T>)[Symbol.iterator]()
    void this.#read()
  }

  /** The results of the next batch; undefined after the last. */
  async take(): Promise<R[] | undefined> {
    while (this.#results.length === 0) {
      if (this.#isRead) return undefined
      await new Promise<void>((resolve) => {
        this.#wakeTaker = resolve
      })
    }
    const results = await this.#results[0]!
    // Only now is there room for one more: what is taken and not awaited is as good as not taken.
    void this.#results.shift()
    this.#wakeReader()
    return results
  }

  /** Reads no more, and tells the input so. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#wakeReader()
    if (!this.#isRead) this.#leaveInput()
  }

  /** An input that is waited for may never come back: nobody waits for it here, and how it takes it is its own matter. */
  #leaveInput(): void {
    const left = async (): Promise<unknown> => this.#iterator.return?.()
    left().catch(() => {})
  }

  async #read(): Promise<void> {
    try {
      for (let first = 0; ;) {
        await this.#room()
        if (this.#isClosed) return
        const items = await this.#next()
        if (items.length > 0 && !this.#isClosed) this.#start({ first, items })
        if (items.length < this.#options.batchSize) return
        first += items.length
      }
    } catch (error) {
      this.#add(rejected(error))
    } finally {
      this.#isRead = true
      this.#wakeTaker()
    }
  }

  async #room(): Promise<void> {
    const { concurrency, window } = this.#options
    while (!this.#isClosed && (this.#running >= concurrency() || this.#results.length >= window())) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
    }
  }

  async #next(): Promise<T[]> {
    const items: T[] = []
    while (items.length < this.#options.batchSize) {
      const step = await this.#step()
      if (step.done === true || this.#isClosed) {
        this.#isRead = step.done === true
        break
      }
      items.push(step.value)
    }
    return items
  }

  /** @throws the reason of the signal, if that aborts before the input answers */
  #step(): IteratorResult<T> | Promise<IteratorResult<T>> {
    const { signal } = this.#options
    if (signal === undefined) return this.#iterator.next()
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        if (!this.#isClosed) this.#leaveInput()
        reject(signal.reason as Error)
      }
      if (signal.aborted) return abort()
      const forget = whenAborted(signal, abort)
      const step = new Promise<IteratorResult<T>>((answer) => answer(this.#iterator.next()))
      void step.then(resolve, reject).finally(forget)
    })
  }

  #start(batch: Batch<T>): void {
    this.#running++
    this.#add(this.#run(batch))
  }

  async #run(batch: Batch<T>): Promise<R[]> {
    try {
      return await this.#options.run(batch)
    } finally {
      this.#running--
      this.#wakeReader()
    }
  }

  #add(result: Promise<R[]>): void {
    result.catch((error: unknown) => this.#options.failed?.(error))
    this.#results.push(result)
    this.#wakeTaker()
  }
}

/** A promise that rejects with whatever was thrown. */
export async function rejected(error: unknown): Promise<never> {
  throw error
}
