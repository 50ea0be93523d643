import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'
import { EvaluateSyntaxError } from '../../../src/movement/session/evaluate-syntax-error.ts'
import { Session } from '../../../src/movement/session/session.ts'

// Names of the default scope 'global' are made unique, since they stay in this process.
let count = 0
let session: Session
let scope: string | undefined

/** Evaluates one source after the other; gives the value of the last. */
async function last(...sources: string[]): Promise<unknown> {
  let value: unknown
  for (const source of sources) value = await session.evaluate({ source, scope })
  return value
}

/** `file:line:column` of the first frame. */
async function placeOfError(source: string): Promise<string | undefined> {
  try {
    await session.evaluate({ source, scope, filename: 'cell' })
  } catch (error) {
    return /\bcell:\d+:\d+/.exec((error as Error).stack ?? '')?.[0]
  }
  return undefined
}

function syntaxError(source: string, filename?: string): EvaluateSyntaxError {
  try {
    session.evaluate({ source, filename, scope })
  } catch (error) {
    if (error instanceof EvaluateSyntaxError) return error
    throw error
  }
  throw new Error('compiled')
}

describe.each(['global', 'own', 'named'] as const)('a session, scope %s', (kind) => {
  beforeEach(() => {
    session = new Session({ defaultScope: kind === 'own' ? 'own' : 'global' })
    scope = kind === 'named' ? `scope ${++count}` : undefined
    const { require } = globalThis as { require?: unknown }
    Reflect.deleteProperty(globalThis, 'require')
    return () => {
      Object.assign(globalThis, require === undefined ? {} : { require })
      for (const { name } of session.names(scope)) session.delete(name, scope)
    }
  })

  // [what, sources, value of the last]
  test.each<[string, string[], unknown]>([
    ['the last expression is the value', ['1; 2; 3'], 3],
    ['nothing', [''], undefined],
    ['a comment', ['// nothing'], undefined],
    ['a hashbang', ['#!/usr/bin/env node\n4'], 4],
    ['a hashbang alone', ['#!/usr/bin/env node'], undefined],
    ['an object', ['{ a: 1 }'], { a: 1 }],
    ['an object and a comment', ['{ a: 1 } // one'], { a: 1 }],
    ['a block', ['{ a: 1 };'], 1],
    ['a block of statements', ['{ let q = 2; q + 1 }'], 3],
    ['an object that waits', ['{ a: await 1 }'], { a: 1 }],
    ['let lasts', ['let a = 1', 'a + 1'], 2],
    ['const lasts', ['const a = 1', 'a + 1'], 2],
    ['var lasts', ['var a = 1', 'a + 1'], 2],
    ['a class lasts', ['class A { x = 1 }', 'new A().x'], 1],
    ['a function lasts', ['function f() { return 1 }', 'f()'], 1],
    ['an assignment lasts', ['sloppyName = 1', 'sloppyName + 1'], 2],
    ['functions are hoisted', ['f() + 1; function f() { return 1 }'], 2],
    ['functions are hoisted before await', ['await f() + 1; function f() { return 1 }'], 2],
    ['redeclared', ['let a = 1', 'let a = 2', 'a'], 2],
    ['redeclared as another kind', ['const a = 1', 'class a {}', 'function a() { return 3 }', 'a()'], 3],
    ['let without value is undefined again', ['let a = 1', 'let a', 'a'], undefined],
    ['var without value stays', ['var a = 1', 'var a', 'a'], 1],
    ['var without value stays beside one that waits', ['var a = 1', 'var a, b = await 2; [a, b]'], [1, 2]],
    ['strict var without value stays', ['var a = 1', '"use strict"; var a', 'a'], 1],
    ['an old function sees the new value', ['let a = 1; const f = () => a', 'let a = 2', 'f()'], 2],
    [
      'an old function sees a new function',
      ['function g() { return 1 } function f() { return g() }', 'function g() { return 2 }', 'f()'],
      2,
    ],
    [
      'a function that assigns its own name',
      ['function lazy() { lazy = () => 2; return 1 }', 'lazy()', 'lazy()'],
      2,
    ],
    [
      'recursion sees the new function',
      ['function r(n) { return n ? r(0) : 1 }; let old = r', 'function r() { return 2 }', 'old(1)'],
      2,
    ],
    ['destructuring', ['let { a, b: [c = 3], ...d } = { a: 1, b: [], e: 5 }', '[a, c, d]'], [1, 3, { e: 5 }]],
    ['array pattern', ['const [a, , b] = [1, 2, 3]; a + b'], 4],
    ['destructuring that waits', ['let{a} = await { a: 1 }, [b] = [2]; [a, b]'], [1, 2]],
    ['several that wait', ['let a = await 1, b = await 2; const c = a + b', 'c'], 3],
    ['var in blocks', ['if (true) { var a = 1 }', 'a'], 1],
    ['var in blocks that wait', ['if (await true) { var a = 1 }', 'a'], 1],
    ['var as the only statement', ['if (await true) var a = 5', 'a'], 5],
    ['var in heads', ['for (var i = 0; i < 3; i++) ;', 'i'], 3],
    ['var in heads that wait', ['for (var i = 0; i < await 3; i++) ;', 'i'], 3],
    ['var of for-of', ['for (var [k, v] of Object.entries({ a: 1 })) await 0', '[k, v]'], ['a', 1]],
    ['var of for-in', ['for (var k in { a: 1, b: 2 }) await 0', 'k'], 'b'],
    ['for await', ['let sum = 0; for await (const n of [1, 2, 3]) sum += n; sum'], 6],
    ['let at a line end and a parenthesis', ['let a\n(await 1)\n;[a]'], [undefined]],
    ['var at a line end in a block', ['{ var a\n[await 1, 2].join() }\na'], undefined],
    ['await in a class', ['class A extends (await Object) { static x = 1 }', 'A.x'], 1],
    ['await as a name', ['var await = 1; await.toString()'], '1'],
    ['the value of if', ['if (true) 1; else 2'], 1],
    ['the value of if that waits', ['if (await false) { 1 } else { 2 }'], 2],
    ['the value of try that waits', ['try { await 1; 5 } catch { 6 } finally { 7 }'], 5],
    ['the value of catch that waits', ['try { await Promise.reject(1); 5 } catch (e) {\n  e + 1\n}'], 2],
    ['the value of a block that waits', ['{\n  await 1\n  3\n};'], 3],
    ['the value of a sequence that waits', ['{\n  await 1, 2, 3\n};'], 3],
    ['the value of a switch that waits', ['switch (await 2) { case 1: 1; break; case 2: 22; break }'], 22],
    ['the value of a loop that waits', ['for (const x of [1, 2]) { await 0; x * 2 }'], 4],
    ['a declaration after the value', ['await 5; let z = 1'], 5],
    ['export const', ['export const a = 1; a'], 1],
    ['export function', ['export function f() { return 2 }', 'f()'], 2],
    ['export class', ['export class A { static x = 3 }', 'A.x'], 3],
    ['export default', ['export default { a: 1 }'], { a: 1 }],
    ['export default of a name', ['let a = 4; export default a;'], 4],
    ['export default function', ['export default function f() { return 6 }', 'f()'], 6],
    ['export default class without name', ['export default class { x = 1 }', '1'], 1],
    ['export of names', ['let a = 1; export { a }; a'], 1],
    [
      'static import of names',
      ["import { join, sep as s } from 'node:path'", 'typeof join + s'],
      'function/',
    ],
    ['static import of default', ["import path from 'node:path'; path.basename('/a/b')"], 'b'],
    ['static import of all', ["import * as path from 'node:path'", "path.basename('/a/b')"], 'b'],
    [
      'static import of default and names',
      ["import p, { basename } from 'node:path'", 'p.basename === basename'],
      true,
    ],
    ['static import for its effect', ["import 'node:path'"], undefined],
    ['import()', ["const { basename } = await import('node:path'); basename('/a/b')"], 'b'],
    ['import() without await', ["import('node:path').then((p) => p.basename('/a/b'))"], 'b'],
    ['require', ["require('node:path').basename('/a/b')"], 'b'],
    ['require that waits', ["await 1; require('node:path').basename('/a/b')"], 'b'],
    ['own require', ['var require = () => 1', 'require()'], 1],
    ['this is the global object', ['this === globalThis'], true],
    ['this that waits', ['await (this === globalThis)'], true],
    ['strict if it says so', ['"use strict"; (function () { return this })()'], undefined],
    ['sloppy if it does not', ['(function () { return this })() === globalThis'], true],
    ['strict that waits', ['"use strict"; await (function () { return this })()'], undefined],
    ['strict statements', ['"use strict"; let a = 1; if (a) { a + 1 }'], 2],
    ['arrows have names', ['const arrow = () => {}', 'arrow.name'], 'arrow'],
    ['arrows that wait have names', ['const arrow = await 1, f = () => {}', 'f.name'], 'f'],
    [
      'functions keep their text',
      ['function f(a) { return a }', 'f.toString()'],
      'function f(a) { return a }',
    ],
    ['classes keep their text', ['class A { }', 'A.toString() + A.name'], 'class A { }A'],
    ['classes on one line', ['1; class A { } class B extends A { } new B() instanceof A'], true],
    ['a class and a bracket', ['class A { }\n[1].length'], 1],
    ['the name of a global accessor', ["const crypto = require('node:path')", 'crypto.sep'], '/'],
    [
      'labels and loops',
      ['out: for (const a of [1, 2]) for (const b of [1, 2]) { if (b === 2) continue out; a * b } 2'],
      2,
    ],
  ])('%s', async (_, sources, value) => {
    const crypto = Object.getOwnPropertyDescriptor(globalThis, 'crypto')
    try {
      expect(await last(...sources)).toEqual(value)
    } finally {
      if (crypto !== undefined) Object.defineProperty(globalThis, 'crypto', crypto)
      Reflect.deleteProperty(globalThis, 'sloppyName')
    }
  })

  // [what, source, place]; the places are those of V8 for the same text in a script or async function.
  test.each([
    ['one line', 'throw new Error("x")', 'cell:1:7'],
    ['later line', '\n\n  throw new Error("x")', 'cell:3:9'],
    ['after let', 'let a = 1; throw new Error("x")', 'cell:1:18'],
    ['inside let', 'let a = 1, b = nowhere', 'cell:1:16'],
    ['inside const', 'const a = nowhere', 'cell:1:11'],
    ['class field', 'class A { static x = nowhere }', 'cell:1:22'],
    ['second class', 'class A {}\nclass B { static x = nowhere }', 'cell:2:22'],
    ['class after a statement', 'let a = 1; class B { static x = nowhere }', 'cell:1:33'],
    ['after a class', 'class A { } throw new Error("x")', 'cell:1:19'],
    ['inside a function', 'function f() {\n  throw new Error("x")\n}\nf()', 'cell:2:9'],
    ['function on one line', 'let a = 1; function f() { throw new Error("x") } f()', 'cell:1:33'],
    ['object', '{ a: nowhere }', 'cell:1:6'],
    ['wait: one line', 'await 1; throw new Error("x")', 'cell:1:16'],
    ['wait: declaration', 'let a = await 1; let b = nowhere', 'cell:1:26'],
    ['wait: inside declaration', 'let a = await nowhere', 'cell:1:9'],
    ['wait: const pattern', 'const{a} = await nowhere', 'cell:1:12'],
    ['wait: last expression', 'await 1\n  nowhere.x', 'cell:2:3'],
    ['wait: in the expression', '  nowhere(await 1)', 'cell:1:3'],
    ['wait: class', 'await 1; class A { static x = nowhere }', 'cell:1:31'],
    ['wait: function', 'await 1; function f() { throw new Error("x") } f()', 'cell:1:31'],
    ['wait: block', 'await 1\n{\n  let q = await 2\n  null.x\n}', 'cell:4:8'],
    ['wait: later line of a call', 'await 1\nString(\n  nowhere)', 'cell:3:3'],
    ['strict', '"use strict"; nowhere', 'cell:1:15'],
    ['strict wait', '"use strict"; await 1; nowhere', 'cell:1:24'],
    ['import', "import 'node:path'; nowhere", 'cell:1:21'],
    ['import that fails', "\n  import { nowhere } from 'node:path'", 'cell:2:3'],
    ['import of nothing', "1; import './does-not-exist.mjs'", 'cell:1:4'],
    ['export', 'export const a = nowhere', 'cell:1:18'],
    ['export default', 'export default nowhere.x', 'cell:1:16'],
    ['assignment to a constant', 'const c = 1\n  c = 2', 'cell:2:5'],
    ['windows line ends', 'let a = 1\r\nawait 1\r\n nowhere', 'cell:3:2'],
  ])('position: %s', async (_, source, place) => {
    expect(await placeOfError(source)).toBe(place)
  })

  describe('constants', () => {
    test.each([
      ['c = 2'],
      ['c += 1'],
      ['c++'],
      ['--c'],
      ['[c] = [2]'],
      ['({ c } = { c: 2 })'],
      ['({ d: c } = { d: 2 })'],
      ['for (c of [1]) ;'],
      ['for (c in { a: 1 }) ;'],
      ['(() => { c = 2 })()'],
      ['(() => { return function () { c = 2 } })()()'],
      ['c &&= 2'],
      ['await 1; c = 2'],
      ['if (await 1) c = 2'],
      ['"use strict"; c = 2'],
      ['function w() { c = 2 } w()'],
    ])('%s throws', async (source) => {
      const message = 'Assignment to constant variable.'
      await last('const c = 1')
      await expect(async () => last(source)).rejects.toThrow(new TypeError(message))
      expect(await last('c')).toBe(1)
      if (!source.startsWith('"') && !source.includes('&&=')) {
        await expect(async () => last(`const c = 1; ${source}`)).rejects.toThrow(new TypeError(message))
        expect(await last('c')).toBe(1)
      }
    })

    test.each([
      ['c ??= 2', 1],
      ['c ||= 2', 1],
      ['let c = 5; c = 6; c', 6],
      ['{ let c = 5; c = 6; c };', 6],
      ['((c) => { c = 2; return c })()', 2],
      ['(function () { var c; c = 3; return c })()', 3],
      ['(() => { try { throw 1 } catch (c) { c = 4; return c } })()', 4],
    ])('%s is allowed', async (source, value) => {
      await last('const c = 1')
      expect(await last(source)).toBe(value)
    })

    test('an import is one', async () => {
      await expect(async () => last("import { sep } from 'node:path'; sep = 1")).rejects.toThrow(TypeError)
      await expect(async () => last('sep = 1')).rejects.toThrow(TypeError)
    })
  })

  test('evaluations interleave at awaits', async () => {
    session.set('log', [], scope)
    session.set('gate', Promise.resolve(), scope)
    const run = (name: string): unknown =>
      session.evaluate({
        source: `log.push('${name}1'); await gate; log.push('${name}2'); await gate; log.push('${name}3')`,
        scope,
      })
    await Promise.all([run('a'), run('b')])
    expect(session.get('log', scope)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3'])
  })

  test('a source that throws half way keeps what it declared', async () => {
    await expect(async () => last('let a = 1; const b = 2; nowhere; let c = 3')).rejects.toThrow(
      ReferenceError,
    )
    expect(await last('[a, b, c]')).toEqual([1, 2, undefined])
  })

  test('there is no dead zone: names are undefined before their declaration', async () => {
    expect(await last('const before = typeof later; let later = 1; before')).toBe('undefined')
    expect(await last('let a = 1', 'let a = a + 1; a')).toBe(2)
  })

  test('names() gives kinds; get(), set() and delete()', async () => {
    await last('let a = 1; const b = 2; var c = 3; function d() {} class e {}')
    await last("import { sep } from 'node:path'")
    await last('sloppyName = 1')
    expect(session.names(scope)).toEqual(
      expect.arrayContaining([
        { name: 'a', kind: 'let' },
        { name: 'b', kind: 'const' },
        { name: 'c', kind: 'var' },
        { name: 'd', kind: 'function' },
        { name: 'e', kind: 'class' },
        { name: 'sep', kind: 'import' },
        { name: 'sloppyName', kind: 'var' },
      ]),
    )
    expect(session.names(scope)).toHaveLength(7)
    expect(session.get('b', scope)).toBe(2)
    session.set('b', 5, scope)
    session.set('given', 6, scope)
    expect(await last('b + given')).toBe(11)
    expect(session.delete('given', scope)).toBe(true)
    expect(session.delete('given', scope)).toBe(false)
    expect(session.delete('d', scope)).toBe(true)
    expect(await last('typeof given + typeof d')).toBe('undefinedundefined')
    expect(session.get('given', scope)).toBe(undefined)
    expect(session.names(scope).map(({ name }) => name)).not.toContain('d')
    expect(session.get('process', scope)).toBe(undefined)
  })

  test('an error of syntax declares and runs nothing', async () => {
    expect(syntaxError('let a = 1; let b = (').message).toContain('[evaluation 1]:1:')
    expect(await last('typeof a')).toBe('undefined')
    expect(session.names(scope)).toEqual([])
  })

  test('imports and require resolve from the file, as path or URL, or from the current directory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'session-'))
    writeFileSync(join(folder, 'm.mjs'), 'export const here = "folder"')
    writeFileSync(join(folder, 'c.cjs'), 'module.exports = "required"')
    const filename = join(folder, 'main.js')
    for (const from of [filename, pathToFileURL(filename).href]) {
      const evaluate = (source: string): unknown => session.evaluate({ source, scope, filename: from })
      expect(await evaluate("import { here } from './m.mjs'; here")).toBe('folder')
      expect(await evaluate("(await import('./m.mjs')).here")).toBe('folder')
      expect(await evaluate("import('./m.mjs').then((m) => m.here)")).toBe('folder')
      expect(await evaluate("require('./c.cjs')")).toBe('required')
    }
    const label = await last("import pkg from './package.json' with { type: 'json' }; pkg.name")
    expect(label).toBe('maltster')
    expect(await last("require('./package.json').name")).toBe('maltster')
  })
})

