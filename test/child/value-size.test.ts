import { expect, test } from 'vitest'
import { estimateBytes, typeOfValue } from '../../src/child/value-size.ts'

class Point {
  readonly x = 1
}

test.each([
  [new Uint8Array(1e6), 1e6, 1.01e6],
  [new Float64Array(1e5).buffer, 8e5, 8.1e5],
  ['x'.repeat(1e6), 1e6, 1.01e6],
  [Array.from({ length: 1e5 }, (_, i) => i), 1.6e6, 1.7e6],
  [Array.from({ length: 1000 }, () => 'x'.repeat(1000)), 1e6, 1.1e6],
  [new Map(Array.from({ length: 1000 }, (_, i) => [i, 'x'.repeat(1000)])), 1e6, 1.2e6],
  [new Set(Array.from({ length: 1000 }, (_, i) => String(i).padEnd(1000))), 1e6, 1.1e6],
  [{ a: { b: { c: new Uint8Array(1e5) } } }, 1e5, 1.01e5],
  [1, 1, 100],
  [undefined, 1, 100],
  [() => {}, 1, 100],
])('estimateBytes() is about right for %o', (value, least, most) => {
  const bytes = estimateBytes(value)
  expect(bytes).toBeGreaterThanOrEqual(least)
  expect(bytes).toBeLessThanOrEqual(most)
})

test('estimateBytes() takes cycles, proxies and getters that throw, and runs none of their code', () => {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  const trap = new Proxy({}, { get: () => expect.unreachable(), ownKeys: () => expect.unreachable() })
  const getter = {
    get it(): never {
      throw new Error('read')
    },
  }
  expect(estimateBytes([cycle, trap, getter])).toBeLessThan(1000)
  let deep: unknown = 1
  for (let i = 0; i < 1e5; i++) deep = [deep]
  expect(estimateBytes(deep)).toBeGreaterThan(0)
})

test('estimateBytes() of what is large and wide looks at a part of it only', () => {
  let visits = 0
  const wide = Array.from({ length: 1e5 }, () => Array.from({ length: 100 }, () => ({ n: ++visits })))
  expect(estimateBytes(wide)).toBeGreaterThan(1e5 * 100 * 8)
})

test.each([
  [null, 'null'],
  [undefined, 'undefined'],
  [1n, 'bigint'],
  [() => {}, 'function'],
  [[], 'Array'],
  [new Map(), 'Map'],
  [new Point(), 'Point'],
  [Object.create(null), 'object'],
  [new Proxy({}, {}), 'Proxy'],
  [new (class extends Point {})(), 'Point'],
])('typeOfValue(%o) is %s', (value, type) => {
  expect(typeOfValue(value)).toBe(type)
})
