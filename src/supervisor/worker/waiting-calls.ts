import { whenAborted } from '../../movement/abort.ts'
import { interruptedError } from '../../actors/remote-error.ts'
import type { Worker } from '../../actors/worker.ts'
import { BackpressureError, CallTimeoutError } from '../../errors/call-errors.ts'
import type { Clock } from '../../transport/clock.ts'

/** A call that waits for a worker. */
export interface WaitingCall {
  readonly byteLength: number
  readonly background: boolean
  readonly signal: AbortSignal | undefined
  /** Of the whole call, and when it is over on the clock; undefined: no limit. */
  readonly deadline: { readonly timeoutMs: number; readonly atMs: number } | undefined
  /** Makes it, in a worker that takes calls. Called at most once. */
  send(worker: Worker): Promise<unknown>
}

/** The bounds of what may wait: those of a worker's mailbox. */
export interface WaitingBounds {
  readonly maxCalls: number
  readonly maxBytes: number
}

interface Entry {
  readonly call: WaitingCall
  readonly resolve: (result: Promise<unknown>) => void
  readonly reject: (error: unknown) => void
  readonly release: () => void
}

/** The longest that a timer can take. */
const forEverMs = 2 ** 31 - 1

/** Calls that wait for the next incarnation, oldest first. Each leaves once. */
export class WaitingCalls {
  readonly #bounds: WaitingBounds
  readonly #clock: Clock
  readonly #path: () => string
  readonly #entries = new Set<Entry>()
  #bytes = 0
  /** Keeps the host's event loop open: somebody waits. */
  #holder: unknown

  constructor(bounds: WaitingBounds, clock: Clock, path: () => string) {
    this.#bounds = bounds
    this.#clock = clock
    this.#path = path
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * Has a call wait.
   * @throws {BackpressureError} if there is no room for it
   */
  add(call: WaitingCall): Promise<unknown> {
    this.#admit(call.byteLength)
    const { signal } = call
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
    return new Promise((resolve, reject) => {
      const entry: Entry = { call, resolve, reject, release: () => release() }
      const release = this.#watch(entry)
      this.#entries.add(entry)
      this.#bytes += call.byteLength
      this.#holder ??= this.#clock.setTimeout(() => {}, forEverMs)
    })
  }

  /** A worker is up: all that wait go to it, in the order in which they came, in this turn. */
  deliver(worker: Worker): void {
    for (const entry of this.#entries) {
      if (this.#take(entry)) entry.resolve(entry.call.send(worker))
    }
  }

  /** Nobody will come. */
  refuse(error: () => Error): void {
    for (const entry of this.#entries) this.#reject(entry, error())
  }

  /** Ends those that an interrupt means. Answers whether there were any. */
  interrupt(): boolean {
    const meant = [...this.#entries].filter(({ call }) => !call.background)
    const place = { worker: this.#path(), pid: undefined }
    for (const entry of meant) {
      this.#reject(entry, interruptedError(place, { collateral: false, executed: 'no' }))
    }
    return meant.length > 0
  }

  #admit(byteLength: number): void {
    const { maxCalls, maxBytes } = this.#bounds
    const waiting = this.#entries.size
    const why =
      waiting >= maxCalls
        ? `${waiting} calls wait; \`mailbox.maxCalls\` is ${maxCalls}`
        : waiting > 0 && this.#bytes + byteLength > maxBytes
          ? `${this.#bytes} bytes wait, ${byteLength} more would; \`mailbox.maxBytes\` is ${maxBytes}`
          : undefined
    if (why === undefined) return
    const worker = this.#path()
    const advice = 'Nothing was sent. Await earlier calls first, or raise the bound.'
    throw new BackpressureError(`Too much waits for worker ${worker} to come back: ${why}. ${advice}`, {
      worker,
    })
  }

  #watch(entry: Entry): () => void {
    const { deadline, signal } = entry.call
    const clock = this.#clock
    const timer =
      deadline === undefined
        ? undefined
        : clock.setIdleTimeout(
            () => this.#reject(entry, this.#timeout(deadline.timeoutMs)),
            Math.max(0, deadline.atMs - clock.nowMs()),
          )
    const forget =
      signal === undefined ? undefined : whenAborted(signal, () => this.#reject(entry, signal.reason))
    return () => {
      if (timer !== undefined) clock.clearTimeout(timer)
      forget?.()
    }
  }

  #timeout(timeoutMs: number): CallTimeoutError {
    const worker = this.#path()
    const message = `A call to worker ${worker} waited for it to come back for ${timeoutMs} ms; it has been given up.`
    return new CallTimeoutError(message, { worker, timeoutMs, executed: 'no' })
  }

  #reject(entry: Entry, error: unknown): void {
    if (this.#take(entry)) entry.reject(error)
  }

  #take(entry: Entry): boolean {
    if (!this.#entries.delete(entry)) return false
    this.#bytes -= entry.call.byteLength
    entry.release()
    if (this.#entries.size === 0) {
      this.#clock.clearTimeout(this.#holder)
      this.#holder = undefined
    }
    return true
  }
}