describe('scopes', () => {
  beforeEach(() => {
    session = new Session({ defaultScope: 'own' })
    scope = undefined
  })

  test('do not see each other; the host stays clean', async () => {
    await session.evaluate({ source: 'let x = 1; yes = 2; function func() {}', scope: 'a' })
    expect(session.evaluate({ source: 'typeof x + typeof yes', scope: 'b' })).toBe('undefinedundefined')
    expect(session.evaluate({ source: 'x + yes', scope: 'a' })).toBe(3)
    expect(session.evaluate({ source: 'typeof x', scope: undefined })).toBe('undefined')
    expect(Object.keys(globalThis)).not.toEqual(expect.arrayContaining(['x']))
    expect('x' in globalThis || 'yes' in globalThis || 'func' in globalThis).toBe(false)
  })

  test('a closure goes on to see its scope while others run', async () => {
    session.evaluate({ source: 'let x = 1; const read = () => x', scope: 'a' })
    session.evaluate({ source: 'let x = 2; const read = () => x', scope: 'b' })
    const reads = ['a', 'b'].map((name) => (session.get('read', name) as () => number)())
    expect(reads).toEqual([1, 2])
  })

  test('scopes(), drop() and evaluation in a dropped scope', async () => {
    const running = session.evaluate({ source: 'let x = await 1; x += 1; await 2; x', scope: 'a' })
    expect(session.scopes()).toEqual(['a'])
    expect(session.drop('a')).toBe(true)
    expect(session.drop('a')).toBe(false)
    expect(session.scopes()).toEqual([])
    expect(await running).toBe(2)
    expect(session.names('a')).toEqual([])
    expect(session.evaluate({ source: 'typeof x', scope: 'a' })).toBe('undefined')
  })

  test('move() takes names with their kinds', () => {
    session.evaluate({ source: 'const x = 1; let y = 2; function f() { return x + y }', scope: 'run 1' })
    session.move(['x', 'f'], 'run 1', 'run 2')
    expect(session.names('run 2')).toEqual([
      { name: 'x', kind: 'const' },
      { name: 'f', kind: 'function' },
    ])
    expect(session.names('run 1')).toEqual([{ name: 'y', kind: 'let' }])
    expect(() => session.evaluate({ source: 'x = 2', scope: 'run 2' })).toThrow(TypeError)
    session.move(['y'], 'run 1', undefined)
    expect(session.get('y')).toBe(2)
  })

  test('move() of names that are not there moves none', () => {
    session.evaluate({ source: 'let x = 1', scope: 'a' })
    expect(() => session.move(['x', 'q', 'r'], 'a', 'b')).toThrow(
      new RangeError('Could not move `q`, `r`: they are not declared in scope "a".'),
    )
    expect(() => session.move(['q'], undefined, 'b')).toThrow(/`q`: it is not declared in the default scope/)
    expect(session.get('x', 'a')).toBe(1)
    expect(session.scopes()).toEqual(['a'])
  })

  test('a thousand scopes are made and dropped', () => {
    for (let index = 0; index < 1000; index++) {
      session.evaluate({ source: `let x = ${index}`, scope: `s${index}` })
      if (index > 0) session.move(['x'], `s${index - 1}`, `s${index}`)
      session.drop(`s${index - 1}`)
    }
    expect(session.scopes()).toEqual(['s999'])
    expect(session.get('x', 's999')).toBe(0)
  })
})
