import type { LaunchedProcess, Launcher, LaunchRequest } from '../../src/transport/launcher.ts'
import type { Transport, TransportReceiver } from '../../src/transport/transport.ts'

/** A control lane on which nothing goes to the worker from `hold` to `release`. */
class HeldLane implements Transport {
  readonly #lane: Transport
  #held: Buffer[] | undefined

  constructor(lane: Transport) {
    this.#lane = lane
  }

  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    if (held.length > 0) this.#lane.write(held)
  }

  write(chunks: readonly Uint8Array[]): boolean {
    if (this.#held === undefined) return this.#lane.write(chunks)
    this.#held.push(...chunks.map((chunk) => Buffer.from(chunk)))
    return true
  }

  get kind(): string {
    return this.#lane.kind
  }

  get pendingBytes(): number {
    return this.#lane.pendingBytes
  }

  get heldBytes(): number {
    return this.#lane.heldBytes
  }

  start(receiver: TransportReceiver): void {
    this.#lane.start(receiver)
  }

  pause(): void {
    this.#lane.pause()
  }

  resume(): void {
    this.#lane.resume()
  }

  ref(): void {
    this.#lane.ref()
  }

  unref(): void {
    this.#lane.unref()
  }

  close(): void {
    this.#lane.close()
  }

  destroy(): void {
    this.#lane.destroy()
  }
}

/**
 * A launcher whose workers hear nothing on their control lane from `hold` to `release`: whatever comes to them meanwhile
 * comes by the data lane.
 */
export class HeldControl implements Launcher {
  readonly kind: string
  readonly isLocal: boolean
  readonly isGuest?: true
  readonly #inner: Launcher
  #lane: HeldLane | undefined

  constructor(inner: Launcher) {
    this.#inner = inner
    this.kind = inner.kind
    this.isLocal = inner.isLocal
    if (inner.isGuest === true) this.isGuest = true
  }

  hold(): void {
    this.#lane?.hold()
  }

  release(): void {
    this.#lane?.release()
  }

  launch(request: LaunchRequest): LaunchedProcess {
    const launched = this.#inner.launch(request)
    const control = new HeldLane(launched.control)
    this.#lane = control
    return {
      get pid() {
        return launched.pid
      },
      data: launched.data,
      control,
      stdout: launched.stdout,
      stderr: launched.stderr,
      onExit: (listener) => launched.onExit(listener),
      onFailed: (listener) => launched.onFailed(listener),
      signalGroup: (signal) => launched.signalGroup(signal),
      ref: () => launched.ref(),
      unref: () => launched.unref(),
    }
  }
}
