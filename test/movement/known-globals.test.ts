import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { globalsOfNode, isKnownGlobal, isLaterGlobal } from '../../src/movement/known-globals.ts'

// The bare process is the truth: nothing but Node.js has put anything there.
const script = join(import.meta.dirname, '../fixtures/movement/print-globals.mjs')

test('isKnownGlobal() knows the globals of a bare Node.js process, and no others', () => {
  const printed = execFileSync(process.execPath, ['--no-warnings', script], { encoding: 'utf8', env: {} })
  const names = JSON.parse(printed) as string[]
  const major = Number.parseInt(process.versions.node, 10)
  expect([...globalsOfNode(major)].toSorted()).toEqual(names.toSorted())
  expect(names.filter((name) => !isKnownGlobal(name))).toEqual([])
})

test('isKnownGlobal() does not know what somebody put on globalThis', () => {
  Object.assign(globalThis, { putThereByTheTest: 1 })
  try {
    expect(isKnownGlobal('putThereByTheTest')).toBe(false)
  } finally {
    Reflect.deleteProperty(globalThis, 'putThereByTheTest')
  }
})

test.each(['require', 'module', 'exports', '__filename', '__dirname', 'window', 'toString', 'constructor'])(
  'isKnownGlobal() does not know %s',
  (name) => {
    expect(isKnownGlobal(name)).toBe(false)
  },
)

test('globalsOfNode() grows with the version', () => {
  expect(globalsOfNode(20).has('WebSocket')).toBe(false)
  expect(globalsOfNode(22).has('WebSocket')).toBe(true)
  expect(globalsOfNode(23).has('URLPattern')).toBe(false)
  expect(globalsOfNode(24).has('URLPattern')).toBe(true)
})

test('isLaterGlobal() knows what a later Node.js has, if it is not there by another way', () => {
  const isLater = !Object.hasOwn(globalThis, 'Temporal')
  expect(isLaterGlobal('Temporal')).toBe(isLater)
  expect(isLaterGlobal('Array')).toBe(false)
  expect(isLaterGlobal('Later')).toBe(false)
})
