import { describe, expect, it } from 'vitest'
import type { CodecFactory, EncodedBody, IncomingBody } from '../../../src/transport/codec.ts'
import { defaultLimits } from '../../../src/transport/limits.ts'
import { deliver, refusal, roundTrip } from './delivery.ts'

/** Getters run in the midst of an encode. */
export function survivesUserCode(makeCodec: CodecFactory): void {
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
          inner.push([deliver(codec.encode(made, 'x', slab, position, 16)), made])
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
          places.push({
            ...codec.encode({ inner: places.length }, 'x', slab, 1024 * (places.length + 1), 16),
          })
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
      const value = {
        get odd() {
          return reads++ === 0 ? 1 : Symbol('second')
        },
      }
      expect(refusal(codec, [value]).path).toBe('args[0].odd')
      expect(roundTrip(codec, [1])).toEqual([1])
    })
  })
}
