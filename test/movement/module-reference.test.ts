import { expect, test } from 'vitest'
import { prepareModuleReference } from '../../src/movement/module-reference.ts'

test.each([
  [new URL('file:///srv/tasks.js'), 'file:///srv/tasks.js'],
  ['file:///srv/tasks.js', 'file:///srv/tasks.js'],
  ['/srv/my tasks.js', 'file:///srv/my%20tasks.js'],
  ['data:text/javascript,export default 1', 'data:text/javascript,export default 1'],
  ['node:fs/promises', 'node:fs/promises'],
  ['fs', 'fs'],
  ['lodash', 'lodash'],
  ['lodash.get/index.js', 'lodash.get/index.js'],
  ['@scope/pkg/sub/path.js', '@scope/pkg/sub/path.js'],
])('prepareModuleReference() takes %s', (module, expected) => {
  const { definition, name, captureNames } = prepareModuleReference({ module, export: 'double' })
  expect(definition).toEqual({ kind: 'module', module: expected, export: 'double' })
  expect({ name, captureNames }).toEqual({ name: 'double', captureNames: [] })
})

test.each(['./tasks.js', '../tasks.js', '.', '..', '.\\tasks.js'])(
  'prepareModuleReference() refuses the relative %s and names the remedy',
  (module) => {
    const attempt = (): unknown => prepareModuleReference({ module, export: 'double' })
    expect(attempt).toThrow(TypeError)
    expect(attempt).toThrow(`Write \`new URL(${JSON.stringify(module)}, import.meta.url)\``)
  },
)

test.each([
  ['https://example.org/tasks.js', /got `"https:|got `https:/],
  [new URL('https://example.org/tasks.js'), /got `https:/],
  ['node:nonsense', /got `node:nonsense`/],
  ['#internal', /got `"#internal"` \(string\)/],
  ['', /got `""` \(string\)/],
  ['two words', /two words/],
  [3, /got `3` \(number\)/],
  [undefined, /got `undefined`/],
  [() => 1, /function/],
])('prepareModuleReference() refuses %s as a module', (module, message) => {
  const attempt = (): unknown => prepareModuleReference({ module: module as string, export: 'double' })
  expect(attempt).toThrow(TypeError)
  expect(attempt).toThrow(/^Expected `module` to be a URL/)
  expect(attempt).toThrow(message)
})

test.each([undefined, '', 3, null])('prepareModuleReference() wants `export` to be said, not %s', (name) => {
  const attempt = (): unknown => prepareModuleReference({ module: 'fs', export: name as string })
  expect(attempt).toThrow(TypeError)
  expect(attempt).toThrow(/^Expected `export` to be the name of an export of the module, such as `'double'`/)
})

test('prepareModuleReference() refuses what is no object', () => {
  expect(() => prepareModuleReference(null as never)).toThrow(/^Expected `{ module, export }`, got `null`$/)
})

test('prepareModuleReference() gives equal keys to equal references only', () => {
  const key = (module: string, name: string): string => prepareModuleReference({ module, export: name }).key
  expect(key('/a.js', 'b')).toBe(key('file:///a.js', 'b'))
  expect(new Set([key('/a.js', 'b'), key('/a.js', 'c'), key('/b.js', 'b')]).size).toBe(3)
})

test.each([
  ['./tasks.js', 'file:///srv/app/main.js', { module: 'file:///srv/app/tasks.js' }],
  ['../tasks.js', '/srv/app/main.js', { module: 'file:///srv/tasks.js' }],
  ['/srv/tasks.js', '/srv/app/main.js', { module: 'file:///srv/tasks.js' }],
  ['lodash', new URL('file:///srv/app/main.js'), { module: 'lodash', from: 'file:///srv/app/main.js' }],
  ['#internal', '/srv/app/main.js', { module: '#internal', from: 'file:///srv/app/main.js' }],
  ['node:fs', '/srv/app/main.js', { module: 'node:fs' }],
  ['fs', '/srv/app/main.js', { module: 'fs' }],
  [new URL('file:///srv/tasks.js'), '/srv/app/main.js', { module: 'file:///srv/tasks.js' }],
])('prepareModuleReference() resolves %s from %s', (module, from, place) => {
  const { definition } = prepareModuleReference({ module, from, export: 'double' })
  expect(definition).toEqual({ kind: 'module', ...place, export: 'double' })
})

test.each(['here', '', 3, 'data:text/javascript,1', new URL('https://example.org/')])(
  'prepareModuleReference() refuses to resolve from %s',
  (from) => {
    const attempt = (): unknown =>
      prepareModuleReference({ module: './a.js', from: from as string, export: 'b' })
    expect(attempt).toThrow(TypeError)
    expect(attempt).toThrow(
      /^Expected `from` to be a `file:` URL, such as `import\.meta\.url`, or an absolute path/,
    )
  },
)

test('prepareModuleReference() tells a package apart by where it is looked for', () => {
  const key = (from?: string): string =>
    prepareModuleReference({ module: 'lodash', export: 'get', ...(from === undefined ? {} : { from }) }).key
  expect(new Set([key(), key('/a/x.js'), key('/b/x.js')]).size).toBe(3)
})
