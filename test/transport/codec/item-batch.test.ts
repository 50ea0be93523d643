import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DecodeError } from '../../../src/errors/data-errors.ts'
import { ItemBatch, maxBatchBytes } from '../../../src/transport/codec/item-batch.ts'
import { ItemReader } from '../../../src/transport/codec/item-reader.ts'
import { messageCodec } from '../../../src/transport/codec/message-codec.ts'
import { defaultLimits } from '../../../src/transport/limits.ts'

const codec = messageCodec(defaultLimits)
const reader = new ItemReader(codec, defaultLimits)
const slab = Buffer.alloc(maxBatchBytes)

const incoming = (buffer: Buffer, flags = 0) => ({
  buffer,
  start: 0,
  end: buffer.length,
  flags,
  attachments: [],
})

/** As a stream does it. */
function add(batch: ItemBatch, value: unknown): void {
  if (batch.addPrimitive(value)) return
  const body = codec.encode(value, 'item', slab, 0, 16)
  if (body.flags !== 0) throw new Error('not plain')
  batch.addEncoded(body)
}

function there(values: readonly unknown[]): readonly unknown[] {
  const batch = new ItemBatch()
  for (const value of values) add(batch, value)
  return reader.read(incoming(Buffer.from(batch.body())), values.length)
}

const edges = [
  0,
  1,
  -1,
  127,
  128,
  -32,
  -33,
  255,
  256,
  65_535,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  -(2 ** 31) - 1,
  0.5,
  Number.NaN,
  Infinity,
  2 ** 53,
  '',
  'a',
  'x'.repeat(31),
  'x'.repeat(32),
  'x'.repeat(64),
  'x'.repeat(65),
  'ä',
  '\u{1F600}',
  '\u007F',
  null,
  undefined,
  true,
  false,
]

describe('ItemBatch', () => {
  test('what is put in comes out, at every edge of the encoding', () => {
    expect(there(edges)).toEqual(edges)
  })

  test('any plain values come out as they were, in order', () => {
    const plain = fc.oneof(
      fc.integer(),
      fc.double().filter((n) => !Object.is(n, -0)),
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      fc.constant(undefined),
      fc.record({ a: fc.integer({ min: 1 }), b: fc.string() }, { noNullPrototype: true }),
      fc.array(fc.integer({ min: 1 })),
    )
    fc.assert(
      fc.property(fc.array(plain, { minLength: 1, maxLength: 50 }), (values) => {
        expect(there(values)).toEqual(values)
      }),
      { numRuns: 500 },
    )
  })

  test.each([[-0], [1n], [Symbol('s')], [{}], ['x'.repeat(65)], ['ä']])(
    '%s is none of the primitives',
    (value) => {
      const batch = new ItemBatch()
      const before = batch.byteLength
      expect(batch.addPrimitive(value)).toBe(false)
      expect([batch.count, batch.byteLength]).toEqual([0, before])
    },
  )

  test('the last one can be taken out again', () => {
    const batch = new ItemBatch()
    add(batch, 1)
    add(batch, { a: 'second' })
    const taken = batch.takeLast()
    expect(codec.decode(incoming(taken))).toEqual({ a: 'second' })
    expect(reader.read(incoming(batch.body()), 1)).toEqual([1])
  })

  test('says that it is full before a primitive does not fit', () => {
    const batch = new ItemBatch()
    let count = 0
    while (!batch.isFull) {
      batch.addPrimitive('x'.repeat(64))
      count++
    }
    expect(batch.byteLength).toBeLessThanOrEqual(maxBatchBytes)
    expect(reader.read(incoming(batch.body()), count)).toHaveLength(count)
  })
})

describe('ItemReader', () => {
  const body = (...bytes: number[]) => incoming(Buffer.from(bytes))

  test.each([
    ['fewer items than announced', body(0x91, 1), 2],
    ['more items than announced', body(0x92, 1, 2), 1],
    ['no array', body(0x81, 0xa1, 0x61, 1), 1],
    ['a truncated one', body(0xdd, 0, 0, 0, 2, 1), 2],
    ['a length that would take all memory', body(0xdd, 0xff, 0xff, 0xff, 0xff), 2 ** 32 - 1],
    ['bytes behind it', body(0x91, 1, 1), 1],
    ['a 64-bit integer', body(0x91, 0xcf, 0, 0, 0, 0, 0, 0, 0, 1), 1],
    ['too many bytes', incoming(Buffer.alloc(maxBatchBytes + 1)), 1],
    ['a node table', { ...body(0x91, 1), flags: 1 }, 1],
  ])('refuses %s', (_, given, count) => {
    expect(() => reader.read(given, count)).toThrow(DecodeError)
  })

  test('takes a value that is as deep as plain ones may be', () => {
    let deep: unknown = 1
    for (let depth = 0; depth < 16; depth++) deep = [deep]
    expect(there([deep])).toEqual([deep])
  })
})
