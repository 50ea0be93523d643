import { expect, test } from 'vitest'
import { DecodeError } from '../../../src/errors/data-errors.ts'
import { messageCodecWith } from '../../../src/transport/codec/message-codec.ts'
import { nodeKind as kind } from '../../../src/transport/codec/node-kinds.ts'
import {
  type ClassTable,
  newClassTable,
  RegisteredClasses,
} from '../../../src/transport/codec/registered-classes.ts'
import { defaultLimits } from '../../../src/transport/limits.ts'
import { array, incoming, int, text } from './bytes.ts'

class Box {
  readonly content: unknown
  constructor(content: unknown) {
    this.content = content
  }
}

function add(table: ClassTable, decode: (data: unknown) => object): void {
  const encode = (box: object): unknown => (box as Box).content
  const codec = { name: 'Box', prototype: Box.prototype, encode, decode }
  table.byName.set('Box', codec)
  table.byPrototype.set(Box.prototype, codec)
}

const limits = { ...defaultLimits, maxItems: 100_000 }
const decoded: unknown[] = []
const table = newClassTable()
add(table, (data) => {
  decoded.push(data)
  return new Box(data)
})
const codec = messageCodecWith(limits, new RegisteredClasses([table]))
const row = (...parts: Buffer[]): Buffer => array(...parts)
const ref = (index: number): Buffer => array(int(index))
const box = (slot: Buffer): Buffer => row(int(kind.instance), text('Box'), slot)

function roundTrip(value: unknown): unknown {
  const { buffer, start, end, flags, attachments } = codec.encode(value, 'args', Buffer.alloc(4096), 0, 0)
  const memory = attachments.map((one) => new Uint8Array(one).buffer)
  return codec.decode({ buffer, start, end, flags, attachments: memory })
}

test('an instance is made once, after all that it is made of', () => {
  const inner = new Box([1, new Map([['k', -0]])])
  const [a, b, list] = roundTrip([inner, inner, [new Box(inner)]]) as [Box, Box, Box[]]
  expect(a).toBeInstanceOf(Box)
  expect(a).toBe(b)
  expect(list[0]?.content).toBe(a)
  expect(a.content).toEqual([1, new Map([['k', -0]])])
})

test('a chain of instances as long as the depth allows, and no longer', () => {
  const chain = (length: number): unknown => {
    let value: unknown = 0
    for (let i = 0; i < length; i++) value = new Box(value)
    return value
  }
  let length = 0
  for (let at = roundTrip(chain(limits.maxDepth)); at instanceof Box; at = at.content) length++
  expect(length).toBe(limits.maxDepth)
  expect(() => roundTrip(chain(limits.maxDepth + 1))).toThrow('maxDepth')
})

test('an `encode` without end is refused', () => {
  const endless = newClassTable()
  const codecOfBox = {
    name: 'Box',
    prototype: Box.prototype,
    encode: () => new Box(1),
    decode: () => new Box(1),
  }
  endless.byName.set('Box', codecOfBox)
  endless.byPrototype.set(Box.prototype, codecOfBox)
  const own = messageCodecWith(limits, new RegisteredClasses([endless]))
  expect(() => own.encode(new Box(1), 'args', Buffer.alloc(4096), 0, 0)).toThrow('maxDepth')
})

test('hostile rows run no codec, or only with data that is whole', () => {
  decoded.length = 0
  const reason = (body: Buffer): unknown => {
    try {
      return codec.decode(incoming(body, 1))
    } catch (error) {
      return error instanceof DecodeError ? error.reason : error
    }
  }
  expect(reason(array(box(ref(0))))).toBe('instance-cycle')
  expect(reason(array(row(int(kind.array), ref(1), ref(2)), box(ref(2)), box(ref(1))))).toBe('instance-cycle')
  expect(reason(array(box(ref(1)), row(int(kind.array), ref(0))))).toBe('instance-cycle')
  expect(decoded).toEqual([])
  // Around the instance a circle may be.
  const around = reason(array(row(int(kind.array), ref(1)), box(ref(2)), row(int(kind.array), ref(0))))
  expect(around).toBeInstanceOf(Array)
  expect(decoded).toHaveLength(1)
})

test('the own classes of a side come first, and bases are no match', () => {
  const own = newClassTable()
  add(own, () => new Box('own'))
  const both = new RegisteredClasses([own, table])
  expect(both.decode('Box', 1)).toEqual(new Box('own'))
  class Sub extends Box {}
  expect(both.of(new Sub(1))).toBe(undefined)
  expect(both.baseOf(new Sub(1))?.name).toBe('Box')
  expect(both.of(new Box(1))?.name).toBe('Box')
  expect(both.ofClass(Box)?.name).toBe('Box')
  expect(both.ofClass(Sub)).toBe(undefined)
  expect(new RegisteredClasses([newClassTable()]).baseOf(new Box(1))).toBe(undefined)
})
