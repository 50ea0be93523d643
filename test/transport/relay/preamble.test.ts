import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maxJunkBytes, preamble, PreambleSearch } from '../../../src/transport/relay/preamble.ts'

function search(chunks: readonly Buffer[]): { junk: string; rest: string; isFound: boolean } {
  const junk: Buffer[] = []
  const searching = new PreambleSearch((bytes) => junk.push(bytes))
  const rest = Buffer.concat(chunks.map((chunk) => searching.read(chunk)))
  searching.end()
  return {
    junk: Buffer.concat(junk).toString('latin1'),
    rest: rest.toString('latin1'),
    isFound: searching.isFound,
  }
}

test('however the bytes come, what is before the preamble is junk and what is behind it is not', () => {
  const stream = Buffer.concat([
    Buffer.from('Last login: yesterday\n\0malt\n'),
    preamble,
    Buffer.from('\n\0rest'),
  ])
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length]
      const chunks = places.slice(1).map((end, index) => stream.subarray(places[index], end))
      expect(search(chunks)).toEqual({
        junk: 'Last login: yesterday\n\0malt\n',
        rest: '\n\0rest',
        isFound: true,
      })
    }),
  )
})

test('the preamble is taken once: behind it, it is bytes like any other', () => {
  expect(search([preamble, preamble]).rest).toBe(preamble.toString('latin1'))
})

test('a stream that ends without it was all junk, the beginning of one included', () => {
  expect(search([preamble.subarray(0, 7)])).toEqual({
    junk: preamble.toString('latin1').slice(0, 7),
    rest: '',
    isFound: false,
  })
})

test('so much may come before it, and no more', () => {
  expect(search([Buffer.alloc(maxJunkBytes), preamble]).isFound).toBe(true)
  expect(() => search([Buffer.alloc(maxJunkBytes + preamble.length)])).toThrow(/no relay among them/)
})
