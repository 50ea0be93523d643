import { ProtocolError } from '../errors/data-errors.ts'
import type { Ledger } from '../movement/graph/ledger.ts'
import { type PlannedStep, preloadFor } from '../movement/preload-plan.ts'
import { messageCodec } from '../transport/codec/message-codec.ts'
import type { FrameWriter } from '../transport/frame-writer.ts'
import { defaultLimits } from '../transport/limits.ts'
import type { Configure, Hello, Ready } from '../transport/messages.ts'
import { frameType, headerBytes, protocolVersion } from '../transport/protocol.ts'
import { keepBody } from './mailbox.ts'

/** Whether the other side is a worker of this host: what it says before it is one, checked. */
export class Greeting {
  readonly #token: string
  #wasGreeted = false
  #wasReady = false
  #pid: number | undefined
  #isInterruptible: boolean | undefined

  /** @param token - drawn for this process: only one that has read its configuration can tell it */
  constructor(token: string) {
    this.#token = token
  }

  get token(): string {
    return this.#token
  }

  /** Its process id, as it says. */
  get pid(): number | undefined {
    return this.#pid
  }

  /** Whether running code can be cut off there; undefined until it is known. */
  get isInterruptible(): boolean | undefined {
    return this.#isInterruptible
  }

  get wasReady(): boolean {
    return this.#wasReady
  }

  /** @throws {ProtocolError} if it speaks another version */
  hello(hello: Hello): void {
    this.checkVersion(hello)
    this.#wasGreeted = true
    if (Number.isSafeInteger(hello.pid)) this.#pid ??= hello.pid
    // The control lane tells that too, and may be heard long after the first answers.
    if (hello.interruptible === false) this.#isInterruptible = false
  }

  /** What the sentinel says of itself. */
  controlGreeted(isInterruptible: boolean): void {
    this.#isInterruptible = isInterruptible
  }

  /** @throws {ProtocolError} if it speaks another version */
  checkVersion(hello: Hello): void {
    if (hello.protocolVersion === protocolVersion) return
    const both = `This host speaks version ${protocolVersion} of the protocol, the worker version ${String(hello.protocolVersion)}.`
    throw new ProtocolError(`${both} Both must come from the same release of maltster.`)
  }

  /** @throws {ProtocolError} if it can't be */
  ready(ready: Ready): void {
    if (!this.#wasGreeted || this.#wasReady || ready?.token !== this.#token) {
      throw new ProtocolError('The worker said that it is ready in a way that does not fit.')
    }
    this.#wasReady = true
  }
}

/**
 * Tells a worker what it has to know: its first frame. It does not know its limits yet, and the user's may be too small
 * for this.
 * @param ledger - of this worker: what its steps bring along counts as sent
 * @throws {EncodeError} if there is too much to preload
 */
export function sendConfiguration(
  writer: FrameWriter,
  worker: Omit<Configure, 'preload'>,
  steps: readonly PlannedStep[],
  ledger: Ledger,
): void {
  const configure: Configure = { ...worker, preload: preloadFor(steps, ledger) }
  const encoded = messageCodec(defaultLimits).encode(configure, 'preload', Buffer.alloc(1024), 0, headerBytes)
  writer.encodedFrame(frameType.configure, 0, 0, 0, keepBody(encoded))
}
