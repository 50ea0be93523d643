/** Rounds up to the multiple of 8 at which the next part of the stream begins. Holds for all safe integers. */
export function alignTo8(byteLength: number): number {
  return byteLength + paddingAfter(byteLength)
}

/** How many zero bytes follow a part of `byteLength` bytes, so that the next one begins 8-aligned. */
export function paddingAfter(byteLength: number): number {
  return -byteLength & 7
}

/** Reads a little-endian u32. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** Writes a little-endian u32; higher bits are cut off. */
function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

/** What the 16 bytes at the beginning of a frame say. */
export interface FrameHeader {
  readonly bodyBytes: number
  readonly type: number
  readonly flags: number
  readonly attachmentCount: number
  readonly id: number
  readonly aux: number
}

/**
 * Writes the 16 bytes every frame begins with: u32 body bytes, u8 type, u8 flags, u16 number of attachments,
 * u32 id, u32 aux, all little endian.
 */
export function encodeHeader(bytes: Uint8Array, at: number, header: FrameHeader): void {
  const { attachmentCount } = header
  writeU32(bytes, at, header.bodyBytes)
  bytes[at + 4] = header.type
  bytes[at + 5] = header.flags
  bytes[at + 6] = attachmentCount
  bytes[at + 7] = attachmentCount >>> 8
  writeU32(bytes, at + 8, header.id)
  writeU32(bytes, at + 12, header.aux)
}

/** Reads the number of attachments out of the frame header at `at`. */
export function readAttachmentCount(bytes: Uint8Array, at: number): number {
  return bytes[at + 6]! | (bytes[at + 7]! << 8)
}

/** Writes the descriptor of an attachment: its length as two u32, low then high. */
export function writeDescriptor(bytes: Uint8Array, at: number, byteLength: number): void {
  writeU32(bytes, at, byteLength % 2 ** 32)
  writeU32(bytes, at + 4, Math.floor(byteLength / 2 ** 32))
}

/** Reads the descriptor of an attachment. Lengths over 2^53 come out rounded, and over every limit. */
export function readDescriptor(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at) + readU32(bytes, at + 4) * 2 ** 32
}
