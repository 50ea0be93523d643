import { describe, expect, it } from 'vitest'
import { DecodeError } from '../../../src/errors/data-errors.ts'
import { messageCodec } from '../../../src/transport/codec/message-codec.ts'
import { nodeKind as kind } from '../../../src/transport/codec/node-kinds.ts'
import { defaultLimits } from '../../../src/transport/limits.ts'
import { array, bin, bytes, extension, float, incoming, int, map, missing, nil, text } from './bytes.ts'

const codec = messageCodec(defaultLimits)
const small = messageCodec({ ...defaultLimits, maxItems: 2 ** 20, maxDepth: 64, maxBodyBytes: 2 ** 20 })

function refusal(decode: () => unknown): string {
  try {
    decode()
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    return (error as DecodeError).reason
  }
  return 'accepted'
}

const repeat = (part: Buffer, times: number): Buffer => Buffer.concat(Array<Buffer>(times).fill(part))

/** `[[[…1…]]]` */
const nested = (depth: number): Buffer => Buffer.concat([repeat(bytes(0x91), depth), int(1)])

const plainCases: readonly (readonly [string, Buffer, string])[] = [
  ['B1 no bytes', bytes(), 'empty'],
  ['B3 a header cut off', bytes(0xdd, 0, 0), 'truncated'],
  ['B4 a body cut off', bytes(0x93, 1, 2), 'truncated'],
  ['B4 a text cut off', bytes(0xa5, 0x61), 'truncated'],
  ['B4 a number cut off', bytes(0xcb, 0, 0), 'truncated'],
  ['B4 a key without a value', bytes(0x81, 0xa1, 0x61), 'truncated'],
  ['B4 an undefined cut off', bytes(0xd4, 0), 'truncated'],
  ['B5 trailing bytes', bytes(1, 2), 'trailing-bytes'],
  ['B5 bytes behind an empty map', bytes(0x80, 0x80), 'trailing-bytes'],
  ['B6 0xc1', bytes(0xc1), 'unused-byte'],
  ['B7 an unknown extension', extension(0x33, bytes(1)), 'extension'],
  ['B8 a record', bytes(0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 1), 'extension'],
  ['B8 a record of two bytes', bytes(0xd5, 0x72, 0x40, 0, 0x91, 0xa1, 0x61, 1), 'extension'],
  ['B9 an id', bytes(0xd6, 0x69, 0, 0, 0, 1, 0x90), 'extension'],
  ['B9 a pointer', bytes(0xd6, 0x70, 0, 0, 0, 1), 'extension'],
  ['B10 a string bundle', bytes(0xd6, 0x62, 0xff, 0xff, 0xff, 0xf0, 1), 'extension'],
  [
    'B11 an error',
    Buffer.concat([bytes(0xd4, 0x65, 0), array(text('valueOf'), text('m'), nil)]),
    'extension',
  ],
  ['B12 a pattern', Buffer.concat([bytes(0xd4, 0x78, 0), array(text('(a+)+$'), text(''))]), 'extension'],
  ['B13 a typed array', extension(0x74, bytes(8, 1, 2, 3)), 'extension'],
  ['B14 a bigint', extension(0x42, Buffer.alloc(200)), 'extension'],
  ['a set', Buffer.concat([bytes(0xd4, 0x73, 0), array(int(1))]), 'extension'],
  ['a timestamp', bytes(0xd6, 0xff, 0, 0, 0, 0), 'extension'],
  ['an undefined with another byte', bytes(0xd4, 0, 1), 'extension'],
  ['ext32', bytes(0xc9, 0xff, 0xff, 0xff, 0xff, 1), 'extension'],
  ['uint64', bytes(0xcf, 0, 0, 0, 0, 0, 0, 0, 1), 'wide-integer'],
  ['int64', bytes(0xd3, 0, 0, 0, 0, 0, 0, 0, 1), 'wide-integer'],
  ['binary', bytes(0xc4, 1, 1), 'binary-here'],
  ['B15 depth 17', nested(17), 'too-deep'],
  ['depth 20,000', nested(20_000), 'too-deep'],
  ['depth 1,000,000 of maps', repeat(bytes(0x81, 0xa0), 500_000), 'too-deep'],
  ['B16 a lie about an array', bytes(0xdd, 0xff, 0xff, 0xff, 0xff), 'truncated'],
  ['B16 a hundred bytes that abort Node', repeat(bytes(0xdd, 1, 0xff, 0xff, 0xff), 20), 'truncated'],
  ['B16 the chain of msgpackr PR 200', repeat(bytes(0xdc, 0xff, 0xff), 24_000), 'too-deep'],
  ['B17 a lie about a map', bytes(0xdf, 0xff, 0xff, 0xff, 0xff), 'truncated'],
  ['B18 a lie about a text', bytes(0xdb, 0xff, 0xff, 0xff, 0xff), 'truncated'],
  ['B18 a lie about a key', bytes(0x81, 0xdb, 0xff, 0xff, 0xff, 0xff), 'truncated'],
  ['B21 __proto__', map(text('__proto__'), map(text('polluted'), int(1))), 'proto-key'],
  [
    'B21 __proto__ as str8',
    Buffer.concat([bytes(0x81, 0xd9, 9), Buffer.from('__proto__'), nil]),
    'proto-key',
  ],
  ['a number as key', bytes(0x81, 1, 1), 'key-not-text'],
  ['a map as key', bytes(0x81, 0x80, 1), 'key-not-text'],
  ['nil as key', bytes(0x81, 0xc0, 1), 'key-not-text'],
]

