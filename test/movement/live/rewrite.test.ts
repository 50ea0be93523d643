import { runInThisContext } from 'node:vm'
import { expect, test } from 'vitest'
import { rewriteNames } from '../../../src/movement/live/rewrite.ts'

const rewrite = (text: string, cells: string[], constants: string[] = []): string =>
  rewriteNames(text, true, { cells: new Set(cells), constants: new Set(constants) })

test.each([
  ['a read', '() => x + 1', '() => x.v + 1'],
  ['a call, without a `this`', '() => x(1)', '() => (0,x.v)(1)'],
  ['a tagged template', '() => x`1`', '() => (0,x.v)`1`'],
  ['a new', '() => new x(1)', '() => new x.v(1)'],
  ['a member', '() => x.y.x', '() => x.v.y.x'],
  ['an assignment', '() => { x = 1; x += 2; x++ }', '() => { x.v = 1; x.v += 2; x.v++ }'],
  ['a shorthand property', '() => ({ x, y: x })', '() => ({ x:x.v, y: x.v })'],
  [
    'a pattern',
    '(o) => { ({ x, y: [x], z: x = 2 } = o) }',
    '(o) => { ({ x:x.v, y: [x.v], z: x.v = 2 } = o) }',
  ],
  ['a shorthand with a default', '(o) => { ({ x = 1 } = o) }', '(o) => { ({ x:x.v = 1 } = o) }'],
  [
    'a function without a name that is assigned',
    '() => { x = () => x; x ??= (class {}) }',
    '() => { x.v = ({["x"]:() => x.v}["x"]); x.v ??= (({["x"]:class {}}["x"])) }',
  ],
  [
    'a function without a name as a default',
    '(o) => { ({ x = () => 1 } = o) }',
    '(o) => { ({ x:x.v = ({["x"]:() => 1}["x"]) } = o) }',
  ],
  [
    'a function with a name',
    '() => { x = function y() {}; x += () => 1 }',
    '() => { x.v = function y() {}; x.v += () => 1 }',
  ],
  ['what is shadowed', '(x) => x + (() => x)()', '(x) => x + (() => x)()'],
  ['what is declared later', '() => { f(x); var x = 1 }', '() => { f(x); var x = 1 }'],
  ['typeof', '() => typeof x', '() => typeof x.v'],
  ['a default of a parameter', '(a = x) => { let x = a; return x }', '(a = x.v) => { let x = a; return x }'],
  ['a computed member of a method', 'm(a) { return x[a] }', 'm(a) { return x.v[a] }'],
  ['a base class', 'class A extends x { static s = x() }', 'class A extends x.v { static s = (0,x.v)() }'],
  ['import.meta', '() => import.meta.url + x', '() => ꙮmeta.url + x.v'],
  [
    'a statement that begins with a call',
    '() => {\n  const a = 1\n  x(a)\n}',
    '() => {\n  const a = 1\n  ;(0,x.v)(a)\n}',
  ],
  [
    'a branch that is a call',
    '(a) => { if (a) x()\n else x() }',
    '(a) => { if (a) (0,x.v)()\n else (0,x.v)() }',
  ],
])('%s', (_what, text, expected) => {
  expect(rewrite(text, ['x'])).toBe(expected)
})

test('an assignment to a constant goes where it throws', () => {
  expect(rewrite('() => { x = y; x++; ({ x } = y) }', ['x'], ['x'])).toBe(
    '() => { x.c = y; x.c++; ({ x:x.c } = y) }',
  )
})

test('what is assigned has the name that it has without rewriting', () => {
  const text = '() => { x = async () => 1; const one = x; [x = class {}] = []; return [one.name, x.name] }'
  const make = (source: string): unknown => runInThisContext(`(x) => (${source})()`)({ v: undefined })
  expect(make(text)).toEqual(['x', 'x'])
  expect(make(rewrite(text, ['x']))).toEqual(['x', 'x'])
})
