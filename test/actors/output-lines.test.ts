import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteRing } from '../../src/actors/output/byte-ring.ts'
import { LineSplitter } from '../../src/actors/output/line-splitter.ts'
import { wholeCharacterBytes } from '../../src/actors/output/utf8-boundary.ts'
import { cutAt } from './output-streams.ts'

function split(chunks: readonly Buffer[], maxBytes?: number): string[] {
  const lines: string[] = []
  const splitter = new LineSplitter(
    { line: (text) => lines.push(text), flush: () => {}, end: () => {} },
    maxBytes,
  )
  for (const chunk of chunks) splitter.write(chunk)
  splitter.end()
  return lines
}

/** What the splitter does, said simply, with everything at hand. */
function reference(bytes: Buffer, maxBytes: number): string[] {
  const lines = bytes.toString('latin1').split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines.flatMap((line) => {
    const pieces: string[] = []
    let rest = Buffer.from(line, 'latin1')
    while (rest.length > maxBytes) {
      const cut = wholeCharacterBytes(rest, maxBytes)
      pieces.push(rest.subarray(0, cut).toString())
      rest = rest.subarray(cut)
    }
    return [...pieces, rest.toString()]
  })
}

const bits = fc.constantFrom('a', 'bc', '\n', '\r', '\r\n', 'é', '€', '😀', ' '.repeat(7))
const text = fc.array(bits, { maxLength: 60 }).map((parts) => Buffer.from(parts.join('')))
const anyBytes = fc.oneof(
  text,
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
)
const cuts = fc.array(fc.nat(250), { maxLength: 20 })

test('lines are those of a simple reference, however the bytes are cut, whatever they are', () => {
  fc.assert(
    fc.property(anyBytes, cuts, fc.integer({ min: 4, max: 40 }), (bytes, places, maxBytes) => {
      expect(split(cutAt(bytes, places), maxBytes)).toEqual(reference(bytes, maxBytes))
    }),
    { numRuns: 2000 },
  )
})

test('text that comes byte by byte is the same text', () => {
  fc.assert(
    fc.property(text, (bytes) => {
      const single = Array.from(bytes, (byte) => Buffer.of(byte))
      expect(split(single)).toEqual(split([bytes]))
      expect(split(single).join('')).not.toContain('\uFFFD')
    }),
  )
})

test('the pieces of a long line are whole characters, at most 64 KiB, and nothing is missing', () => {
  const line = '😀'.repeat(50_000)
  const pieces = split(cutAt(Buffer.from(`x${line}\n`), [1, 65_535, 65_536, 131_075]))
  expect(pieces.join('')).toBe(`x${line}`)
  expect(Math.max(...pieces.map((piece) => Buffer.byteLength(piece)))).toBeLessThanOrEqual(65_536)
  expect(pieces.length).toBe(4)
})

test.each([
  [65_536, '\n', [65_536]],
  [65_536, '\r\n', [65_536]],
  [65_537, '\r\n', [65_536, 1]],
  [65_537, '', [65_536, 1]],
  [131_072, '\n', [65_536, 65_536]],
])('%i characters and %j make pieces of %j', (length, end, expected) => {
  const bytes = Buffer.from(`${'x'.repeat(length)}${end}`)
  for (const places of [[], [length], [length + 1], [65_536], [65_537], [65_538]]) {
    expect(split(cutAt(bytes, places)).map((piece) => piece.length)).toEqual(expected)
  }
})

test.each([
  ['a progress bar is one line', '10%\r50%\r100%\ndone', ['10%\r50%\r100%', 'done']],
  ['one `\\r` goes with its newline', 'a\r\r\n\r\nb\r', ['a\r', '', 'b\r']],
  ['empty lines are lines', '\n\nx\n', ['', '', 'x']],
  ['no text, no line', '', []],
])('%s', (_, given, lines) => {
  expect(split([Buffer.from(given)])).toEqual(lines)
})

test('20 MB without a newline, and 2 MB byte by byte, take linear work', () => {
  const chunk = Buffer.alloc(2 ** 16, 'x')
  let copied = 0
  const length = 320
  const lines = split(Array.from({ length }, () => chunk))
  for (const line of lines) copied += line.length
  expect(copied).toBe(length * chunk.length)
  const byte = Buffer.from('y')
  expect(split(Array.from({ length: 2e6 }, () => byte)).join('').length).toBe(2e6)
})

test('a ring keeps the newest bytes and counts the others', () => {
  const step = fc.record({ write: fc.nat(30), read: fc.nat(20) })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
      const ring = new ByteRing(capacity)
      let model = Buffer.alloc(0)
      let next = 0
      for (const { write, read } of steps) {
        const bytes = Buffer.from(Array.from({ length: write }, () => next++ % 256))
        const all = Buffer.concat([model, bytes])
        expect(ring.write(bytes)).toBe(Math.max(0, all.length - capacity))
        model = all.subarray(Math.max(0, all.length - capacity))
        expect(ring.peek().equals(model)).toBe(true)
        expect(ring.read(read).equals(model.subarray(0, read))).toBe(true)
        model = model.subarray(read)
        expect(ring.length).toBe(model.length)
      }
    }),
    { numRuns: 1000 },
  )
})
