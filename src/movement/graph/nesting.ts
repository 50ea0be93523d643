/** Deep enough for what people write, and far from the end of the stack. */
const deepest = 50

/** How deep the writing of parcels has got. */
export class Nesting {
  depth = 0

  get isDeep(): boolean {
    return this.depth >= deepest
  }
}
