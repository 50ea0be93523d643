import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EncodeError } from '../../src/errors/data-errors.ts'
import type { Codec, CodecFactory, EncodedBody, IncomingBody } from '../../src/transport/codec.ts'
import { defaultLimits, type Limits } from '../../src/transport/limits.ts'
import { difference } from '../transport/codec/same-value.ts'

const runs = Number(process.env['MALTSTER_TEST_RUNS'] ?? 1500)

/** The body as it arrives: other memory, attachments of their own. */
export function deliver(encoded: EncodedBody): IncomingBody & { buffer: Buffer } {
  const { buffer, start, end, flags, attachments } = encoded
  const received = Buffer.alloc(end - start + 24, 0x55)
  buffer.copy(received, 8, start, end)
  return {
    buffer: received,
    start: 8,
    end: 8 + end - start,
    flags,
    attachments: attachments.map((bytes) => new Uint8Array(bytes).buffer),
  }
}

/** There and back; the receive buffer is overwritten before the value is handed out. */
export function roundTrip(codec: Codec, value: unknown): unknown {
  const body = deliver(codec.encode(value, 'args', Buffer.allocUnsafeSlow(65_536), 0, 16))
  const decoded = codec.decode(body)
  body.buffer.fill(0x77)
  return decoded
}

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * 7)

class Point {
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

const kept: readonly (readonly [string, () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['booleans', () => [true, false]],
  ['integers', () => [0, 1, -1, 127, 128, -32, -33, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, -(2 ** 53)]],
  ['other numbers', () => [1.5, -2.25, NaN, Infinity, -Infinity, Number.MIN_VALUE, 1e308]],
  ['minus zero', () => [-0, { a: -0 }, new Map([['k', -0]])]],
  ['minus zero alone', () => -0],
  ['texts', () => ['', 'a', 'naïve', '日本語', '🦊', 'x'.repeat(300), 'ü'.repeat(70_000), '\u0000']],
  ['texts with a byte order mark', () => ['\uFEFF', `\uFEFF${'a'.repeat(100)}`, { [`\uFEFF${'k'.repeat(99)}`]: 1 }]],
  ['texts with lone surrogates', () => ['\uD800', 'a\uDC00b', { '\uDFFF': '\uD800\uD800' }]],
  ['a lone surrogate alone', () => '\uD800'],
  ['arrays and objects', () => [[], {}, [[1], { a: { b: [] } }], undefined]],
  ['an object with odd keys', () => ({ '': 1, constructor: 2, hasOwnProperty: 3, length: 4, 7: 5, 'a b': 6 })],
  ['a __proto__ key of its own', withProto],
  ['70,000 keys', () => Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]))],
  ['holes', () => [1, , 3, , ,]], // oxlint-disable-line no-sparse-arrays
  ['many holes', () => Object.assign([], { 9000: 'x', length: 10_000 })],
  ['null prototypes', () => Object.assign(Object.create(null), { a: Object.create(null), __proto__: 1 })],
  ['maps', () => new Map<unknown, unknown>([[1, 2], ['a', new Map()], [{ k: 1 }, NaN], [NaN, undefined]])],
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
  ['empty memory', () => [new ArrayBuffer(0), Buffer.alloc(0), new Float64Array(0), new DataView(new ArrayBuffer(0))]],
  ['cycles', cyclic],
  ['a root in itself', () => Object.assign([] as unknown[], [0]).fill(null).map((_, i, self) => self)],
  ['shared objects', shared],
  ['a shared object and nothing else', () => Array(2).fill({ a: 1 })],
  ['an object shared among many', () => { const list: unknown[] = Array.from({ length: 30 }, (_, i) => ({ i })); return [...list, list[20]] }],
  ['a small cycle', () => { const a: unknown[] = []; a.push({ a }); return a }],
  ['rows', () => Array.from({ length: 300 }, (_, i) => ({ id: i, name: `row ${i}`, tags: ['a', i] }))],
]

