import type { Codec, EncodedBody } from './codec.ts'
import { appendPadding, frameChunks } from './frame-chunks.ts'
import { encodeHeader, paddingAfter } from './frame-header.ts'
import { headerBytes } from './protocol.ts'
import type { Transport } from './transport.ts'

// Taken before user code can replace it.
const { nextTick } = process

/** As soon as this much waits, it is handed over without waiting for the end of the turn. */
const flushBytes = 64 * 1024

/** Room for a full run behind a run that may not be overwritten yet, so that a frame that is not large fits. */
const slabBytes = 2 * flushBytes

/** To copy so much costs less than a chunk of its own. */
const copiedBytes = 2048

/** Slabs that are kept for reuse. */
const spareSlabs = 4

/** What a `FrameWriter` takes from its surroundings; tests put their own here. */
export interface FrameWriterOptions {
  /** Runs a task once the current one is over. Default `process.nextTick`. */
  readonly schedule?: (task: () => void) => void
  /** Gives memory, of any content. Default `Buffer.allocUnsafeSlow`. */
  readonly allocate?: (byteLength: number) => Buffer
}

/**
 * Puts frames one behind the other and hands them to the transport, once a turn and in one piece.
 *
 * Small frames are encoded in place, behind their header and right behind the previous frame, and are never
 * copied. Bodies that the codec put elsewhere, and attachments, go as chunks of their own in the same write and
 * are not copied either: **whoever gives them must not change them until `pendingBytes` is 0**.
 *
 * The execution that writes a frame may be terminated at any point (in a worker, by an interrupt), and then not
 * even `finally` runs. So a frame counts only from the moment at which plain assignments, after everything that
 * can fail, have moved the position behind it.
 */
export class FrameWriter {
  /** Frames given so far. */
  framesWritten = 0
  /** Their bytes. */
  bytesWritten = 0

  readonly #transport: Transport
  readonly #codec: Codec
  readonly #schedule: (task: () => void) => void
  readonly #allocate: (byteLength: number) => Buffer
  readonly #scheduledFlush = (): void => this.recover()

  /** Unflushed are `#chunks` and then the run: bytes `#runStart` to `#position` of the slab. */
  #slab: Buffer
  #runStart = 0
  #position = 0
  #chunks: readonly Uint8Array[] = []
  #chunkBytes = 0
  /** Slabs whose bytes are with the transport. */
  #retired: Buffer[] = []
  #spare: Buffer[] = []
  #flushScheduled = false
  #isEncoding = false
  #isClosed = false

  constructor(transport: Transport, codec: Codec, options: FrameWriterOptions = {}) {
    this.#transport = transport
    this.#codec = codec
    this.#schedule = options.schedule ?? ((task) => nextTick(task))
    this.#allocate = options.allocate ?? ((byteLength) => Buffer.allocUnsafeSlow(byteLength))
    this.#slab = this.#allocate(slabBytes)
  }

  /** Bytes that were given and of which certainly none has left. */
  get heldBytes(): number {
    return this.#unflushedBytes + this.#transport.heldBytes
  }

  /** See `Transport.unreadWriteBytes`. */
  get unreadWriteBytes(): number | undefined {
    return this.#transport.unreadWriteBytes
  }

  /** Bytes that were given and have not left this process. */
  get pendingBytes(): number {
    return this.#unflushedBytes + this.#transport.pendingBytes
  }

