import { describe, expect, test } from 'vitest'
import { protocolDocFaults } from './protocol-doc.ts'
import { root, temporaryTree } from './temporary-tree.ts'

function faultsOf(doc: string): string[] {
  return protocolDocFaults(
    temporaryTree({
      'src/transport/protocol.ts':
        'export const frameType = { hello: 1, ping: 21 } as const\nexport const frameFlag = { cast: 16 } as const',
      'docs/protocol.md': doc,
    }),
  )
}

test('docs/protocol.md has every frame type and flag with its number', () => {
  expect(protocolDocFaults(root)).toEqual([])
})

describe('protocolDocFaults()', () => {
  test('takes decimal and hexadecimal numbers', () => {
    expect(faultsOf('| 1 | `hello` |\n| `ping` | 0x15 |\n- `cast` (16): nobody waits')).toEqual([])
  })

  test('refuses a missing name', () => {
    expect(faultsOf('| 1 | `hello` |\n| `cast` | 16 |')).toEqual([
      'docs/protocol.md has no line with ping and 21 (frameType)',
    ])
  })

  test('refuses a wrong number, and a number that is part of another', () => {
    expect(faultsOf('| 11 | `hello` |\n| `ping` | 22 |\n| 16 | `casting` |')).toEqual([
      'docs/protocol.md has no line with hello and 1 (frameType)',
      'docs/protocol.md has no line with ping and 21 (frameType)',
      'docs/protocol.md has no line with cast and 16 (frameFlag)',
    ])
  })

  test('refuses a source in which it finds no tables', () => {
    const tree = temporaryTree({
      'src/transport/protocol.ts': 'export const frameType = 1',
      'docs/protocol.md': '',
    })
    expect(protocolDocFaults(tree)).toEqual([
      'src/transport/protocol.ts has no object frameType of numbers',
      'src/transport/protocol.ts has no object frameFlag of numbers',
    ])
  })
})