const views = [
  Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
  Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView,
] // oxfmt-ignore

function everyMemory(byteLength: number): unknown[] {
  const around = bytes(byteLength + 32).buffer
  const list: unknown[] = views.map((view) =>
    view === DataView
      ? new DataView(around, 8, byteLength)
      : new (view as typeof Uint8Array)(around, 8, byteLength / (view as typeof Uint8Array).BYTES_PER_ELEMENT),
  )
  return [...list, Buffer.from(around as ArrayBuffer, 16, byteLength), bytes(byteLength).buffer]
}

/** What any codec of this package must do, whatever its bytes look like. */
export function codecContract(name: string, makeCodec: CodecFactory): void {
  describe(`codec contract: ${name}`, () => {
    const codec = makeCodec(defaultLimits)
    keepsValues(codec)
    obeysItsCaller(codec)
    refusesWhatCannotGo(codec)
    keepsToLimits(makeCodec)
    survivesUserCode(makeCodec)
  })
}

function keepsValues(codec: Codec): void {
  describe('keeps', () => {
    it.each(kept)('%s', (_, make) => {
      const value = make()
      expect(difference(value, roundTrip(codec, value))).toBeUndefined()
      expect(difference([{ value }], roundTrip(codec, [{ value }]))).toBeUndefined()
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    })

    it.each([16, 4080, 4096, 100_000])('every kind of memory of %i bytes', (byteLength) => {
      const value = everyMemory(byteLength)
      expect(difference(value, roundTrip(codec, value))).toBeUndefined()
    })

    it('what a list of 100,000 links holds', () => {
      const list = Array.from({ length: 100_000 }, (_, i) => new Map([[i, String(i)]]))
      expect(difference(list.length, (roundTrip(codec, list) as unknown[]).length)).toBeUndefined()
    })

    it('values of another realm', () => {
      const foreign: unknown = runInNewContext(
        '({ a: [1, , -0], m: new Map([[1, new Set([2])]]), d: new Date(5), e: new TypeError("t"), r: /x/g, n: null })',
      )
      const decoded = roundTrip(codec, foreign) as Record<string, unknown>
      expect(decoded['a']).toEqual([1, , -0]) // oxlint-disable-line no-sparse-arrays
      expect(decoded['m']).toEqual(new Map([[1, new Set([2])]]))
      expect(decoded['e']).toBeInstanceOf(TypeError)
      expect(decoded['r']).toEqual(/x/g)
    })

    it('arbitrary data', () => {
      const data = fc.anything({
        withBigInt: true, withBoxedValues: true, withDate: true, withMap: true, withSet: true,
        withNullPrototype: true, withSparseArray: true, withTypedArray: true, withUnicodeString: true,
        stringUnit: fc.oneof(fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }), fc.constant('\uD801')),
      }) // oxfmt-ignore
      const isKept = (value: unknown): void => {
        expect(difference(value, roundTrip(codec, value))).toBeUndefined()
      }
      fc.assert(fc.property(data, isKept), { numRuns: runs })
      fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), isKept), { numRuns: runs })
    })

    it('arbitrary graphs', () => {
      fc.assert(
        fc.property(fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 8, maxLength: 8 }), (edges) => {
          const nodes = edges.map((_, i): unknown[] | Map<unknown, unknown> => (i % 2 ? [] : new Map()))
          for (const [i, targets] of edges.entries()) {
            for (const [j, target] of targets.entries()) {
              const from = nodes[i]!
              if (Array.isArray(from)) from.push(nodes[target])
              else from.set(j, nodes[target])
            }
          }
          expect(difference(nodes, roundTrip(codec, nodes))).toBeUndefined()
        }),
        { numRuns: runs },
      )
    })
  })

  describe('changes by rule', () => {
    it('class instances become plain data, without calling toJSON', () => {
      const decoded = roundTrip(codec, [new Point()])
      expect(difference([{ x: 1, y: { deep: [1] } }], decoded)).toBeUndefined()
    })

    it('subclasses of built-ins go as the built-in', () => {
      class Names extends Map<string, number> {}
      class Failure extends Error {
        override name = 'Failure'
        code = 5
      }
      const [map, list, error] = roundTrip(codec, [
        new Names([['a', 1]]),
        new (class extends Array {})(1, 2),
        new Failure('x'),
      ]) as [unknown, unknown, Failure]
      expect(difference([new Map([['a', 1]]), [1, 2]], [map, list])).toBeUndefined()
      expect([error.constructor, error.name, error.message, error.code]).toEqual([Error, 'Failure', 'x', 5])
      expect(error.stack).toContain('codec.contract')
    })

    it('symbol keys, hidden properties and other properties of an array are left out; getters are read', () => {
      const value = { [Symbol('s')]: 1, list: Object.assign([1], { extra: 2 }), get now() { return 3 } } // oxfmt-ignore
      Object.defineProperty(value, 'hidden', { value: 4 })
      expect(difference({ list: [1], now: 3 }, roundTrip(codec, value))).toBeUndefined()
      const withMap = { ...value, map: new Map() }
      expect(difference({ list: [1], now: 3, map: new Map() }, roundTrip(codec, withMap))).toBeUndefined()
    })
  })
}

