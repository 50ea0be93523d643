import { expect, test } from 'vitest'
import { DecodeError, EncodeError } from '../../../src/errors/data-errors.ts'
import type { IncomingBody } from '../../../src/transport/codec.ts'
import { messageCodec } from '../../../src/transport/codec/message-codec.ts'
import { defaultLimits } from '../../../src/transport/limits.ts'
import type { LiveToken, LiveValues } from '../../../src/transport/live-values.ts'

class Live {
  readonly number: number

  constructor(number: number) {
    this.number = number
  }
}

/** Sends instances of `Live`, and functions whose name is a number. */
class Table implements LiveValues {
  readonly known = new Map<number, unknown>()
  lowered = 0

  lower(value: object): LiveToken | undefined {
    this.lowered++
    const number = value instanceof Live ? value.number : Number((value as { name?: string }).name ?? 'none')
    if (Number.isNaN(number)) return undefined
    this.known.set(number, value)
    return { kind: 1, number, data: `live ${number}` }
  }

  raise({ kind, number, data }: LiveToken): unknown {
    if (!this.known.has(number) || kind !== 1 || data !== `live ${number}`) throw new Error('unknown')
    return this.known.get(number)
  }
}

const table = new Table()
const codec = messageCodec(defaultLimits, table)

function encoded(value: unknown): IncomingBody {
  const { buffer, start, end, flags } = codec.encode(value, 'value', Buffer.alloc(8192), 0, 16)
  return {
    buffer: Buffer.from(buffer.subarray(start, end)),
    start: 0,
    end: end - start,
    flags,
    attachments: [],
  }
}

const named = (name: string): (() => void) => Object.defineProperty(() => {}, 'name', { value: name })

test('a live value comes out as what its token stands for, wherever it is in a value', () => {
  const [one, fn] = [new Live(1), named('2')]
  for (const value of [one, fn]) expect(codec.decode(encoded(value))).toBe(value)
  const value = {
    list: [one, fn, one],
    map: new Map<unknown, unknown>([[one, fn]]),
    set: new Set([fn]),
    deep: { fn },
  }
  const decoded = codec.decode(encoded(value)) as typeof value
  expect(decoded).toEqual(value)
  expect(decoded.list[0]).toBe(one)
  expect(decoded.list[2]).toBe(one)
  expect(decoded.map.get(one)).toBe(fn)
  expect(decoded.deep.fn).toBe(fn)
})

test('in one value it is asked for once, and counts as one item', () => {
  const before = table.lowered
  const [one, fn] = [new Live(1), named('2')]
  encoded([one, one, fn, fn, [one, fn]])
  expect(table.lowered - before).toBe(2)
  const tight = messageCodec({ ...defaultLimits, maxItems: 5, maxDepth: 1 }, table)
  expect(() => tight.encode([fn, one, fn, one], 'value', Buffer.alloc(8192), 0, 16)).not.toThrow()
  expect(() => tight.encode([fn, one, fn, one, fn], 'value', Buffer.alloc(8192), 0, 16)).toThrow(/maxItems/)
})

test('plain values never ask', () => {
  const before = table.lowered
  codec.decode(encoded({ plain: [1, 'text', null, { deep: true }] }))
  codec.decode(encoded([new Map(), new Date(0), new Uint8Array(5), /x/, new Error('no')]))
  expect(table.lowered).toBe(before)
})

test('a function that is not live is refused with its path, with and without a table', () => {
  for (const one of [codec, messageCodec(defaultLimits)]) {
    const encode = (): unknown => one.encode({ a: [named('no')] }, 'value', Buffer.alloc(8192), 0, 16)
    expect(encode).toThrow(EncodeError)
    expect(encode).toThrow(/value\.a\[0\] can't be sent: it is a function \(no\)/)
  }
})

test('a token of what there is not is refused, and so is any token without a table', () => {
  const body = encoded([new Live(7)])
  expect(() => messageCodec(defaultLimits).decode(body)).toThrow(DecodeError)
  table.known.delete(7)
  try {
    codec.decode(body)
    expect.unreachable()
  } catch (error) {
    expect(error).toMatchObject({ reason: 'live' })
  }
})

/* oxlint-disable unicorn/no-thenable -- they are what it is about */
test('no object comes that a promise would take for another', () => {
  for (const value of [{ then: named('2') }, { deep: [{ then: named('2') }] }]) {
    expect(() => encoded(value)).toThrow(/then can't be sent: it is a function under `then`.*another name/)
  }
  expect(codec.decode(encoded({ then: 1, catch: named('2') }))).toMatchObject({ then: 1 })
  // Sent all the same.
  for (const kept of [{ thex: named('2') }, Object.assign(new Error('no'), { thex: named('2') })]) {
    const body = encoded(kept)
    const at = body.buffer.indexOf('thex')
    body.buffer.write('then', at)
    expect(() => codec.decode(body)).toThrow(DecodeError)
    expect(() => codec.decode(body)).toThrow('under `then`')
  }
})
