/** Bytes that are not all alike. */
export const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * 7)

/** A class with a method and a `toJSON`, which goes as plain data. */
export class Point {
  x = 1
  y = { deep: [1] }
  norm(): number {
    return this.x
  }
  toJSON(): string {
    return 'never called'
  }
}

function withProto(): unknown {
  return JSON.parse('{"a":1,"__proto__":{"polluted":true}}')
}

function errorOf(): Error {
  const cause = new RangeError('inner')
  return Object.assign(new TypeError('outer', { cause }), { code: 'E_TEST', details: { list: [1, -0] } })
}

function cyclic(): unknown {
  const node: Record<string, unknown> = { list: [], map: new Map() }
  node['self'] = node
  ;(node['list'] as unknown[]).push(node, node['list'])
  ;(node['map'] as Map<unknown, unknown>).set(node, node['map'])
  return node
}

function shared(): unknown {
  const one = { name: 'one' }
  const memory = bytes(5000)
  return [one, [one], { one }, memory, memory]
}

/** What comes back exactly as it was. */
export const kept: readonly (readonly [string, () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['booleans', () => [true, false]],
  ['integers', () => [0, 1, -1, 127, 128, -32, -33, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, -(2 ** 53)]],
  ['other numbers', () => [1.5, -2.25, NaN, Infinity, -Infinity, Number.MIN_VALUE, 1e308]],
  ['minus zero', () => [-0, { a: -0 }, new Map([['k', -0]])]],
  ['minus zero alone', () => -0],
  ['texts', () => ['', 'a', 'naïve', '日本語', '🦊', 'x'.repeat(300), 'ü'.repeat(70_000), '\u0000']],
  [
    'texts with a byte order mark',
    () => ['\uFEFF', `\uFEFF${'a'.repeat(100)}`, { [`\uFEFF${'k'.repeat(99)}`]: 1 }],
  ],
  ['texts with lone surrogates', () => ['\uD800', 'a\uDC00b', { '\uDFFF': '\uD800\uD800' }]],
  ['a lone surrogate alone', () => '\uD800'],
  ['arrays and objects', () => [[], {}, [[1], { a: { b: [] } }], undefined]],
  [
    'an object with odd keys',
    () => ({ '': 1, constructor: 2, hasOwnProperty: 3, length: 4, 7: 5, 'a b': 6 }),
  ],
  ['a __proto__ key of its own', withProto],
  ['70,000 keys', () => Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]))],
  ['holes', () => [1, , 3, , ,]],
  ['many holes', () => Object.assign([], { 9000: 'x', length: 10_000 })],
  ['null prototypes', () => Object.assign(Object.create(null), { a: Object.create(null), __proto__: 1 })],
  [
    'maps',
    () =>
      new Map<unknown, unknown>([
        [1, 2],
        ['a', new Map()],
        [{ k: 1 }, NaN],
        [NaN, undefined],
      ]),
  ],
  ['sets', () => new Set<unknown>([1, 'a', new Set([undefined]), { k: 1 }])],
  ['dates', () => [new Date(0), new Date(-1), new Date(8.64e15), new Date(NaN)]],
  ['regular expressions', () => [/a+b/giu, /\/[\]/]/, new RegExp(''), /\uD83D/]],
  ['bigints', () => [0n, -1n, 2n ** 64n, -(2n ** 200n), 255n]],
  ['a bigint alone', () => 7n],
  ['errors', () => [new Error('e'), new Error(), errorOf(), new SyntaxError('s')]],
  ['an aggregate error', () => new AggregateError([new Error('a'), 1], 'many', { cause: undefined })],
  ['an error with another name', () => Object.defineProperty(new Error('m'), 'name', { value: 'HttpError' })],
  ['boxed values', () => [Object(1), Object('s'), Object(true), Object(-0), Object(5n), Object('\uD800')]],
  ['URLs', () => new URL('https://user@example.com:8080/a?b=c#d')],
  [
    'empty memory',
    () => [new ArrayBuffer(0), Buffer.alloc(0), new Float64Array(0), new DataView(new ArrayBuffer(0))],
  ],
  ['cycles', cyclic],
  [
    'a root in itself',
    () => {
      const self: unknown[] = []
      self.push(self)
      return self
    },
  ],
  ['shared objects', shared],
  [
    'a shared object and nothing else',
    () => {
      const one = { a: 1 }
      return [one, one]
    },
  ],
  [
    'an object shared among many',
    () => {
      const list: unknown[] = Array.from({ length: 30 }, (_, i) => ({ i }))
      return [...list, list[20]]
    },
  ],
  [
    'a small cycle',
    () => {
      const a: unknown[] = []
      a.push({ a })
      return a
    },
  ],
  ['rows', () => Array.from({ length: 300 }, (_, i) => ({ id: i, name: `row ${i}`, tags: ['a', i] }))],
]

const views = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
]

/** One of each kind of memory, as a window of that many bytes in a larger one. */
export function everyMemory(byteLength: number): unknown[] {
  const around = bytes(byteLength + 32).buffer
  const list: unknown[] = views.map((view) =>
    view === DataView
      ? new DataView(around, 8, byteLength)
      : new (view as typeof Uint8Array)(
          around,
          8,
          byteLength / (view as typeof Uint8Array).BYTES_PER_ELEMENT,
        ),
  )
  return [...list, Buffer.from(around as ArrayBuffer, 16, byteLength), bytes(byteLength).buffer]
}
