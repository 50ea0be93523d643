import { expect, test } from 'vitest'
import { mapStack, noteModule } from '../../../src/movement/live/source-maps.ts'

const map = {
  version: 3,
  sources: ['original.ts'],
  names: [],
  // The second generated line is the fifth one of the original.
  mappings: ';AAIA',
}
const urlComment = ['//# sourceMapping', 'URL'].join('')
const comment = (content: string): string =>
  // In parts, so that nobody takes it for that of this file.
  `//# sourceMappingSource=vite-generated\n${urlComment}=data:application/json;base64,${Buffer.from(content).toString('base64')}`
const note = (file: string, content: string): void => noteModule(file, `one()\ntwo()\n${comment(content)}\n`)

test('places of modules that were sent are mapped, in every form of a frame', () => {
  note('file:///app/made.js', JSON.stringify(map))
  const stack = [
    'Error: x',
    '    at run (file:///app/made.js:2:1)',
    '    at file:///app/made.js:2:1',
    '    at async Object.go [as stop] (file:///app/made.js:2:9)',
    '    at other (file:///app/other.js:2:1)',
    '    at node:internal/timers:1:2',
  ].join('\n')
  expect(mapStack(stack).split('\n')).toEqual([
    'Error: x',
    '    at run (file:///app/original.ts:5:1)',
    '    at file:///app/original.ts:5:1',
    '    at async Object.go [as stop] (file:///app/original.ts:5:1)',
    '    at other (file:///app/other.js:2:1)',
    '    at node:internal/timers:1:2',
  ])
})

test('a path stays a path', () => {
  note('/app/common.cjs', JSON.stringify(map))
  expect(mapStack('    at run (/app/common.cjs:2:1)')).toBe('    at run (/app/original.ts:5:1)')
})

test.each([
  ['no JSON', '{'],
  ['null', 'null'],
  ['other data', '[1]'],
  ['no sources', '{"version":3,"mappings":";AAIA"}'],
  ['a source that is none', '{"version":3,"sources":[7],"names":[],"mappings":";AAIA"}'],
  ['a source that is no URL', '{"version":3,"sources":["http://[bad"],"names":[],"mappings":";AAIA"}'],
])('a map of %s changes nothing', (_what, content) => {
  note('file:///app/broken.js', content)
  const frame = '    at run (file:///app/broken.js:2:1)'
  expect(mapStack(frame)).toBe(frame)
})

test('hostile stacks take no time and come back as they are', () => {
  note('file:///app/made.js', JSON.stringify(map))
  const hostile = [
    `    at ${'('.repeat(100_000)}`,
    `    at a (file:///app/made.js:${'9'.repeat(50)}:1)`,
    `    at a (file:///app/made.js:999999999:999999999)`,
    `    at ${'a ('.repeat(600)}file:///app/made.js:2:1)`,
    '',
    '\0',
  ]
  const mapped = mapStack(hostile.join('\n')).split('\n')
  expect(mapped).toHaveLength(hostile.length)
  expect(mapped.filter((line, i) => line === hostile[i]).length).toBeGreaterThanOrEqual(4)
  const many = Array.from({ length: 1000 }, () => '    at file:///app/made.js:2:1').join('\n')
  expect(mapStack(many).split('\n').at(-1)).toBe('    at file:///app/made.js:2:1')
})