  /**
   * Writes a frame whose body the codec makes of `value`.
   * @param flags - the upper four bits; the codec adds its own
   * @param rootPath - how paths in errors begin
   * @param admit - told the size before the frame counts; what it throws keeps the frame out
   * @throws {EncodeError} if the value can't be sent; nothing of it is written then
   */
  frame(
    type: number,
    flags: number,
    id: number,
    aux: number,
    value: unknown,
    rootPath: string,
    admit?: (byteLength: number) => void,
  ): void {
    if (this.#isClosed) return
    this.#makeRoom()
    const slab = this.#slab
    const position = this.#position
    this.#isEncoding = true
    let body: EncodedBody
    try {
      body = this.#codec.encode(value, rootPath, slab, position, headerBytes)
    } finally {
      this.#isEncoding = false
    }
    const { start, end } = body
    const allFlags = flags | body.flags
    if (admit !== undefined) admit(encodedBytes(body))
    if (body.buffer !== slab || start !== position + headerBytes || body.attachments.length > 0) {
      this.#chunkFrame(type, allFlags, id, aux, body, rootPath)
      return
    }
    encodeHeader(slab, position, {
      bodyBytes: end - start,
      type,
      flags: allFlags,
      attachmentCount: 0,
      id,
      aux,
    })
    this.#commitRun(clearPadding(slab, start, end))
  }

  /**
   * Writes a frame whose body is ready. A body that doesn't fit behind the previous frame is not copied: don't
   * change it until `pendingBytes` is 0.
   */
  bytesFrame(type: number, flags: number, id: number, aux: number, bytes: Uint8Array): void {
    if (this.#isClosed) return
    this.#makeRoom()
    const slab = this.#slab
    const position = this.#position
    const start = position + headerBytes
    encodeHeader(slab, position, { bodyBytes: bytes.length, type, flags, attachmentCount: 0, id, aux })
    if (start + bytes.length <= slab.length) {
      slab.set(bytes, start)
      this.#commitRun(clearPadding(slab, start, start + bytes.length))
      return
    }
    const chunks = [...this.#chunks, slab.subarray(this.#runStart, start), bytes]
    appendPadding(chunks, bytes.length)
    this.#commitChunks(chunks, start)
  }

  /**
   * Writes a frame whose body the codec has made before, with room for a header in front and in a buffer that is
   * used for nothing else. A body that is not small is not copied: don't change it until `pendingBytes` is 0.
   * @param flags - the upper four bits; those of the body are added
   * @throws {EncodeError} if it has more than 65535 attachments
   */
  encodedFrame(
    type: number,
    flags: number,
    id: number,
    aux: number,
    body: EncodedBody,
    rootPath = 'args',
  ): void {
    const { buffer, start, end } = body
    const allFlags = flags | body.flags
    if (body.attachments.length === 0 && end - start <= copiedBytes) {
      this.bytesFrame(type, allFlags, id, aux, buffer.subarray(start, end))
      return
    }
    if (this.#isClosed) return
    this.#makeRoom()
    this.#chunkFrame(type, allFlags, id, aux, body, rootPath)
  }

  /** Hands over at once what waits. */
  flush(): void {
    const bytes = this.#unflushedBytes
    if (bytes === 0) return
    const chunks = this.unflushed()
    // First the state, then the write: torn off in between, frames are lost, but none goes twice.
    this.#chunks = []
    this.#chunkBytes = 0
    this.#runStart = this.#position
    if (this.#transport.write(chunks)) this.drained()
  }

  /**
   * Flushes, and forgets what an execution that was terminated may have left: a flush that was scheduled and
   * never came, an encoding that never ended.
   */
  recover(): void {
    this.#flushScheduled = false
    this.#isEncoding = false
    this.flush()
  }

  /** What waits for the flush, in order; for writing it out by other means when the process ends. */
  unflushed(): Uint8Array[] {
    const chunks = [...this.#chunks]
    if (this.#position > this.#runStart) chunks.push(this.#slab.subarray(this.#runStart, this.#position))
    return chunks
  }

  /** To be called when the transport has drained: memory that was with it may be used again. */
  drained(): void {
    for (const slab of this.#retired) {
      if (this.#spare.length < spareSlabs) this.#spare.push(slab)
    }
    this.#retired = []
    if (this.#unflushedBytes > 0) return
    this.#runStart = 0
    this.#position = 0
  }

  /** To be called when the lane is over: what waits is dropped, and writing does nothing from now on. */
  closed(): void {
    this.#isClosed = true
    this.#chunks = []
    this.#chunkBytes = 0
    this.#runStart = this.#position
    this.#retired = []
    this.#spare = []
  }

  get #unflushedBytes(): number {
    return this.#chunkBytes + this.#position - this.#runStart
  }

  /** Sees to it that the slab has room for a frame of ordinary size. */
  #makeRoom(): void {
    if (this.#isEncoding) {
      throw new Error('A frame can not be written while the value of another one is being encoded')
    }
    if (this.#slab.length - this.#position >= flushBytes) return
    this.flush()
    if (this.#position === 0) return
    // All of it is with the transport. Reused once that has drained.
    const slab = this.#spare.pop() ?? this.#allocate(slabBytes)
    this.#retired.push(this.#slab)
    this.#slab = slab
    this.#runStart = 0
    this.#position = 0
  }

  /** A frame that is not one stretch of bytes: its body lies elsewhere, or it has attachments. */
  #chunkFrame(
    type: number,
    flags: number,
    id: number,
    aux: number,
    body: EncodedBody,
    rootPath: string,
  ): void {
    const chunks = this.unflushed()
    for (const chunk of frameChunks(type, flags, id, aux, body, rootPath)) chunks.push(chunk)
    const inSlab = body.buffer === this.#slab
    this.#commitChunks(chunks, inSlab ? body.end + paddingAfter(body.end) : this.#position)
  }

  #commitRun(end: number): void {
    const byteLength = end - this.#position
    this.framesWritten++
    this.bytesWritten += byteLength
    this.#position = end
    if (this.#unflushedBytes >= flushBytes) this.flush()
    else this.#scheduleFlush()
  }

  #commitChunks(chunks: readonly Uint8Array[], runStart: number): void {
    let byteLength = 0
    for (const chunk of chunks) byteLength += chunk.byteLength
    const added = byteLength - (this.#chunkBytes + this.#position - this.#runStart)
    this.framesWritten++
    this.bytesWritten += added
    this.#chunks = chunks
    this.#chunkBytes = byteLength
    this.#runStart = runStart
    this.#position = runStart
    if (byteLength >= flushBytes) this.flush()
    else this.#scheduleFlush()
  }

  #scheduleFlush(): void {
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    this.#schedule(this.#scheduledFlush)
  }
}

/** Bytes of an encoded body with its attachments. */
export function encodedBytes({ start, end, attachments }: EncodedBody): number {
  let byteLength = end - start
  for (const attachment of attachments) byteLength += attachment.byteLength
  return byteLength
}

/** Zeroes what follows a body in the slab up to the next multiple of 8, and answers where that is. */
function clearPadding(slab: Buffer, start: number, end: number): number {
  const next = end + paddingAfter(end - start)
  for (let at = end; at < next; at++) slab[at] = 0
  return next
}