function obeysItsCaller(codec: Codec): void {
  describe('obeys its caller', () => {
    const values: unknown[] = [[1, 2], { a: 'text', b: new Map([[1, 2]]) }, 'x'.repeat(1000), bytes(10)]

    it.each([0, 8, 5, 4000])('writes into the slab, at %i, behind the reserve, and nowhere before it', (position) => {
      for (const value of values) {
        const slab = Buffer.alloc(65_536, 0xee)
        const body = codec.encode(value, 'args', slab, position, 16)
        expect(body.buffer).toBe(slab)
        expect((body.start - 16) % 8).toBe(0)
        expect(body.start - 16 - position).toBeLessThan(8)
        expect(slab.subarray(0, body.start).every((byte) => byte === 0xee)).toBe(true)
        expect(difference(value, codec.decode(deliver(body)))).toBeUndefined()
      }
    })

    it.each([[100, 0], [65_536, 65_000], [65_536, 65_536], [8192, 0]])(
      'takes a buffer of its own if a slab of %i bytes has no room at %i',
      (length, position) => {
        const slab = Buffer.alloc(length, 0xee)
        for (const value of [...values, 'y'.repeat(200_000)]) {
          const body = codec.encode(value, 'args', slab, position, 16)
          expect(body.start).toBeGreaterThanOrEqual(16)
          expect(slab.subarray(0, position).every((byte) => byte === 0xee)).toBe(true)
          expect(difference(value, codec.decode(deliver(body)))).toBeUndefined()
        }
      },
    ) // oxfmt-ignore

    it('can reserve much', () => {
      const body = codec.encode([1, new Set([2])], 'args', Buffer.alloc(65_536), 0, 4000)
      expect(body.start).toBeGreaterThanOrEqual(4000)
      expect(codec.decode(deliver(body))).toEqual([1, new Set([2])])
    })

    it('sends of a view its own window, large ones beside the body, uncopied', () => {
      const memory = new ArrayBuffer(100_000)
      const body = codec.encode([new Uint8Array(memory, 1000, 5000)], 'args', Buffer.alloc(65_536), 0, 16)
      expect(body.attachments).toHaveLength(1)
      expect(body.attachments[0]!.buffer).toBe(memory)
      expect([body.attachments[0]!.byteOffset, body.attachments[0]!.byteLength]).toEqual([1000, 5000])
    })

    it('takes attachments over and refers to the receive buffer by nothing', () => {
      const value = [bytes(5000), bytes(50), Buffer.from('hello')]
      const body = deliver(codec.encode(value, 'args', Buffer.alloc(65_536), 0, 16))
      const decoded = codec.decode(body) as Uint8Array[]
      expect(decoded[0]!.buffer).toBe(body.attachments[0])
      body.buffer.fill(0)
      expect(difference(value, decoded)).toBeUndefined()
      for (const view of decoded) expect(view.buffer.byteLength).toBe(view.byteLength)
    })

    it('puts at most 65,535 pieces beside the body', () => {
      const piece = bytes(4096)
      const value = Array.from({ length: 65_540 }, () => piece.subarray())
      const body = codec.encode(value, 'args', Buffer.alloc(65_536), 0, 16)
      expect(body.attachments).toHaveLength(65_535)
    })
  })
}