describe('hostile plain bodies are refused:', () => {
  it.each(plainCases)('%s', (_, body, reason) => {
    expect(refusal(() => codec.decode(incoming(body, 0)))).toBe(reason)
    const inside = Buffer.concat([bytes(1, 2, 3), body, bytes(0xc0, 0xc0)])
    expect(refusal(() => codec.decode({ ...incoming(inside, 0), start: 3, end: 3 + body.length }))).toBe(
      reason,
    )
    expect(codec.decode(incoming(array(int(1)), 0))).toEqual([1])
  })

  it('B20 four million empty maps, over maxItems', () => {
    const maps = Buffer.concat([bytes(0xdd, 0, 0x3f, 0xff, 0xff), Buffer.alloc(2 ** 22 - 1, 0x80)])
    const codecOfMany = messageCodec({ ...defaultLimits, maxItems: 2 ** 20 })
    expect(refusal(() => codecOfMany.decode(incoming(maps, 0)))).toBe('too-many-items')
  })

  it('a body over maxBodyBytes', () => {
    expect(refusal(() => small.decode(incoming(Buffer.alloc(2 ** 20 + 1), 0)))).toBe('too-big')
  })

  it('flags of another encoding, attachments beside a plain value', () => {
    for (const flags of [2, 3, 4, 8, 15]) {
      expect(refusal(() => codec.decode(incoming(int(1), flags)))).toBe('encoding')
    }
    expect(refusal(() => codec.decode(incoming(int(1), 0, [new ArrayBuffer(8)])))).toBe('attachment')
  })

  it('invalid UTF-8 becomes U+FFFD, a repeated key keeps its last value, other flags are not looked at', () => {
    const body = map(bytes(0xa2, 0xff, 0x61), bytes(0xa1, 0xc0), text('a'), int(1), text('a'), int(2))
    expect(codec.decode(incoming(body, 0xf0))).toEqual({ '\uFFFDa': '\uFFFD', a: 2 })
    expect(codec.decode(incoming(bytes(0xca, 0x3f, 0x80, 0, 0), 0))).toBe(1)
  })
})

const row = (kindOfRow: number, ...rest: Buffer[]): Buffer => array(int(kindOfRow), ...rest)
const ref = (index: number): Buffer => array(int(index))
const root = row(kind.array, ref(1))

