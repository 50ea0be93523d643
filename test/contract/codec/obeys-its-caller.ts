import { describe, expect, it } from 'vitest'
import type { Codec } from '../../../src/transport/codec.ts'
import { difference } from '../../transport/codec/same-value.ts'
import { deliver } from './delivery.ts'
import { bytes } from './samples.ts'

/** Slab, position, reserve, attachments. */
export function obeysItsCaller(codec: Codec): void {
  describe('obeys its caller', () => {
    const values: unknown[] = [[1, 2], { a: 'text', b: new Map([[1, 2]]) }, 'x'.repeat(1000), bytes(10)]

    it.each([0, 8, 5, 4000])(
      'writes into the slab, at %i, behind the reserve, and nowhere before it',
      (position) => {
        for (const value of values) {
          const slab = Buffer.alloc(65_536, 0xee)
          const body = codec.encode(value, 'args', slab, position, 16)
          expect(body.buffer).toBe(slab)
          expect((body.start - 16) % 8).toBe(0)
          expect(body.start - 16 - position).toBeLessThan(8)
          expect(slab.subarray(0, body.start).every((byte) => byte === 0xee)).toBe(true)
          expect(difference(value, codec.decode(deliver(body)))).toBeUndefined()
        }
      },
    )

    it.each([
      [100, 0],
      [65_536, 65_000],
      [65_536, 65_536],
      [8192, 0],
    ])('takes a buffer of its own if a slab of %i bytes has no room at %i', (length, position) => {
      const slab = Buffer.alloc(length, 0xee)
      for (const value of [...values, 'y'.repeat(200_000)]) {
        const body = codec.encode(value, 'args', slab, position, 16)
        expect(body.start).toBeGreaterThanOrEqual(16)
        expect(slab.subarray(0, position).every((byte) => byte === 0xee)).toBe(true)
        expect(difference(value, codec.decode(deliver(body)))).toBeUndefined()
      }
    })

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
