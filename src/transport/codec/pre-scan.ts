import { failDecode } from './decode-failure.ts'

/** What a body may hold; everything else is refused. */
export interface ScanRules {
  readonly maxDepth: number
  /** Keys of maps do not count. */
  readonly maxItems: number
  /** Whether it is a node table: no maps, but binary. */
  readonly table: boolean
}

const protoKey = Buffer.from('__proto__')

/**
 * Checks that the bytes `start` to `end` are exactly one MessagePack value of the allowed kinds, before msgpackr
 * sees them: hostile ones would have it exhaust the memory, overflow the stack or run for minutes.
 *
 * Linear, without recursion, and allocates nothing that the bytes could make large. Whether text is valid UTF-8 is
 * not looked at: what is invalid becomes U+FFFD.
 */
export class PreScan {
  readonly #rules: ScanRules
  /** By level, the values that are still to come there; `-1 - n` for n if the level is a map. */
  readonly #pending: Float64Array

  constructor(rules: ScanRules) {
    this.#rules = rules
    this.#pending = new Float64Array(rules.maxDepth + 1)
  }

  /** @throws {DecodeError} */
  check(buffer: Buffer, start: number, end: number): void {
    if (start >= end) failDecode('empty')
    const { maxDepth, maxItems, table } = this.#rules
    const stack = this.#pending
    let position = start
    let depth = 0
    let items = 1
    let pending = 1
    let inMap = false
    for (;;) {
      while (pending === 0) {
        if (depth === 0) {
          if (position !== end) failDecode('trailing-bytes')
          return
        }
        const above = stack[--depth]!
        inMap = above < 0
        pending = inMap ? -1 - above : above
      }
      pending--
      if (inMap) position = skipKey(buffer, position, end)
      if (position >= end) failDecode('truncated')
      const token = buffer[position++]!
      if (token < 0x80 || token >= 0xe0) continue
      if (token >= 0xa0 && token < 0xc0) {
        position += token & 0x1f
      } else if (token < 0xa0 || token >= 0xdc) {
        const map = token < 0x90 || token >= 0xde
        let length: number
        if (token < 0xa0) {
          length = token & 0x0f
        } else if (token === 0xdc || token === 0xde) {
          length = unsigned(buffer, position, 2, end)
          position += 2
        } else {
          length = unsigned(buffer, position, 4, end)
          position += 4
        }
        if (map && table) failDecode('map-here')
        if ((map ? length * 2 : length) > end - position) failDecode('truncated')
        if (depth === maxDepth) failDecode('too-deep')
        if ((items += length) > maxItems) failDecode('too-many-items')
        stack[depth++] = inMap ? -1 - pending : pending
        pending = length
        inMap = map
      } else {
        position = skipScalar(buffer, token, position, end, table)
      }
      if (position > end) failDecode('truncated')
    }
  }
}

/** Passes a key, which must be text and not `__proto__`. */
function skipKey(buffer: Buffer, position: number, end: number): number {
  if (position >= end) failDecode('truncated')
  const token = buffer[position]!
  let from = position + 1
  let length = token & 0x1f
  if (token < 0xa0 || token >= 0xc0) {
    if (token < 0xd9 || token > 0xdb) failDecode('key-not-text')
    const width = 1 << (token - 0xd9)
    length = unsigned(buffer, from, width, end)
    from += width
  }
  if (length > end - from) failDecode('truncated')
  if (length === protoKey.length && buffer[from] === 0x5f && isProto(buffer, from)) failDecode('proto-key')
  return from + length
}

function isProto(buffer: Buffer, from: number): boolean {
  for (let i = 0; i < protoKey.length; i++) if (buffer[from + i] !== protoKey[i]) return false
  return true
}

/** Passes what follows a first byte of 0xc0 to 0xdb. The result may lie beyond `end`; the caller looks. */
function skipScalar(buffer: Buffer, token: number, position: number, end: number, table: boolean): number {
  switch (token) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return position
    case 0xcc: // uint8
    case 0xd0: // int8
      return position + 1
    case 0xcd: // uint16
    case 0xd1: // int16
      return position + 2
    case 0xca: // float32
    case 0xce: // uint32
    case 0xd2: // int32
      return position + 4
    case 0xcb: // float64
      return position + 8
    case 0xcf: // uint64: numbers beyond 32 bits travel as float64
    case 0xd3: // int64
      return failDecode('wide-integer')
    case 0xd9: // str8, str16, str32
    case 0xda:
    case 0xdb: {
      const width = 1 << (token - 0xd9)
      return position + width + unsigned(buffer, position, width, end)
    }
    case 0xc4: // bin8, bin16, bin32
    case 0xc5:
    case 0xc6: {
      if (!table) failDecode('binary-here')
      const width = 1 << (token - 0xc4)
      return position + width + unsigned(buffer, position, width, end)
    }
    case 0xd4: // fixext1: only undefined, which is type 0 and the byte 0
      if (position + 2 > end) failDecode('truncated')
      if (buffer[position] !== 0 || buffer[position + 1] !== 0) failDecode('extension')
      return position + 2
    case 0xc1:
      return failDecode('unused-byte')
    default: // the other extensions
      return failDecode('extension')
  }
}

/** The big-endian unsigned integer of `width` bytes at `position`. */
function unsigned(buffer: Buffer, position: number, width: number, end: number): number {
  if (position + width > end) failDecode('truncated')
  let value = 0
  for (let i = 0; i < width; i++) value = value * 256 + buffer[position + i]!
  return value
}
