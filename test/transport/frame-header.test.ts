import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  alignTo8,
  encodeHeader,
  paddingAfter,
  readAttachmentCount,
  readDescriptor,
  readU32,
  writeDescriptor,
} from '../../src/transport/frame-header.ts'

const u32 = fc.nat({ max: 2 ** 32 - 1 })

test('encodeHeader() writes the layout of the protocol, byte by byte', () => {
  const bytes = Buffer.alloc(20, 0xff)
  encodeHeader(bytes, 2, {
    bodyBytes: 0x04030201,
    type: 5,
    flags: 6,
    attachmentCount: 0x0807,
    id: 0x0c0b0a09,
    aux: 0x100f0e0d,
  })
  expect(bytes.toString('hex')).toBe('ffff0102030405060708090a0b0c0d0e0f10ffff')
})

test('readU32() and readAttachmentCount() give back what encodeHeader() wrote', () => {
  fc.assert(
    fc.property(u32, u32, u32, fc.nat({ max: 0xffff }), (bodyBytes, id, aux, attachmentCount) => {
      const bytes = Buffer.alloc(16)
      encodeHeader(bytes, 0, { bodyBytes, type: 255, flags: 255, attachmentCount, id, aux })
      expect([readU32(bytes, 0), readU32(bytes, 8), readU32(bytes, 12)]).toEqual([bodyBytes, id, aux])
      expect(readAttachmentCount(bytes, 0)).toBe(attachmentCount)
    }),
  )
})

test('writeDescriptor() and readDescriptor() hold for lengths over 4 GiB', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (byteLength) => {
      const bytes = Buffer.alloc(8)
      writeDescriptor(bytes, 0, byteLength)
      expect(bytes.readBigUInt64LE()).toBe(BigInt(byteLength))
      expect(readDescriptor(bytes, 0)).toBe(byteLength)
    }),
  )
})

test('alignTo8() and paddingAfter() hold for all safe integers up to 2^53 - 8', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER - 7 }), (byteLength) => {
      expect(alignTo8(byteLength) % 8).toBe(0)
      expect(paddingAfter(byteLength)).toBeLessThan(8)
      expect(alignTo8(byteLength) - byteLength).toBe(paddingAfter(byteLength))
    }),
  )
})
