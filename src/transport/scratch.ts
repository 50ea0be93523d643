import type { LargeFrame } from './large-frame.ts'

/** Memory that a transport reads to, and that small frames are dispatched from. */
export interface Scratch {
  readonly bytes: Buffer
  /** Segments in it that have not been dispatched. While there are any, nothing is read into it. */
  pins: number
}

/** Bytes of a scratch. */
export const scratchBytes = 64 * 1024

/** Scratches that are kept for reuse. Two take turns when dispatching is deferred; more are for bursts. */
const spareScratches = 3

/** What waits to be dispatched: complete frames in a row in a scratch, or one frame with memory of its own. */
export type Segment =
  | { readonly scratch: Scratch; start: number; end: number; readonly large?: undefined }
  | { readonly large: LargeFrame }

/** Hands out scratches and takes them back. */
export class ScratchPool {
  #spare: Scratch[] = []

  take(): Scratch {
    return this.#spare.pop() ?? { bytes: Buffer.allocUnsafeSlow(scratchBytes), pins: 0 }
  }

  giveBack(scratch: Scratch): void {
    if (this.#spare.length < spareScratches) this.#spare.push(scratch)
  }
}
