import { describe, expect, test } from 'vitest'
import { importOrigin } from '../../../src/movement/live/import-origin.ts'
import { ModuleFacts, type Variable } from '../../../src/movement/live/module-facts.ts'

/** Looks a name up from where the source says HERE. */
function lookUp(source: string, name: string): Variable | undefined {
  return ModuleFacts.read(source)?.lookUp(name, source.indexOf('HERE'))
}

describe('a name is what its module says', () => {
  test.each([
    ['let x = 1\n(HERE)', 'let', true, true],
    ['let x = 1\nx = 2\n(HERE)', 'let', true, false],
    ['let x = 1\nfunction f() { x++ }\n(HERE)', 'let', true, false],
    ['let x\n;({ a: [x] } = {})\n;(HERE)', 'let', true, false],
    ['for (x of []) {}\nvar x\n;(HERE)', 'var', true, false],
    ['const x = 1\n;(HERE)', 'const', true, true],
    ['export const x = 1\n;(HERE)', 'const', true, true],
    ['export default function x() {}\n;(HERE)', 'function', true, true],
    ['class x {}\n;(HERE)', 'class', true, true],
    ['if (a) { var x = 1 }\n;(HERE)', 'var', true, true],
    ['import { x } from "y"\n;(HERE)', 'import', true, true],
    ['const x = 1; { const x = 2; (HERE) }', 'const', false, true],
    ['let x; function f(x) { (HERE) }', 'parameter', false, true],
    ['let x; function f({ a: [x = 1] }) { x = 2; (HERE) }', 'parameter', false, false],
    ['let x; function f() { { var x } (HERE) }', 'var', false, true],
    ['let x; for (let x = 0; x < 3; x++) { (HERE) }', 'let', false, false],
    ['let x; for (const x of []) { (HERE) }', 'const', false, true],
    ['let x; try {} catch (x) { (HERE) }', 'parameter', false, true],
    ['let x; switch (1) { case 1: let x; (HERE) }', 'let', false, true],
    ['let x; const A = class x { m() { (HERE) } }', 'class', false, true],
    ['let x; const f = function x() { (HERE) }', 'function', false, true],
    ["'use strict';(async (a, b) => {{\nlet x = 1\n;(HERE)\n}})", 'let', true, true],
  ])('%s', (source, kind, isTopLevel, isNeverReassigned) => {
    expect(lookUp(source, 'x')).toMatchObject({ kind, isTopLevel, isNeverReassigned })
  })

  test('undefined for what is declared elsewhere, or not at all', () => {
    expect(lookUp('{ let x } function f(x) {} (HERE)', 'x')).toBe(undefined)
  })
})

describe('an import is known by how it is written', () => {
  test.each([
    ["import x from 'a'", { specifier: 'a', name: 'default', isRequire: false }],
    ["import { y as x } from 'a'", { specifier: 'a', name: 'y', isRequire: false }],
    ["import { 'odd name' as x } from 'a'", { specifier: 'a', name: 'odd name', isRequire: false }],
    ["import * as x from 'a'", { specifier: 'a', name: '*', isRequire: false }],
    ["const x = require('a')", { specifier: 'a', name: '*', isRequire: true }],
    ["const { x } = require('a')", { specifier: 'a', name: 'x', isRequire: true }],
    ["const { y: x } = require('a')", { specifier: 'a', name: 'y', isRequire: true }],
    ["const x = require('a').y", { specifier: 'a', name: 'y', isRequire: true }],
    ["const x = __toESM(require('a'))", { specifier: 'a', name: '*', isRequire: false }],
    ["const x = await import('a')", { specifier: 'a', name: '*', isRequire: false }],
    ["const { x } = await import('a')", { specifier: 'a', name: 'x', isRequire: false }],
    ["const x = await __vite_ssr_import__('a', {})", { specifier: 'a', name: '*', isRequire: false }],
    ['const x = require(a)', undefined],
    ["const x = load('a')", undefined],
    ['const x = 1', undefined],
  ])('%s', (source, expected) => {
    const variable = lookUp(`${source}\n;(HERE)`, 'x')
    expect(variable && importOrigin('x', variable)).toEqual(expected)
  })
})

describe('by what an export goes in its module, for whoever denies a name', () => {
  test.each([
    ['export let x = 1', 'x', ['x']],
    ['let y = 1; export { y as x }', 'x', ['y']],
    ['let y = 1; y = 2; export default y', 'default', ['y']],
    ['const z = 1; const y = z; export { y as x }', 'x', ['y', 'z']],
    ['var z = 1, y_default = z; export { y_default as default }', 'default', ['y_default', 'z']],
    ['const y = y; export { y as x }', 'x', ['y', 'y']],
    ["import { z as y } from 'a'; export { y as x }", 'x', ['y', 'a#z']],
    ["import * as y from 'a'; export { y as x }", 'x', ['y', 'a#*']],
    ["export { z as x } from 'a'", 'x', ['a#z']],
    ["export * as x from 'a'", 'x', ['a#*']],
    ["export * from 'a'; export * from 'b'", 'x', ['a#x', 'b#x']],
    ["export * from 'a'", 'default', []],
    ["const y = await import('a').then((m) => m); export { y as x }", 'x', ['y', 'a#*']],
    ['export default 1', 'default', []],
  ])('%s', (source, name, expected) => {
    const spelled = ModuleFacts.read(source)?.spellings(name)
    expect(spelled?.map((one) => ('local' in one ? one.local : `${one.specifier}#${one.name}`))).toEqual(
      expected,
    )
  })
})
