import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { floors, roomDiagram, roomFaults } from './rooms.ts'
import { root, temporaryTree } from './temporary-tree.ts'

describe('the rooms of src', () => {
  test('import only what is below them, without cycles, barrels or vague names', () => {
    expect(roomFaults(root)).toEqual([])
  })

  test('are drawn as they are', async () => {
    await expect(roomDiagram(root)).toMatchFileSnapshot(join(root, 'diagrams/rooms.mmd'))
  })
})

describe('roomFaults()', () => {
  const rooms = Object.keys(floors)
  const wrongPairs = rooms.flatMap((from) =>
    rooms.filter((to) => from !== to && (floors[to] ?? 0) >= (floors[from] ?? 0)).map((to) => [from, to]),
  )

  test.each(wrongPairs)('refuses that %s imports %s, even a type', (from, to) => {
    const tree = temporaryTree({
      [`src/${from}/a.ts`]: `import type { B } from '../${to}/b.ts'\nexport type A = B`,
      [`src/${to}/b.ts`]: 'export type B = 1',
    })
    expect(roomFaults(tree)).toEqual([`src/${from}/a.ts imports ../${to}/b.ts: ${from} must not know ${to}`])
  })

  test.each([
    ['an export from', `export { b } from '../actors/b.ts'`],
    ['an export of all', `export * from '../actors/b.ts'`],
    ['a dynamic import', `export const a = import('../actors/b.ts')`],
    ['an import type', `export type A = import('../actors/b.ts').B`],
    ['a bare import', `import '../actors/b.ts'`],
  ])('sees %s', (_, text) => {
    const tree = temporaryTree({ 'src/child/a.ts': text, 'src/actors/b.ts': '' })
    expect(roomFaults(tree)).toEqual(['src/child/a.ts imports ../actors/b.ts: child must not know actors'])
  })

  test('lets a room import what is below it, and index.ts import all', () => {
    const tree = temporaryTree({
      'src/index.ts': `export * from './supervisor/a.ts'\nexport * from './errors/c.ts'`,
      'src/supervisor/a.ts': `import '../actors/b.ts'\nimport '../errors/c.ts'`,
      'src/actors/b.ts': `import '../errors/c.ts'`,
      'src/errors/c.ts': '',
    })
    expect(roomFaults(tree)).toEqual([])
  })

  test('refuses a cycle of value imports and lets one of types be', () => {
    const tree = temporaryTree({
      'src/errors/a.ts': `import { b } from './b.ts'\nexport const a = () => b`,
      'src/errors/b.ts': `import { c } from './c.ts'\nexport const b = () => c`,
      'src/errors/c.ts': `import { a } from './a.ts'\nexport const c = () => a`,
      'src/errors/d.ts': `import { type E } from './e.ts'\nexport type D = E\nexport const d = 1`,
      'src/errors/e.ts': `import type { D } from './d.ts'\nimport { d } from './d.ts'\nexport type E = D | typeof d`,
    })
    expect(roomFaults(tree)).toEqual([
      'import cycle: src/errors/a.ts → src/errors/b.ts → src/errors/c.ts → src/errors/a.ts',
    ])
  })

  test.each([
    ['src/errors/utils.ts', '"utils" says nothing'],
    ['src/errors/helpers/a.ts', '"helpers" says nothing'],
    ['src/errors/common-words.ts', '"common" says nothing'],
    ['src/errors/camelCase.ts', '"camelCase" is not kebab-case'],
    ['src/cellar/a.ts', 'belongs to no room'],
    ['src/stray.ts', 'belongs to no room'],
  ])('refuses the name %s', (path, fault) => {
    expect(roomFaults(temporaryTree({ [path]: '' })).join('\n')).toContain(`${path}: ${fault}`)
  })

  test.each([
    ['src/child/a.ts', `import '../errors/index.ts'`, 'not a barrel'],
    ['src/child/a.ts', `export { b } from '../errors/b.ts'`, "don't hand on what errors has"],
    ['src/child/a.ts', `import { setup } from 'xstate'`, 'the child boots without it'],
    ['src/child/a.ts', `import PQueue from 'p-queue'`, 'only the host schedules calls'],
    ['src/transport/a.ts', `import { Packr } from 'msgpackr/pack'`, 'our private copy'],
    ['src/actors/a.ts', `import { root } from 'maltster'`, 'not the package it is part of'],
    ['src/actors/a.ts', `import '../../scripts/b.ts'`, 'outside the rooms'],
  ])('refuses in %s: %s', (path, text, fault) => {
    const tree = temporaryTree({ [path]: text, 'src/errors/index.ts': '', 'src/errors/b.ts': '' })
    expect(roomFaults(tree)).toEqual([expect.stringContaining(fault)])
  })
})
