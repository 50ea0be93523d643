import { EncodeError } from '../errors/data-errors.ts'
import type { EncodedBody } from './codec.ts'
import { alignTo8, encodeHeader, paddingAfter, writeDescriptor } from './frame-header.ts'
import { descriptorBytes, headerBytes } from './protocol.ts'

const maxAttachments = 0xffff
/** Attachments up to this size are copied at once; larger ones must not be changed until they have left. */
export const snapshotBytes = 64 * 1024
const zeros = Buffer.alloc(8)

/**
 * The chunks of a frame that is not one stretch of bytes. The header is written in front of the body, into the
 * reserve; neither the body nor attachments over 64 KiB are copied.
 * @param rootPath - what the error calls the value
 * @throws {EncodeError} if it has more attachments than a header can say
 */
export function frameChunks(
  type: number,
  flags: number,
  id: number,
  aux: number,
  body: EncodedBody,
  rootPath: string,
): Uint8Array[] {
  const { buffer, start, end, attachments } = body
  const attachmentCount = attachments.length
  if (attachmentCount > maxAttachments) {
    throw new EncodeError(
      `${rootPath} has ${attachmentCount} large binary values; a message can have ${maxAttachments}`,
      { path: rootPath },
    )
  }
  const bodyBytes = end - start
  encodeHeader(buffer, start - headerBytes, { bodyBytes, type, flags, attachmentCount, id, aux })
  const chunks: Uint8Array[] = [buffer.subarray(start - headerBytes, end)]
  appendPadding(chunks, bodyBytes)
  if (attachmentCount === 0) return chunks
  const descriptors = Buffer.alloc(attachmentCount * descriptorBytes)
  chunks.push(descriptors)
  for (const [index, { byteLength }] of attachments.entries()) {
    writeDescriptor(descriptors, index * descriptorBytes, byteLength)
  }
  for (const attachment of attachments) {
    // A copy where it costs little: callers expect that what they change after the call does not show.
    const isSmall = attachment.byteLength <= snapshotBytes
    if (attachment.byteLength > 0) chunks.push(isSmall ? Buffer.from(attachment) : attachment)
    appendPadding(chunks, attachment.byteLength)
  }
  return chunks
}

/** Adds the zeros that follow a part of so many bytes. */
export function appendPadding(chunks: Uint8Array[], byteLength: number): void {
  const padding = paddingAfter(byteLength)
  if (padding > 0) chunks.push(zeros.subarray(0, padding))
}

/** Bytes of a whole frame on the lane. */
export function frameBytes({ start, end, attachments }: EncodedBody): number {
  let byteLength = headerBytes + alignTo8(end - start) + alignTo8(attachments.length * descriptorBytes)
  for (const attachment of attachments) byteLength += alignTo8(attachment.byteLength)
  return byteLength
}