function attempt(codec: Codec, value: unknown): EncodeError {
  try {
    codec.encode(value, 'args', Buffer.alloc(65_536), 0, 16)
  } catch (error) {
    expect(error).toBeInstanceOf(EncodeError)
    return error as EncodeError
  }
  throw new Error('was not refused')
}

function refusesWhatCannotGo(codec: Codec): void {
  const iterator = [1].values()
  const refused: readonly (readonly [string, () => unknown, string, RegExp])[] = [
    ['a function', () => [{ handlers: [1, 2, function go() {}] }], 'args[0].handlers[2]', /a function \(go\)/],
    ['a nameless function', () => [() => {}], 'args[0]', /is a function\./],
    ['a class', () => [{ 'odd key': Point }], 'args[0]["odd key"]', /a function \(Point\)/],
    ['a symbol', () => [Symbol('s')], 'args[0]', /a symbol \(Symbol\(s\)\)/],
    ['a symbol in an object', () => [Object(Symbol('s'))], 'args[0]', /a symbol/],
    ['a promise', () => [{ a: Promise.resolve() }], 'args[0].a', /Await it/],
    ['a WeakMap', () => [new WeakMap()], 'args[0]', /a WeakMap/],
    ['a WeakSet', () => [new WeakSet()], 'args[0]', /a WeakSet/],
    ['a WeakRef', () => [new WeakRef({})], 'args[0]', /deref/],
    ['a proxy of an object', () => [{ p: new Proxy({ a: 1 }, {}) }], 'args[0].p', /a Proxy/],
    ['a proxy of an array', () => [new Proxy([1], {})], 'args[0]', /a Proxy/],
    ['a revoked proxy', () => { const p = Proxy.revocable({}, {}); p.revoke(); return [p.proxy] }, 'args[0]', /a Proxy/],
    ['a proxy of a function', () => [new Proxy(() => {}, {})], 'args[0]', /a function/],
    ['shared memory', () => [new SharedArrayBuffer(8)], 'args[0]', /a SharedArrayBuffer/],
    ['a view of shared memory', () => [new Uint8Array(new SharedArrayBuffer(8))], 'args[0]', /SharedArrayBuffer/],
    ['a generator', () => [(function* () {})()], 'args[0]', /a generator/],
    ['an iterator', () => [iterator], 'args[0]', /Array Iterator/],
    ['an iterator of a map', () => [new Map().entries()], 'args[0]', /an iterator/],
    ['a stream', () => [process.stdout], 'args[0]', /listeners/],
    ['a web stream', () => [new ReadableStream()], 'args[0]', /ReadableStream/],
    ['a blob', () => [new Blob(['x'])], 'args[0]', /Blob/],
    ['a message port', () => [new MessageChannel().port1], 'args[0]', /listeners/],
    ['search parameters', () => [new URLSearchParams('a=1')], 'args[0]', /URLSearchParams/],
    ['an Intl object', () => [new Intl.NumberFormat()], 'args[0]', /Intl/],
    ['something in a map', () => [new Map([['k', () => {}]])], 'args[0].get("k")', /a function/],
    ['a key of a map', () => [new Map([[() => {}, 1]])], 'args[0].keys()[0]', /a function/],
    ['under an object as key', () => [new Map([[{}, [() => {}]]])], 'args[0].values()[0][0]', /a function/],
    ['something in a set', () => [new Set([1, () => {}])], 'args[0].values()[1]', /a function/],
    ['something in a cause', () => [new Error('e', { cause: () => {} })], 'args[0].cause', /a function/],
    ['something among holes', () => [[, , () => {}]], 'args[0][2]', /a function/],
    ['a root', () => () => {}, 'args', /a function/],
  ] // oxfmt-ignore

  describe('refuses, with the path and a remedy,', () => {
    it.each(refused)('%s', (_, make, path, words) => {
      const error = attempt(codec, make())
      expect(error.path).toBe(path)
      expect(error.message.startsWith(`${path} can't be sent: it is `)).toBe(true)
      expect(error.message).toMatch(words)
      expect(error.executed).toBe('no')
    })

    it('a getter that throws, with what it threw as the cause', () => {
      const cause = new Error('no luck')
      const value = { get broken(): never { throw cause } } // oxfmt-ignore
      const error = attempt(codec, [value])
      expect(error.path).toBe('args[0].broken')
      expect(error.message).toContain('no luck')
      expect(error.cause).toBe(cause)
    })

    it('memory that was transferred away', () => {
      const view = new Uint8Array(8)
      structuredClone(view.buffer, { transfer: [view.buffer] })
      expect(attempt(codec, [view]).path).toBe('args[0]')
    })

    it('and works on as before', () => {
      attempt(codec, [{ secret: 'do not keep' }, () => {}])
      expect(roundTrip(codec, [1, { a: 2 }])).toEqual([1, { a: 2 }])
    })
  })
}

