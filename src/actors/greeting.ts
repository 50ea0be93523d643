import { ProtocolError } from '../errors/data-errors.ts'
import type { Hello, Ready } from '../transport/messages.ts'
import { protocolVersion } from '../transport/protocol.ts'

/** Whether the other side is a worker of this host: what it says before it is one, checked. */
export class Greeting {
  readonly #token: string
  #wasGreeted = false
  #wasReady = false

  /** @param token - drawn for this process: only one that has read its configuration can tell it */
  constructor(token: string) {
    this.#token = token
  }

  get token(): string {
    return this.#token
  }

  get wasReady(): boolean {
    return this.#wasReady
  }

  /** @throws {ProtocolError} if it speaks another version */
  hello(hello: Hello): void {
    this.checkVersion(hello)
    this.#wasGreeted = true
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
