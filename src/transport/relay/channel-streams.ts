import { Readable } from 'node:stream'

import type { Transport } from '../transport.ts'

/** More than this waits for the reader of the other side before the source is paused. */
const aheadBytes = 128 * 1024
const targetBytes = 64 * 1024

/** Brings what comes on one lane to another. Answers when the first one is over, and all of it was written. */
export function joinLanes(near: Transport, far: Transport): Promise<void> {
  return new Promise((resolve) => {
    near.start(relayTo(far, near, resolve))
    far.start(relayTo(near, far, () => near.close()))
  })
}

function relayTo(to: Transport, from: Transport, over: () => void) {
  const target = Buffer.allocUnsafeSlow(targetBytes)
  return {
    target: () => target,
    received(byteLength: number) {
      const hasLeft = to.write([Buffer.from(target.subarray(0, byteLength))])
      if (!hasLeft && to.pendingBytes > aheadBytes) from.pause()
    },
    drained: () => to.resume(),
    closed: over,
  }
}

/** Brings what a stream gives to a lane. Answers when the stream has ended. */
export function streamToLane(source: Readable, lane: Transport): Promise<void> {
  return new Promise((resolve) => {
    source.on('data', (chunk: Buffer) => {
      if (!lane.write([chunk]) && lane.pendingBytes > aheadBytes) source.pause()
    })
    source.on('error', () => {})
    source.on('close', resolve)
    lane.start({
      target: () => Buffer.alloc(targetBytes),
      received: () => {},
      drained: () => source.resume(),
      // Nobody reads it any more: the writer is to feel that, as with a pipe.
      closed: () => source.destroy(),
    })
  })
}

/** A lane that is only read, as a stream. */
export function laneToStream(lane: Transport): Readable {
  const target = Buffer.allocUnsafeSlow(targetBytes)
  const stream = new Readable({
    read: () => lane.resume(),
    destroy(error, done) {
      lane.destroy()
      done(error)
    },
  })
  lane.start({
    target: () => target,
    received(byteLength) {
      if (!stream.push(Buffer.from(target.subarray(0, byteLength)))) lane.pause()
    },
    drained: () => {},
    closed: () => void stream.push(null),
  })
  return stream
}

const tailBytes = 2048

/**
 * What a worker writes to stderr and what its launcher does, as one stream: why a launcher failed is nowhere else.
 */
export class MergedErrors {
  readonly stream: Readable
  readonly #worker: Readable
  readonly #launcher: Readable
  #tail = Buffer.alloc(0)
  #isLauncherOver = false
  #isWorkerOver = false

  constructor(worker: Readable, launcher: Readable, onLauncherOver: () => void) {
    this.#worker = worker
    this.#launcher = launcher
    this.stream = new Readable({
      read() {
        worker.resume()
        launcher.resume()
      },
      destroy(error, done) {
        worker.destroy()
        // Read on, and dropped: the launcher may still have to write something to get to its end.
        launcher.resume()
        done(error)
      },
    })
    worker.on('data', (chunk: Buffer) => this.#push(chunk))
    launcher.on('data', (chunk: Buffer) => this.said(chunk))
    worker.on('close', () => {
      this.#isWorkerOver = true
      this.#endIfOver()
    })
    launcher.on('error', () => {})
    launcher.on('close', () => {
      this.launcherOver()
      onLauncherOver()
    })
  }

  /** The last that the launcher said. */
  get launcherTail(): string {
    return this.#tail.toString('utf8').trim()
  }

  /** The launcher, or what speaks for it, said this. */
  said(chunk: Buffer): void {
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-tailBytes)
    this.#push(chunk)
  }

  /** What the launcher still says belongs to nobody. */
  launcherOver(): void {
    this.#isLauncherOver = true
    this.#launcher.resume()
    this.#endIfOver()
  }

  get #isOver(): boolean {
    return this.#isLauncherOver && this.#isWorkerOver
  }

  #endIfOver(): void {
    if (this.#isOver) this.stream.push(null)
  }

  #push(chunk: Buffer): void {
    if (this.#isOver || this.stream.destroyed || this.stream.push(chunk)) return
    if (!this.#isLauncherOver) this.#launcher.pause()
    this.#worker.pause()
  }
}
