import { describe, expect, test } from 'vitest'
import { sizeFaults, sizeLimits } from './sizes.ts'
import { root, temporaryTree } from './temporary-tree.ts'

const lines = (count: number): string => 'work()\n'.repeat(count)

function faultsOf(text: string): string[] {
  return sizeFaults(temporaryTree({ 'src/a.ts': text, 'scripts/b.mjs': '' }))
}

test('no file and no function of src and scripts is too long', () => {
  expect(sizeFaults(root)).toEqual([])
})

describe('sizeFaults()', () => {
  test('refuses a file of 301 lines and lets one of 300 be', () => {
    expect(faultsOf(lines(sizeLimits.file))).toEqual([])
    expect(faultsOf(lines(sizeLimits.file + 1))).toEqual(['src/a.ts has 301 lines of code; the limit is 300'])
  })

  test('does not count blank lines and comments', () => {
    expect(faultsOf(`${lines(sizeLimits.file)}\n\n// comment\n/**\n * more\n */\n`)).toEqual([])
  })

  test.each([
    ['a function', 'function f() {\n', '}\n'],
    ['an arrow function', 'const f = (a: number): void => {\n', '}\n'],
    ['a method', 'class A { f(): void {\n', '} }\n'],
    ['a generator in an object', 'const o = { *f() {\n', '} }\n'],
  ])('refuses %s of 61 lines and lets one of 60 be', (_, head, tail) => {
    expect(faultsOf(head + lines(sizeLimits.function - 2) + tail)).toEqual([])
    expect(faultsOf(head + lines(sizeLimits.function - 1) + tail)).toEqual([
      'the function at src/a.ts:1 has 61 lines of code; the limit is 60',
    ])
  })

  test('covers scripts', () => {
    const tree = temporaryTree({ 'src/a.ts': '', 'scripts/b.mjs': lines(sizeLimits.file + 1) })
    expect(sizeFaults(tree)).toEqual(['scripts/b.mjs has 301 lines of code; the limit is 300'])
  })
})