const tableCases: readonly (readonly [string, Buffer, string])[] = [
  ['a number', int(1), 'table'],
  ['no rows', array(), 'table'],
  ['a row that is no array', array(int(1)), 'table'],
  ['a map', array(bytes(0x80)), 'map-here'],
  ['a row without a kind', array(array()), 'kind'],
  ['an unknown kind', array(row(99)), 'kind'],
  ['a negative kind', array(row(-1)), 'kind'],
  ['a kind between', array(array(float(0.5))), 'kind'],
  ['a kind as text', array(array(text('map'))), 'kind'],
  ['deeper than tables are', array(row(kind.array, array(array(int(1))))), 'too-deep'],
  ['a value row that is not the root', array(root, row(kind.value, nil)), 'kind'],
  ['a value row of two', array(row(kind.value, nil, nil)), 'row'],
  ['a slot of two', array(row(kind.array, array(int(1), int(1)))), 'slot'],
  ['a slot of nil', array(row(kind.array, array(nil))), 'slot'],
  ['a bin of odd length', array(row(kind.array, bin(bytes(1)))), 'slot'],
  ['a reference too far', array(row(kind.array, ref(1))), 'reference'],
  ['a reference below', array(row(kind.array, ref(-1))), 'reference'],
  ['a reference between', array(row(kind.array, array(float(0.5)))), 'reference'],
  ['a reference to NaN', array(row(kind.array, array(float(NaN)))), 'reference'],
  ['a row that is not used', array(row(kind.array), row(kind.array)), 'unused-row'],
  ['a cycle beside the value', array(row(kind.array), row(kind.array, ref(1))), 'unused-row'],
  ['an object without a value', array(row(kind.object, text('a'))), 'row'],
  ['a key that is a number', array(row(kind.object, int(1), nil)), 'key'],
  ['a key that is a slot', array(row(kind.object, ref(0), nil)), 'key'],
  ['a map without a value', array(row(kind.map, int(1))), 'row'],
  ['a date of text', array(row(kind.date, text('now'))), 'row'],
  ['a pattern without flags', array(row(kind.regExp, text('a'))), 'row'],
  ['a bad pattern', array(row(kind.regExp, text('('), text(''))), 'regular-expression'],
  ['bad flags', array(row(kind.regExp, text('a'), text('gg'))), 'regular-expression'],
  ['a bad URL', array(row(kind.url, text('not a url'))), 'url'],
  ['a URL of nil', array(row(kind.url, nil)), 'row'],
  ['an error of one text', array(row(kind.error, text('Error'))), 'row'],
  ['an error with a number as name', array(row(kind.error, int(1), nil, nil)), 'row'],
  ['boxed nil', array(row(kind.boxed, nil)), 'row'],
  ['boxed undefined', array(row(kind.boxed, missing)), 'row'],
  ['a boxed object', array(row(kind.boxed, ref(0))), 'row'],
  ['a bigint that is none', array(row(kind.value, array(text('0x1')))), 'bigint'],
  ['an empty bigint', array(row(kind.value, array(text('')))), 'bigint'],
  [
    'B14 a long bigint',
    array(row(kind.value, array(Buffer.concat([bytes(0xdb, 0, 1, 0, 1), Buffer.alloc(65_537, 0x66)])))),
    'bigint',
  ],
  ['memory of an unknown type', array(row(kind.binary, int(99), bin(bytes(1)))), 'kind'],
  ['memory as text', array(row(kind.binary, int(1), text('abc'))), 'row'],
  ['B13 memory of a bad length', array(row(kind.binary, int(11), bin(bytes(1, 2, 3)))), 'binary-length'],
  ['an attachment that is not there', array(row(kind.binary, int(1), int(0))), 'attachment'],
  ['an attachment below', array(row(kind.binary, int(1), int(-1))), 'attachment'],
  ['a sparse array of odd shape', array(row(kind.sparseArray, int(3), int(1))), 'row'],
  ['a sparse array with a bad index', array(row(kind.sparseArray, int(3), int(3), nil)), 'row'],
  ['a sparse array that falls', array(row(kind.sparseArray, int(3), int(1), nil, int(0), nil)), 'row'],
  [
    'a sparse array of many',
    array(row(kind.sparseArray, bytes(0xce, 0xff, 0xff, 0xff, 0xff))),
    'too-many-items',
  ],
  ['an instance of a class that is not known', array(row(kind.instance, text('No'), nil)), 'class'],
  ['an instance without data', array(row(kind.instance, text('No'))), 'row'],
  ['an instance of a number', array(row(kind.instance, int(1), nil)), 'row'],
  ['an instance of bytes', array(row(kind.instance, bin(bytes(1, 2)), nil)), 'row'],
  ['an instance of a name that is too long', array(row(kind.instance, text('n'.repeat(201)), nil)), 'row'],
  ['an instance of itself', array(row(kind.instance, text('No'), ref(0))), 'instance-cycle'],
  [
    'an instance of what holds it',
    array(row(kind.instance, text('No'), ref(1)), row(kind.array, ref(0))),
    'instance-cycle',
  ],
  ['a sparse array with length -1', array(row(kind.sparseArray, int(-1))), 'row'],
]

