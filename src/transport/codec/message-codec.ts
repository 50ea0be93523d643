import { EncodeError } from '../../errors/data-errors.ts'
import type { Codec, CodecFactory, EncodedBody, IncomingBody } from '../codec.ts'
import type { Limits } from '../limits.ts'
import type { LiveValues } from '../live-values.ts'
import { codecFlags, frameFlag } from '../protocol.ts'
import { buildTable } from './build-table.ts'
import { checkTable } from './check-table.ts'
import { failDecode } from './decode-failure.ts'
import { maxReserve, type Packed, packInto, unpackFrom } from './msgpackr.ts'
import { tableDepth, tableValuesPerItem } from './node-kinds.ts'
import { plainDepth, PlainWalk } from './plain-walk.ts'
import { PreScan } from './pre-scan.ts'
import { rebuildTable } from './rebuild-table.ts'
import { processClasses, type RegisteredClasses } from './registered-classes.ts'

/**
 * The codec of the wire: MessagePack, in one of two encodings. What msgpackr brings over unchanged goes plain; all
 * else goes as a node table (`node-kinds.ts`), in which every kind of data, sharing and cycles survive.
 */
export const messageCodec: CodecFactory = (limits, live) => new MessageCodec(limits, processClasses, live)

/** As `messageCodec`, for a side with classes of its own. */
export const messageCodecWith = (limits: Limits, classes: RegisteredClasses, live?: LiveValues): Codec =>
  new MessageCodec(limits, classes, live)

const noAttachments: readonly Uint8Array[] = []

class MessageCodec implements Codec {
  readonly name = 'message'
  readonly #limits: Limits
  readonly #classes: RegisteredClasses
  readonly #live: LiveValues | undefined
  readonly #plainScan: PreScan
  readonly #tableScan: PreScan
  readonly #result: EncodedBody = {
    buffer: Buffer.alloc(0),
    start: 0,
    end: 0,
    flags: 0,
    attachments: noAttachments,
  }
  #spareWalk: PlainWalk | undefined

  constructor(limits: Limits, classes: RegisteredClasses, live: LiveValues | undefined) {
    this.#limits = { ...limits }
    this.#classes = classes
    this.#live = live
    const maxDepth = Math.min(plainDepth, limits.maxDepth)
    this.#plainScan = new PreScan({ maxDepth, maxItems: limits.maxItems, table: false })
    const maxItems = limits.maxItems * tableValuesPerItem
    this.#tableScan = new PreScan({ maxDepth: tableDepth, maxItems, table: true })
  }

  encode(
    value: unknown,
    rootPath: string,
    slab: Buffer,
    position: number,
    reserveBytes: number,
  ): EncodedBody {
    const plain = this.#encodePlain(value, slab, position, reserveBytes)
    if (plain !== undefined) return this.#finish(plain, rootPath, slab, reserveBytes, 0, noAttachments)
    const { rows, attachments } = buildTable(value, rootPath, this.#limits, this.#classes, this.#live)
    const packed = pack(rows, slab, position, reserveBytes)
    return this.#finish(packed, rootPath, slab, reserveBytes, frameFlag.nodeTable, attachments)
  }

  #encodePlain(value: unknown, slab: Buffer, position: number, reserveBytes: number): Packed | undefined {
    // The walk is taken while in use: a getter inside the value may encode in the midst of it, and an execution
    // that is terminated leaves it in no known state. In both cases the next one makes itself another.
    const walk = this.#spareWalk ?? new PlainWalk(this.#limits)
    this.#spareWalk = undefined
    try {
      const isPlain = walk.isPlain(value)
      this.#spareWalk = walk
      return isPlain ? pack(value, slab, position, reserveBytes) : undefined
    } catch {
      // A getter threw, or the value changed while it was read. The node table reads once, and knows the path.
      return undefined
    }
  }

  #finish(
    packed: Packed,
    rootPath: string,
    slab: Buffer,
    reserveBytes: number,
    flags: number,
    attachments: readonly Uint8Array[],
  ): EncodedBody {
    const start = packed.start + reserveBytes
    const { end } = packed
    const { maxBodyBytes } = this.#limits
    if (end - start > maxBodyBytes) {
      throw new EncodeError(
        `${rootPath} can't be sent: it takes ${end - start} bytes, more than maxBodyBytes (${maxBodyBytes}). ` +
          'Send it in parts, as binary, or raise limits.maxBodyBytes.',
        { path: rootPath },
      )
    }
    // Only a result without memory of its own is reused, or the codec would keep that memory till the next one.
    if (packed !== slab || attachments !== noAttachments) {
      return { buffer: packed, start, end, flags, attachments }
    }
    const result = this.#result
    result.buffer = packed
    result.start = start
    result.end = end
    result.flags = flags
    return result
  }

  decode(body: IncomingBody): unknown {
    const { buffer, start, end, attachments } = body
    const flags = body.flags & codecFlags
    if (end - start > this.#limits.maxBodyBytes) failDecode('too-big')
    if (flags === 0) {
      if (attachments.length > 0) failDecode('attachment')
      this.#plainScan.check(buffer, start, end)
      return unpackFrom(buffer, start, end)
    }
    if (flags !== frameFlag.nodeTable) failDecode('encoding')
    let attachmentBytes = 0
    for (const { byteLength } of attachments) attachmentBytes += byteLength
    if (attachmentBytes > this.#limits.maxAttachmentBytes) failDecode('too-big')
    this.#tableScan.check(buffer, start, end)
    const rows = checkTable(unpackFrom(buffer, start, end), attachments, this.#limits)
    return rebuildTable(rows, attachments, this.#classes, this.#live)
  }
}

function pack(value: unknown, slab: Buffer, position: number, reserveBytes: number): Packed {
  if (reserveBytes <= maxReserve) return packInto(value, slab, position, reserveBytes)
  const body = packInto(value, slab, position, 0)
  const packed = Buffer.alloc(reserveBytes + body.end - body.start) as Packed
  body.copy(packed, reserveBytes, body.start, body.end)
  return Object.assign(packed, { start: 0, end: packed.length })
}
