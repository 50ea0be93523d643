/** As long as a timer can be set. */
const longMs = 2 ** 31 - 1

/**
 * Holds the event loop open while something waits for a process that is not there: a worker holds it only while it lives,
 * and a host must not end with calls that were never answered.
 */
export class KeepAlive {
  #timer: NodeJS.Timeout | undefined

  hold(): void {
    this.#timer ??= setInterval(() => {}, longMs)
  }

  letGo(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
