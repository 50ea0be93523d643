import { describe, expect, it } from 'vitest'
import type { Codec } from '../../../src/transport/codec.ts'
import { refusal, roundTrip } from './delivery.ts'
import { Point } from './samples.ts'

/** What can't be sent is refused with its path and a remedy. */
export function refusesWhatCannotGo(codec: Codec): void {
  const iterator = [1].values()
  const refused: readonly (readonly [string, () => unknown, string, RegExp])[] = [
    [
      'a function',
      () => [{ handlers: [1, 2, function go() {}] }],
      'args[0].handlers[2]',
      /a function \(go\)/,
    ],
    ['a nameless function', () => [() => {}], 'args[0]', /is a function\./],
    ['a class', () => [{ 'odd key': Point }], 'args[0]["odd key"]', /a class \(Point\)/],
    ['a symbol', () => [Symbol('s')], 'args[0]', /a symbol \(Symbol\(s\)\)/],
    ['a symbol in an object', () => [Object(Symbol('s'))], 'args[0]', /a symbol/],
    ['a promise', () => [{ a: Promise.resolve() }], 'args[0].a', /Await it/],
    ['a WeakMap', () => [new WeakMap()], 'args[0]', /a WeakMap/],
    ['a WeakSet', () => [new WeakSet()], 'args[0]', /a WeakSet/],
    ['a WeakRef', () => [new WeakRef({})], 'args[0]', /deref/],
    ['a proxy of an object', () => [{ p: new Proxy({ a: 1 }, {}) }], 'args[0].p', /a Proxy/],
    ['a proxy of an array', () => [new Proxy([1], {})], 'args[0]', /a Proxy/],
    [
      'a revoked proxy',
      () => {
        const p = Proxy.revocable({}, {})
        p.revoke()
        return [p.proxy]
      },
      'args[0]',
      /a Proxy/,
    ],
    ['a proxy of a function', () => [new Proxy(() => {}, {})], 'args[0]', /a function/],
    ['shared memory', () => [new SharedArrayBuffer(8)], 'args[0]', /a SharedArrayBuffer/],
    [
      'a view of shared memory',
      () => [new Uint8Array(new SharedArrayBuffer(8))],
      'args[0]',
      /SharedArrayBuffer/,
    ],
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
  ]

  describe('refuses, with the path and a remedy,', () => {
    it.each(refused)('%s', (_, make, path, words) => {
      const error = refusal(codec, make())
      expect(error.path).toBe(path)
      expect(error.message.startsWith(`${path} can't be sent: it is `)).toBe(true)
      expect(error.message).toMatch(words)
      expect(error.executed).toBe('no')
    })

    it('a getter that throws, with what it threw as the cause', () => {
      const cause = new Error('no luck')
      const value = {
        get broken(): never {
          throw cause
        },
      }
      const error = refusal(codec, [value])
      expect(error.path).toBe('args[0].broken')
      expect(error.message).toContain('no luck')
      expect(error.cause).toBe(cause)
    })

    it('memory that was transferred away', () => {
      const view = new Uint8Array(8)
      structuredClone(view.buffer, { transfer: [view.buffer] })
      expect(refusal(codec, [view]).path).toBe('args[0]')
    })

    it('and works on as before', () => {
      refusal(codec, [{ secret: 'do not keep' }, () => {}])
      expect(roundTrip(codec, [1, { a: 2 }])).toEqual([1, { a: 2 }])
    })
  })
}
