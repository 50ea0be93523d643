import type { Codec, IncomingBody } from '../codec.ts'
import type { Limits } from '../limits.ts'
import { codecFlags } from '../protocol.ts'
import { failDecode } from './decode-failure.ts'
import { maxBatchBytes } from './item-batch.ts'
import { unpackFrom } from './msgpackr.ts'
import { plainDepth } from './plain-walk.ts'
import { PreScan } from './pre-scan.ts'

/** Reads what a frame of items has: the other side of `ItemBatch`. */
export class ItemReader {
  readonly #codec: Codec
  readonly #scan: PreScan

  constructor(codec: Codec, limits: Limits) {
    this.#codec = codec
    // The array around them is one level more. A batch is so small that its bytes bound how many values it has.
    const maxDepth = Math.min(plainDepth, limits.maxDepth) + 1
    this.#scan = new PreScan({ maxDepth, maxItems: Infinity, table: false })
  }

  /**
   * @param count - how many items are together in an array; 0 for one that is the whole body
   * @throws {DecodeError}
   */
  read(body: IncomingBody, count: number): readonly unknown[] {
    if (count === 0) return [this.#codec.decode(body)]
    const { buffer, start, end } = body
    if (end - start > maxBatchBytes) failDecode('too-big')
    if ((body.flags & codecFlags) !== 0) failDecode('encoding')
    if (body.attachments.length > 0) failDecode('attachment')
    this.#scan.check(buffer, start, end)
    const items = unpackFrom(buffer, start, end)
    if (!Array.isArray(items) || items.length !== count) failDecode('batch')
    return items
  }
}
