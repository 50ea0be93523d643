import type { Child, StartRequest } from './child.ts'

/** The starts that somebody asked for and waits for. */
export class StartRequests {
  /** Those that are still to come. */
  count = 0

  make(child: Child, request: StartRequest): void {
    child.request = request
    this.count++
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
    return request
  }
}