function nest(depth: number, make: (inner: unknown) => unknown): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = make(value)
  return value
}

function keepsToLimits(makeCodec: CodecFactory): void {
  const within = (limits: Partial<Limits>): Codec => makeCodec({ ...defaultLimits, ...limits })

  describe('keeps to the limits', () => {
    const wraps: readonly ((inner: unknown) => unknown)[] = [(x) => [x], (x) => ({ x }), (x) => new Map([[1, x]])]

    it.each(wraps)('maxDepth (%#)', (wrap) => {
      for (const maxDepth of [3, 10, 16, 17, 100]) {
        const codec = within({ maxDepth })
        const deepest = nest(maxDepth, wrap)
        expect(difference(deepest, roundTrip(codec, deepest))).toBeUndefined()
        expect(attempt(codec, nest(maxDepth + 1, wrap)).message).toContain('maxDepth')
      }
    })

    it('maxDepth where a shared object is met again further down', () => {
      const codec = within({ maxDepth: 6 })
      const chain = nest(4, (x) => [x])
      roundTrip(codec, [chain, [chain]])
      expect(attempt(codec, [chain, [[chain]]]).path).toBe('args[1][0][0]')
    })

    it.each(wraps)('maxDepth far beyond the stack (%#)', (wrap) => {
      const codec = within({})
      const error = attempt(codec, nest(100_000, wrap))
      expect(error.message).toContain('maxDepth (256)')
      expect(error.path.length).toBeLessThan(500)
    })

    it('a list of 10,000 links, if maxDepth allows it', () => {
      const codec = within({ maxDepth: 20_000 })
      const list = nest(10_000, (next) => ({ next }))
      expect(difference(list, roundTrip(codec, list))).toBeUndefined()
    })

    it('maxItems, counted unfolded', () => {
      const codec = within({ maxItems: 100 })
      for (const list of [(n: number) => Array(n).fill(0), (n: number) => Array(n).fill(-0)]) {
        expect(difference(list(99), roundTrip(codec, list(99)))).toBeUndefined()
        expect(attempt(codec, list(100)).message).toContain('maxItems')
      }
      expect(attempt(codec, Object.assign([], { length: 100 })).message).toContain('maxItems')
      const ten = Array(10).fill(0)
      roundTrip(codec, Array(9).fill(ten))
      expect(attempt(codec, Array(10).fill(ten)).path).toMatch(/^args/)
      expect(attempt(codec, nest(60, (x) => [x, x])).message).toContain('maxItems')
    })

    it('maxBodyBytes', () => {
      const codec = within({ maxBodyBytes: 1000 })
      roundTrip(codec, 'x'.repeat(990))
      expect(attempt(codec, ['x'.repeat(1001)]).path).toBe('args[0]')
      expect(attempt(codec, { a: 'ü'.repeat(900) }).message).toContain('maxBodyBytes')
      expect(attempt(codec, Array(900).fill(1.5)).message).toContain('maxBodyBytes')
      expect(attempt(codec, [bytes(600), bytes(601)]).path).toBe('args[1]')
      roundTrip(codec, bytes(100_000))
    })

    it('maxAttachmentBytes', () => {
      const codec = within({ maxAttachmentBytes: 10_000 })
      roundTrip(codec, [bytes(5000), bytes(5000)])
      expect(attempt(codec, [bytes(5000), bytes(5001)]).path).toBe('args[1]')
    })

    it('the length of bigints, patterns and URLs', () => {
      const codec = within({})
      const digits = 65_536
      const value = [16n ** BigInt(digits) - 1n, new RegExp('a'.repeat(digits))]
      expect(difference(value, roundTrip(codec, value))).toBeUndefined()
      expect(attempt(codec, 16n ** BigInt(digits)).message).toContain('bigint')
      expect(attempt(codec, new RegExp('a'.repeat(digits + 1))).message).toContain('pattern')
      expect(attempt(codec, new URL(`http://a/${'a'.repeat(digits)}`)).message).toContain('URL')
    })
  })
}

