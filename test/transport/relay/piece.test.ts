import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeHead, pieceKind, PieceReader } from '../../../src/transport/relay/piece.ts'

/** What a reader makes of a stream, bytes that follow each other on a channel as one. */
function readAll(chunks: readonly Buffer[]): unknown[] {
  const seen: unknown[] = []
  const reader = new PieceReader({
    bytes(channel, bytes) {
      const last = seen.at(-1) as unknown[] | undefined
      if (last?.[0] === 'bytes' && last[1] === channel)
        last[2] = `${String(last[2])}${bytes.toString('latin1')}`
      else seen.push(['bytes', channel, bytes.toString('latin1')])
    },
    credit: (channel, count) => seen.push(['credit', channel, count]),
    end: (channel) => seen.push(['end', channel]),
    message: (message) => seen.push(['message', message]),
  })
  for (const chunk of chunks) reader.read(chunk)
  return seen
}

const message = Buffer.from('{"type":"started","pid":7,"words":"ä€"}')
const stream = Buffer.concat([
  encodeHead(pieceKind.bytes, 1, 5),
  Buffer.from('hello'),
  encodeHead(pieceKind.credit, 2, 70_000),
  encodeHead(pieceKind.message, 0, message.length),
  message,
  encodeHead(pieceKind.bytes, 3, 1),
  Buffer.from('!'),
  encodeHead(pieceKind.end, 3, 0),
])

test('however a stream is cut, the same pieces come out', () => {
  const whole = readAll([stream])
  expect(whole).toEqual([
    ['bytes', 1, 'hello'],
    ['credit', 2, 70_000],
    ['message', { type: 'started', pid: 7, words: 'ä€' }],
    ['bytes', 3, '!'],
    ['end', 3],
  ])
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length]
      const chunks = places.slice(1).map((end, index) => stream.subarray(places[index], end))
      expect(readAll(chunks)).toEqual(whole)
    }),
  )
})

test('what is no such stream is refused at its first head', () => {
  const heads = [
    encodeHead(0, 0, 0),
    encodeHead(9, 0, 1),
    encodeHead(pieceKind.bytes, 0, 0),
    encodeHead(pieceKind.bytes, 0, 65_537),
    encodeHead(pieceKind.end, 0, 1),
    encodeHead(pieceKind.message, 0, 2 ** 25),
    Buffer.from([pieceKind.bytes, 0, 1, 0, 1, 0, 0, 0]),
    Buffer.from('Welcome to'),
  ]
  for (const head of heads) expect(() => readAll([head])).toThrow(/none of the relay's/)
})

test('a message that is no JSON is refused', () => {
  expect(() => readAll([encodeHead(pieceKind.message, 0, 3), Buffer.from('{x}')])).toThrow(SyntaxError)
})
