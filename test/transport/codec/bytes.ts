/** MessagePack written by hand, so that it can also be wrong. */
export const bytes = (...list: number[]): Buffer => Buffer.from(list)

const header = (first: number, width: number, length: number): Buffer => {
  const head = Buffer.alloc(1 + width)
  head[0] = first
  if (width > 0) head.writeUIntBE(length, 1, width)
  return head
}

export const array = (...items: readonly Buffer[]): Buffer =>
  Buffer.concat([items.length < 16 ? bytes(0x90 | items.length) : header(0xdc, 2, items.length), ...items])

export const map = (...items: readonly Buffer[]): Buffer =>
  Buffer.concat([header(0xde, 2, items.length / 2), ...items])

export const text = (value: string): Buffer => {
  const utf8 = Buffer.from(value)
  return Buffer.concat([utf8.length < 32 ? bytes(0xa0 | utf8.length) : header(0xda, 2, utf8.length), utf8])
}

export const bin = (content: Uint8Array): Buffer => Buffer.concat([header(0xc5, 2, content.length), content])

export const int = (value: number): Buffer => {
  if (value >= 0 && value < 128) return bytes(value)
  const bytes5 = Buffer.alloc(5)
  bytes5[0] = 0xd2
  bytes5.writeInt32BE(value | 0, 1)
  return bytes5
}

export const float = (value: number): Buffer => {
  const bytes9 = Buffer.alloc(9)
  bytes9[0] = 0xcb
  bytes9.writeDoubleBE(value, 1)
  return bytes9
}

export const nil = bytes(0xc0)
export const missing = bytes(0xd4, 0, 0)
export const extension = (type: number, content: Uint8Array): Buffer =>
  Buffer.concat([bytes(0xc7, content.length, type), content])

/** A body as a lane would hand it over. */
export function incoming(body: Buffer, flags: number, attachments: readonly ArrayBuffer[] = []) {
  return { buffer: body, start: 0, end: body.length, flags, attachments }
}