/** Rows that refer twice to the next: 2 to the power of `depth` items when unfolded. */
const dag = (depth: number): Buffer =>
  Buffer.concat([
    bytes(0xdc, depth >> 8, depth & 0xff),
    ...Array.from({ length: depth }, (_, i) =>
      i === depth - 1
        ? row(kind.array)
        : row(
            kind.array,
            array(bytes(0xcd, (i + 1) >> 8, (i + 1) & 0xff)),
            array(bytes(0xcd, (i + 1) >> 8, (i + 1) & 0xff)),
          ),
    ),
  ])

describe('hostile node tables are refused:', () => {
  it.each(tableCases)('%s', (_, body, reason) => {
    expect(refusal(() => codec.decode(incoming(body, 1)))).toBe(reason)
  })

  it('DAG bombs, in linear time', () => {
    expect(refusal(() => codec.decode(incoming(dag(30), 1)))).toBe('too-many-items')
    expect(refusal(() => codec.decode(incoming(dag(256), 1)))).toBe('too-many-items')
    expect(refusal(() => codec.decode(incoming(dag(5000), 1)))).toBe('too-deep')
  })

  it('a deep part that is met again further down', () => {
    const tight = messageCodec({ ...defaultLimits, maxDepth: 4 })
    const rows = (last: Buffer): Buffer =>
      array(row(kind.array, ref(1), ref(3)), row(kind.array, ref(2)), row(kind.array), row(kind.array, last))
    expect(tight.decode(incoming(rows(ref(1)), 1))).toEqual([[[]], [[[]]]])
    tight.decode(incoming(rows(ref(0)), 1))
    const deeper = array(
      row(kind.array, ref(1), ref(3)),
      row(kind.array, ref(2)),
      row(kind.array),
      row(kind.array, ref(4)),
      row(kind.array, ref(1)),
    )
    expect(refusal(() => tight.decode(incoming(deeper, 1)))).toBe('too-deep')
  })

  it('attachments that are used twice, or not, or are not of whole elements', () => {
    const twice = array(
      row(kind.array, ref(1), ref(2)),
      row(kind.binary, int(1), int(0)),
      row(kind.binary, int(1), int(0)),
    )
    expect(refusal(() => codec.decode(incoming(twice, 1, [new ArrayBuffer(8)])))).toBe('attachment')
    expect(refusal(() => codec.decode(incoming(array(row(kind.array)), 1, [new ArrayBuffer(8)])))).toBe(
      'attachment',
    )
    const floats = array(row(kind.binary, int(11), int(0)))
    expect(refusal(() => codec.decode(incoming(floats, 1, [new ArrayBuffer(9)])))).toBe('binary-length')
    const tight = messageCodec({ ...defaultLimits, maxAttachmentBytes: 8 })
    expect(refusal(() => tight.decode(incoming(floats, 1, [new ArrayBuffer(16)])))).toBe('too-big')
  })

  it('holes take no memory', () => {
    const many = array(row(kind.sparseArray, int(16_000_000)))
    const before = process.memoryUsage().heapUsed
    const value = codec.decode(incoming(many, 1)) as unknown[]
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10e6)
    expect([value.length, 0 in value]).toEqual([16_000_000, false])
  })

  it('a __proto__ key stays an ordinary one, whichever way it is written', () => {
    const wide = bin(Buffer.from('__proto__', 'utf16le'))
    for (const key of [text('__proto__'), wide]) {
      const body = array(row(kind.object, key, ref(1)), row(kind.object, text('polluted'), int(1)))
      const value = codec.decode(incoming(body, 1)) as Record<string, unknown>
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect(Object.keys(value)).toEqual(['__proto__'])
      expect(value['polluted']).toBeUndefined()
    }
    const error = array(row(kind.error, text('Error'), missing, missing, text('__proto__'), ref(0)))
    expect(codec.decode(incoming(error, 1))).toBeInstanceOf(Error)
  })

  it('names of errors lead to nothing but errors', () => {
    for (const name of ['valueOf', 'constructor', '__proto__', 'Function']) {
      const error = codec.decode(incoming(array(row(kind.error, text(name), text('m'), missing)), 1)) as Error
      expect([Object.getPrototypeOf(error), error.name, error.message]).toEqual([Error.prototype, name, 'm'])
    }
    expect(Error.stackTraceLimit).toBeGreaterThan(0)
  })
})
