import { describe, expect, it } from 'vitest'
import type { Codec, CodecFactory } from '../../../src/transport/codec.ts'
import { defaultLimits, type Limits } from '../../../src/transport/limits.ts'
import { difference } from '../../transport/codec/same-value.ts'
import { refusal, roundTrip } from './delivery.ts'
import { bytes } from './samples.ts'

function nest(depth: number, make: (inner: unknown) => unknown): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = make(value)
  return value
}

/** What is over a limit is refused on the way out. */
export function keepsToLimits(makeCodec: CodecFactory): void {
  const within = (limits: Partial<Limits>): Codec => makeCodec({ ...defaultLimits, ...limits })

  describe('keeps to the limits', () => {
    const wraps: readonly ((inner: unknown) => unknown)[] = [
      (x) => [x],
      (x) => ({ x }),
      (x) => new Map([[1, x]]),
    ]

    it.each(wraps)('maxDepth (%#)', (wrap) => {
      for (const maxDepth of [3, 10, 16, 17, 100]) {
        const codec = within({ maxDepth })
        const deepest = nest(maxDepth, wrap)
        expect(difference(deepest, roundTrip(codec, deepest))).toBeUndefined()
        expect(refusal(codec, nest(maxDepth + 1, wrap)).message).toContain('maxDepth')
      }
    })

    it('maxDepth where a shared object is met again further down', () => {
      const codec = within({ maxDepth: 6 })
      const chain = nest(4, (x) => [x])
      roundTrip(codec, [chain, [chain]])
      expect(refusal(codec, [chain, [[chain]]]).path).toBe('args[1][0][0]')
    })

    it.each(wraps)('maxDepth far beyond the stack (%#)', (wrap) => {
      const codec = within({})
      const error = refusal(codec, nest(100_000, wrap))
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
        expect(refusal(codec, list(100)).message).toContain('maxItems')
      }
      expect(refusal(codec, Object.assign([], { length: 100 })).message).toContain('maxItems')
      const ten = Array(10).fill(0)
      roundTrip(codec, Array(9).fill(ten))
      expect(refusal(codec, Array(10).fill(ten)).path).toMatch(/^args/)
      expect(
        refusal(
          codec,
          nest(60, (x) => [x, x]),
        ).message,
      ).toContain('maxItems')
    })

    it('maxBodyBytes', () => {
      const codec = within({ maxBodyBytes: 1000 })
      roundTrip(codec, 'x'.repeat(990))
      expect(refusal(codec, ['x'.repeat(1001)]).path).toBe('args[0]')
      expect(refusal(codec, { a: 'ü'.repeat(900) }).message).toContain('maxBodyBytes')
      expect(refusal(codec, Array(900).fill(1.5)).message).toContain('maxBodyBytes')
      expect(refusal(codec, [bytes(600), bytes(601)]).path).toBe('args[1]')
      roundTrip(codec, bytes(100_000))
    })

    it('maxAttachmentBytes', () => {
      const codec = within({ maxAttachmentBytes: 10_000 })
      roundTrip(codec, [bytes(5000), bytes(5000)])
      expect(refusal(codec, [bytes(5000), bytes(5001)]).path).toBe('args[1]')
    })

    it('the length of bigints, patterns and URLs', () => {
      const codec = within({})
      const digits = 65_536
      const value = [16n ** BigInt(digits) - 1n, new RegExp('a'.repeat(digits))]
      expect(difference(value, roundTrip(codec, value))).toBeUndefined()
      expect(refusal(codec, 16n ** BigInt(digits)).message).toContain('bigint')
      expect(refusal(codec, new RegExp('a'.repeat(digits + 1))).message).toContain('pattern')
      expect(refusal(codec, new URL(`http://a/${'a'.repeat(digits)}`)).message).toContain('URL')
    })
  })
}
