import { CapturedText } from './captured-text.ts'
import type { GuardedFunction } from './guarded-function.ts'

/** What to take out of a stream: all that comes between two markers, which must be random, and used only once. */
export interface CaptureOptions {
  readonly from: Buffer
  readonly to: Buffer
  /** How much of it is kept. */
  readonly maxBytes: number
  /** Called with the text as it comes, whole characters only, no more than is kept. */
  readonly onText?: ((text: string) => void) | undefined
}

export interface CapturedOutput {
  readonly text: string
  /** How many bytes came behind those of `text`. */
  readonly cutBytes: number
  /** Whether both markers were seen: nothing is missing but what was cut. */
  readonly isComplete: boolean
}

export interface OutputCapture {
  /** Resolves at the second marker, at the end of the stream, or when finished. Never rejects. */
  readonly done: Promise<CapturedOutput>
  /**
   * Waits no longer. What comes from here on goes the normal way, but for the markers: they are still taken out.
   */
  finish(): void
}

/** A capture as the one who looks for its markers sees it. */
export class MarkedCapture implements OutputCapture {
  readonly done: Promise<CapturedOutput>
  readonly #from: Buffer
  readonly #to: Buffer
  readonly #text: CapturedText
  #hasBegun = false
  #resolve: ((output: CapturedOutput) => void) | undefined

  constructor(options: CaptureOptions, onText: GuardedFunction | undefined) {
    this.#from = options.from
    this.#to = options.to
    this.#text = new CapturedText(options.maxBytes, onText)
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  get isFinished(): boolean {
    return this.#resolve === undefined
  }

  /** Which markers may still come. The second can come without the first, if the worker's stream was tampered with. */
  get expected(): readonly Buffer[] {
    return this.#hasBegun ? [this.#to] : [this.#from, this.#to]
  }

  /** A marker was seen. Answers whether it was the last one. */
  saw(marker: Buffer): boolean {
    if (marker === this.#from) {
      this.#hasBegun = true
      return false
    }
    this.settle(this.#hasBegun)
    return true
  }

  write(bytes: Buffer): void {
    this.#text.write(bytes)
  }

  finish(): void {
    this.settle(false)
  }

  settle(isComplete: boolean): void {
    const resolve = this.#resolve
    if (resolve === undefined) return
    this.#resolve = undefined
    resolve({ ...this.#text.take(), isComplete })
  }
}