function survivesUserCode(makeCodec: CodecFactory): void {
  describe('survives user code', () => {
    it('a getter that encodes in the midst of it', () => {
      const codec = makeCodec(defaultLimits)
      const slab = Buffer.alloc(65_536)
      const inner: [IncomingBody, unknown][] = []
      const value = {
        before: 'b'.repeat(500),
        get nested() {
          const made = { inner: inner.length, map: inner.length % 2 ? new Map([[1, 2]]) : undefined }
          const position = 16_000 + 64 * inner.length
          inner.push([{ ...deliver(codec.encode(made, 'x', slab, position, 16)), ...{} }, made])
          return 'n'
        },
        after: ['a', 'a'.repeat(500)],
      }
      for (let i = 0; i < 5; i++) {
        const body = deliver(codec.encode(value, 'args', slab, 0, 16))
        expect(codec.decode(body)).toEqual({ before: value.before, nested: 'n', after: value.after })
      }
      expect(inner.length).toBeGreaterThan(4)
      for (const [body, made] of inner) expect(codec.decode(body)).toEqual(made)
    })

    it('a getter whose bytes are still in the slab when the outer value is written', () => {
      const codec = makeCodec(defaultLimits)
      const slab = Buffer.alloc(65_536)
      const places: EncodedBody[] = []
      const value = {
        get nested() {
          places.push({ ...codec.encode({ inner: places.length }, 'x', slab, 1024 * (places.length + 1), 16) })
          return 'n'
        },
        after: 'a'.repeat(10_000),
      }
      const outer = { ...codec.encode(value, 'args', slab, 32_768, 16) }
      expect(codec.decode(deliver(outer))).toEqual({ nested: 'n', after: value.after })
      for (const [i, place] of places.entries()) expect(codec.decode(deliver(place))).toEqual({ inner: i })
    })

    it('a getter that answers otherwise the second time', () => {
      const codec = makeCodec(defaultLimits)
      let reads = 0
      const value = { get odd() { return reads++ === 0 ? 1 : Symbol('second') } } // oxfmt-ignore
      expect(attempt(codec, [value]).path).toBe('args[0].odd')
      expect(roundTrip(codec, [1])).toEqual([1])
    })
  })
}
