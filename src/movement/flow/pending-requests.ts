/** A request that was sent. One of the two comes, once, also when the lane ends. */
export interface PendingRequest {
  /** @param aux - the number that came along */
  replied(value: unknown, aux: number): void
  failed(error: Error): void
}

const { Map } = globalThis
const maxId = 2 ** 32 - 1

/** Requests of this side of a lane that have not been answered. Each is answered exactly once, withdrawn or not. */
export class PendingRequests {
  readonly #requests = new Map<number, PendingRequest>()
  #lastId = 0

  get size(): number {
    return this.#requests.size
  }

  /** A number that no request under way has, from 1 on. */
  nextId(): number {
    do {
      this.#lastId = this.#lastId === maxId ? 1 : this.#lastId + 1
    } while (this.#requests.has(this.#lastId))
    return this.#lastId
  }

  add(id: number, request: PendingRequest): void {
    this.#requests.set(id, request)
  }

  has(id: number): boolean {
    return this.#requests.has(id)
  }

  /** Takes a request out, for the one who tells it its answer; undefined if there is none. */
  take(id: number): PendingRequest | undefined {
    const request = this.#requests.get(id)
    this.#requests.delete(id)
    return request
  }

  /** Nothing will be answered any more. */
  end(why: Error): void {
    for (const [id, request] of this.#requests) {
      this.#requests.delete(id)
      request.failed(why)
    }
  }
}
