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
    ['for (const v of []) { var x = v; (HERE) }', 'var', true, false],
    ['while (a) { var { x } = a; (HERE) }', 'var', true, false],
    ['do { var x = 1 } while (HERE)', 'var', true, false],
    ['for (;;) { for (var x = 0; ; ) (HERE) }', 'var', true, false],
    ['var x = 1; (HERE); var x = 2', 'var', true, false],
    ['var x; (HERE); var x = 2', 'var', true, false],
    ['var x = 1; (HERE); var x', 'var', true, false],
    ['function x() {}; (HERE); var x = 2', 'var', true, false],
    ['function f(x) { var x = 1; (HERE) }', 'var', false, false],
    ['for (const v of []) { (() => { var x = v; (HERE) })() }', 'var', false, true],
    ['var x = 1; (HERE); function f() { var x = 2 }', 'var', true, true],
    ['function f(x) { arguments[0] = 1; (HERE) }', 'parameter', false, false],
    ['function f(x) { (HERE); () => arguments }', 'parameter', false, false],
    ['function f(x) { (HERE); function g() { return arguments } }', 'parameter', false, true],
    ['__filename="a.ts";(() => { const x = 1\n;(HERE) })()', 'const', true, true],
    ['(() => { const x = 1\n;(HERE) })()', 'const', false, true],
    ["'use strict';(async (a, b) => {{\nlet x = 1\n;(HERE)\n}})", 'let', true, true],
  ])('%s', (source, kind, isTopLevel, isNeverReassigned) => {
    expect(lookUp(source, 'x')).toMatchObject({ kind, isTopLevel, isNeverReassigned })
  })

  test.each([
    ['let x = 1; (HERE); (text) => eval(text)', true],
    ['const x = 1; (HERE); (text) => eval(text)', false],
    ['let x = 1; (HERE); (text) => (0, eval)(text)', false],
    ['function f(x) { (HERE) } eval(1)', false],
  ])('evaluated text may assign to it: %s', (source, isInReach) => {
    expect(lookUp(source, 'x')).toMatchObject({ isNeverReassigned: true, isInReach })
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

describe('what a module that is no ES module any more exports goes by names that its text shows', () => {
  test.each([
    ['__export(state, { k: () => apiKey, other: () => one })', ['apiKey']],
    ['exports.k = apiKey', ['apiKey']],
    ["exports['k'] = exports.l = apiKey", ['apiKey']],
    ['module.exports = { k: apiKey }', ['apiKey']],
    ['module.exports = { other: apiKey, k: 1 }', []],
    [
      "Object.defineProperty(exports, 'k', { enumerable: true, get: function () { return apiKey } })",
      ['apiKey'],
    ],
    ['__vi_export__("k", () => { try { return apiKey } catch {} })', ['apiKey']],
    ['__export(state, { k: () => k_default }); var k_default = apiKey', ['k_default', 'apiKey']],
    [
      '(() => { __export(state, { k: () => k_default }); var k_default = apiKey })()',
      ['k_default', 'apiKey'],
    ],
    ['export const j = 1; exports.k = apiKey', []],
  ])('%s', (source, names) => {
    const spellings = ModuleFacts.read(source)!.spellings('k')
    expect(spellings.map((one) => ('local' in one ? one.local : one))).toEqual(names)
  })

  test.each([
    ['__export(state, { k: () => import_other.n }); var import_other = require("./other")', 'n'],
    ['__reExport(exports, require("./other"), module.exports)', 'k'],
    ['__exportStar(require("./other"), exports)', 'k'],
    ['const one = await __vi_import__("./other"); __vi_export_all__(one)', 'k'],
    ['const one = await __vi_import__("./other"); __vi_export__("k", () => one)', '*'],
  ])('%s: those of another module', (source, name) => {
    expect(ModuleFacts.read(source)!.spellings('k')).toContainEqual(
      expect.objectContaining({ specifier: './other', name }),
    )
  })
})
