import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Codec } from '../../../src/transport/codec.ts'
import { difference } from '../../transport/codec/same-value.ts'
import { roundTrip } from './delivery.ts'
import { everyMemory, kept, Point } from './samples.ts'

const runs = Number(process.env['MALTSTER_TEST_RUNS'] ?? 1500)

/** Values come back as they were, or changed by a rule. */
export function keepsValues(codec: Codec): void {
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
      expect(decoded['a']).toEqual([1, , -0])
      expect(decoded['m']).toEqual(new Map([[1, new Set([2])]]))
      expect(decoded['e']).toBeInstanceOf(TypeError)
      expect(decoded['r']).toEqual(/x/g)
    })

    it('arbitrary data', () => {
      const data = fc.anything({
        withBigInt: true,
        withBoxedValues: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withNullPrototype: true,
        withSparseArray: true,
        withTypedArray: true,
        withUnicodeString: true,
        stringUnit: fc.oneof(
          fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
          fc.constant('\uD801'),
        ),
      })
      const isKept = (value: unknown): void => {
        expect(difference(value, roundTrip(codec, value))).toBeUndefined()
      }
      fc.assert(fc.property(data, isKept), { numRuns: runs })
      fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), isKept), { numRuns: runs })
    })

    it('arbitrary graphs', () => {
      fc.assert(
        fc.property(
          fc.array(fc.array(fc.nat(7), { maxLength: 3 }), { minLength: 8, maxLength: 8 }),
          (edges) => {
            const nodes = edges.map((_, i): unknown[] | Map<unknown, unknown> => (i % 2 ? [] : new Map()))
            for (const [i, targets] of edges.entries()) {
              for (const [j, target] of targets.entries()) {
                const from = nodes[i]!
                if (Array.isArray(from)) from.push(nodes[target])
                else from.set(j, nodes[target])
              }
            }
            expect(difference(nodes, roundTrip(codec, nodes))).toBeUndefined()
          },
        ),
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
        new (class extends Array<number> {})(1, 2),
        new Failure('x'),
      ]) as [unknown, unknown, Failure]
      expect(difference([new Map([['a', 1]]), [1, 2]], [map, list])).toBeUndefined()
      expect([error.constructor, error.name, error.message, error.code]).toEqual([Error, 'Failure', 'x', 5])
      expect(error.stack).toContain('keeps-values')
    })

    it('symbol keys, hidden properties and other properties of an array are left out; getters are read', () => {
      const value = {
        [Symbol('s')]: 1,
        list: Object.assign([1], { extra: 2 }),
        get now() {
          return 3
        },
      }
      Object.defineProperty(value, 'hidden', { value: 4 })
      expect(difference({ list: [1], now: 3 }, roundTrip(codec, value))).toBeUndefined()
      const withMap = { ...value, map: new Map() }
      expect(difference({ list: [1], now: 3, map: new Map() }, roundTrip(codec, withMap))).toBeUndefined()
    })
  })
}
