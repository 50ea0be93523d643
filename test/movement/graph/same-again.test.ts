import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { CaptureError } from '../../../src/errors/data-errors.ts'
import { prepareLive } from '../../../src/movement/prepare.ts'
import type { Shipment } from '../../../src/movement/shipment.ts'
import { messageCodec } from '../../../src/transport/codec/message-codec.ts'
import { defaultLimits } from '../../../src/transport/limits.ts'

let total: unknown = 1
let word: unknown = 'a'
const codec = messageCodec(defaultLimits)

const prepared = (fn: () => unknown, ownCodec = codec): Shipment =>
  prepareLive(fn, undefined, 'auto', ownCodec)

/** What each variable that goes along holds, by its bytes. */
const contents = ({ survey }: Shipment): string[] => survey!.bindings.map(({ content }) => content.key)

test('the same values are not surveyed again, and any other is', () => {
  const fn = (): unknown => [total, word]
  const first = prepared(fn)
  expect(prepared(fn)).toBe(first)
  // Each differs from the one before, and some from nothing but by a sign.
  for (const value of [
    0,
    -0,
    NaN,
    null,
    true,
    1n,
    'x'.repeat(256),
    'x'.repeat(257),
    undefined,
    { a: 1 },
    [1],
    1,
  ]) {
    const before = prepared(fn)
    total = value
    const now = prepared(fn)
    expect(now, inspect(value)).not.toBe(before)
    expect(contents(now), inspect(value)).not.toEqual(contents(before))
  }
  word = 'b'
  const last = prepared(fn)
  expect(contents(last)).not.toEqual(contents(first))
  expect(prepared(fn)).toBe(last)
  word = 'a'
  total = 1
})

test('an object is looked at each time, and so is a long text', () => {
  const fn = (): unknown => total
  for (const value of [{ a: 1 }, 'x'.repeat(300), undefined]) {
    total = value
    expect(prepared(fn)).not.toBe(prepared(fn))
  }
  const object = { a: 1 }
  total = object
  const before = contents(prepared(fn))
  object.a = 2
  expect(contents(prepared(fn))).not.toEqual(before)
  total = 1
})

test.each<[string, (fn: () => unknown) => void]>([
  ['a property', (fn) => Object.assign(fn, { extra: 1 })],
  ['a symbol', (fn) => Object.assign(fn, { [Symbol.iterator]: 1 })],
  ['another length', (fn) => Object.defineProperty(fn, 'length', { value: 7 })],
  ['being frozen', (fn) => Object.freeze(fn)],
  ['another prototype', (fn) => Object.setPrototypeOf(fn, { inherited: 1 })],
  ['a method of its prototype', (fn) => Object.assign(fn.prototype as object, { method: 1 })],
  ['its prototype being closed', (fn) => Object.preventExtensions(fn.prototype)],
])('what a function gets besides its text is seen: %s', (_what, change) => {
  const fn = function (): unknown {
    return total
  }
  const first = prepared(fn)
  expect(prepared(fn)).toBe(first)
  change(fn)
  const now = prepared(fn)
  expect(now.survey?.content.key).not.toBe(first.survey?.content.key)
})

test('a policy that denies, values that are given, and another codec are looked at by themselves', () => {
  const fn = (): unknown => total
  const first = prepared(fn)
  expect(() => prepareLive(fn, undefined, { deny: ['total'] }, codec)).toThrow(CaptureError)
  const given = prepareLive(fn, { total: 5 }, 'auto', codec)
  expect(given).not.toBe(first)
  expect(prepared(fn)).toBe(first)
  const other = prepared(fn, messageCodec(defaultLimits))
  expect(other).not.toBe(first)
  expect(prepared(fn)).toBe(first)
})
