import { ItemBatch, maxBatchBytes } from '../../transport/codec/item-batch.ts'
import type { Codec, EncodedBody } from '../../transport/codec.ts'
import { snapshotBytes } from '../../transport/frame-chunks.ts'
import { encodedBytes, type FrameWriter } from '../../transport/frame-writer.ts'
import { frameType, headerBytes } from '../../transport/protocol.ts'
import { StreamCredit } from '../../transport/stream-credit.ts'
import { ItemMemory } from './item-memory.ts'

/** A value of more bytes is a frame of its own. */
const maxJoinedBytes = maxBatchBytes / 4

/** An item that is encoded and may not go yet: plain bytes that belong into an array, or a whole body. */
type Held = { readonly joined: Buffer } | { readonly body: EncodedBody }

/**
 * The way of a stream's items onto the lane, as far as there is credit. Each is encoded when it is given, and leaves
 * by `flush` together with its neighbours, or by itself if it is large or is not plain.
 */
export class ItemOutlet {
  readonly #id: number
  readonly #codec: Codec
  readonly #writer: FrameWriter
  readonly #credit = new StreamCredit()
  readonly #batch = new ItemBatch()
  readonly #memory = new ItemMemory()
  #scratch: Buffer | undefined
  #held: Held | undefined
  #given = 0
  #sentBytes = 0
  #hadBytes = 0
  #wasGranted = false

  constructor(id: number, codec: Codec, writer: FrameWriter) {
    this.#id = id
    this.#codec = codec
    this.#writer = writer
  }

  /** Whether one more item may be asked for. */
  get wantsMore(): boolean {
    return this.#credit.items > 0 && this.#held === undefined
  }

  /** Whether something waits for `flush`. */
  get hasUnsent(): boolean {
    return this.#batch.count > 0
  }

  grant(items: number, bytes: number): void {
    this.#credit.grant(items, bytes)
    if (this.#wasGranted) this.#memory.had((this.#hadBytes += bytes))
    this.#wasGranted = true
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    if ('body' in held) this.#sendOrHold(held.body)
    else this.#joinAgain(held.joined)
  }

  /**
   * Takes an item, of which there must be want.
   * @throws {EncodeError} if it can't be sent
   * @throws what a getter in it throws
   */
  give(value: unknown): void {
    const batch = this.#batch
    if (batch.isFull) this.flush()
    if (!batch.addPrimitive(value)) {
      this.#giveObject(value)
      return
    }
    this.#given++
    this.#credit.items--
    this.#joined()
  }

  #giveObject(value: unknown): void {
    const path = `item[${this.#given}]`
    const scratch = (this.#scratch ??= Buffer.allocUnsafeSlow(maxJoinedBytes * 2))
    const body = this.#codec.encode(value, path, scratch, 0, headerBytes)
    this.#given++
    this.#credit.items--
    const byteLength = body.end - body.start
    if (body.flags === 0 && body.attachments.length === 0 && byteLength <= maxJoinedBytes) {
      if (!this.#batch.fits(byteLength)) this.flush()
      this.#batch.addEncoded(body)
      this.#joined()
      return
    }
    this.flush()
    this.#sendOrHold(this.#keep(body))
  }

  /** Sends what has been joined. */
  flush(): void {
    const batch = this.#batch
    if (batch.count === 0) return
    const { count, byteLength } = batch
    this.#writer.bytesFrame(frameType.items, 0, this.#id, count, batch.body())
    this.#sent(byteLength)
    batch.clear()
  }

  /** As `flush`, and past the end of the turn: the bytes leave now. */
  send(): void {
    this.flush()
    this.#writer.flush()
  }

  /** Forgets what has not been sent. */
  drop(): void {
    this.#batch.clear()
    this.#held = undefined
  }

  #sent(byteLength: number): void {
    this.#credit.bytes -= byteLength
    this.#sentBytes += byteLength
  }

  /** One more item is in the batch, which may be too large by that. */
  #joined(): void {
    const batch = this.#batch
    const { count, byteLength } = batch
    if (!this.#credit.admits(byteLength, count)) {
      const joined = batch.takeLast()
      // Alone it may be admitted.
      const wasAlone = count === 1
      this.flush()
      if (wasAlone) this.#held = { joined }
      else this.#joinAgain(joined)
    } else if (byteLength >= maxBatchBytes - maxJoinedBytes) this.flush()
  }

  #joinAgain(joined: Buffer): void {
    this.#batch.addEncoded({ buffer: joined, start: 0, end: joined.length, flags: 0, attachments: [] })
    this.#joined()
  }

  #sendOrHold(body: EncodedBody): void {
    const byteLength = encodedBytes(body)
    if (!this.#credit.admits(byteLength, 1)) {
      this.#held = { body }
      return
    }
    this.#writer.encodedFrame(frameType.items, 0, this.#id, 0, body, 'item')
    this.#sent(byteLength)
  }

  /** A body that stays as it is. Attachments that are not large the writer copies by itself, if it gets them at once. */
  #keep(body: EncodedBody): EncodedBody {
    const { start, end, flags } = body
    const buffer = Buffer.allocUnsafeSlow(headerBytes + end - start)
    body.buffer.copy(buffer, headerBytes, start, end)
    const untilBytes = this.#sentBytes + encodedBytes(body)
    const isHeld = !this.#credit.admits(encodedBytes(body), 1)
    const attachments = body.attachments.map((one) =>
      isHeld || one.byteLength > snapshotBytes ? this.#memory.copy(one, untilBytes) : one,
    )
    return { buffer, start: headerBytes, end: buffer.length, flags, attachments }
  }
}
