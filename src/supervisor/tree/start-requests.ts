import { KeepAlive } from '../pool/keep-alive.ts'
import type { Child, StartRequest } from './child.ts'

/**
 * The starts that somebody asked for and waits for. They hold the event loop: what they wait for may be a process that
 * nobody else waits for, such as one that is killed since its `init` has failed, or none, as behind a back-off.
 */
export class StartRequests {
  readonly #keepAlive = new KeepAlive()
  /** Those that are still to come. */
  count = 0

  make(child: Child, request: StartRequest): void {
    child.request = request
    this.count++
    this.#keepAlive.hold()
  }

  settle(child: Child): void {
    this.#take(child)?.resolve()
  }

  refuse(child: Child, error: Error): void {
    const request = this.#take(child)
    if (request === undefined) return
    // Whoever asked has been told that there is no such child.
    if (request.before === undefined) child.isForgotten = true
    request.reject(error)
  }

  #take(child: Child): StartRequest | undefined {
    const { request } = child
    if (request === undefined) return undefined
    child.request = undefined
    this.count--
    if (this.count === 0) this.#keepAlive.letGo()
    return request
  }
}
