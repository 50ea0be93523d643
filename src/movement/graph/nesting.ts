/** Deep enough for what people write, and far from the end of the stack. */
const deepest = 50

/** How deep the writing of parcels has got: what is too deep is done when the rest is. */
export class Nesting {
  depth = 0
  readonly #waiting: (() => void)[] = []

  get isDeep(): boolean {
    return this.depth >= deepest
  }

  later(write: () => void): void {
    this.#waiting.push(write)
  }

  finish(): void {
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) next()
  }
}
