import { describe, expect, test } from 'vitest'
import { analyseFunction, type FunctionAnalysis } from '../../src/movement/free-names.ts'

const namesOf = (source: string, isStrict?: boolean): string =>
  analyseFunction(source, isStrict)
    .freeNames.map(({ name }) => name)
    .join(' ')

describe('analyseFunction().freeNames', () => {
  // [rule, source, the free names in order of appearance]
  test.each([
    ['parameters and locals are bound', '(a, b) => { let c; const d = 1; return a + b + c + d + e }', 'e'],
    ['var is hoisted out of blocks', '() => { x; if (y) { for (;;) { var x = 1 } } return x }', 'y'],
    ['var is not hoisted out of functions', '() => { (() => { var x })(); x }', 'x'],
    ['functions are hoisted', '() => { f(); function f() {} }', ''],
    ['let is seen in its whole block (TDZ)', '() => { { x; let x } x }', 'x'],
    ['a named function expression sees itself', '() => (function f() { return f })', ''],
    ['its name is not visible outside', '() => { (function f() {}); f }', 'f'],
    ['defaults see parameters', '(a, b = a, c = () => b) => c', ''],
    ['defaults do not see the body', '(a = () => x) => { var x; return a }', 'x'],
    ['the body sees parameters', '(a = 1) => { var b = a; return b }', ''],
    ['destructuring: parameters', '({ a, b: { c = d }, ...e }, [f, , ...g]) => [a, c, e, f, g, b]', 'd b'],
    ['destructuring: computed keys', '({ [k]: v }) => { const { [k2]: w } = v; return w }', 'k k2'],
    [
      'destructuring: assignment',
      '() => { ({ a, b: c.d, e = f, ...g } = h); [i, [j = k]] = l }',
      'a c e f g h i j k l',
    ],
    [
      'destructuring: for heads',
      '() => { for (const [a, { b }] of c) a + b; for ({ d } of e) ; for (f.g in h) ; }',
      'c d e f h',
    ],
    ['for-let is bound in its body only', '() => { for (let i = 0; i < n; i++) i; return i }', 'n i'],
    ['for-of head is in the TDZ of its own names', '() => { for (const x of x) x }', ''],
    ['catch binds', '() => { try { a } catch (e) { e } e }', 'a e'],
    ['catch binds patterns', '() => { try {} catch ({ message, [k]: v = d }) { message + v } }', 'k d'],
    ['var in catch is hoisted', '() => { try {} catch { var x } return x }', ''],
    ['labels are not names', '() => { a: for (;;) { b: for (;;) { continue a; break b } } }', ''],
    ['switch is one block', '() => { switch (x) { case y: let z; break; default: z } z }', 'x y z'],
    ['members are not names', '() => a.b.c[d].e', 'a d'],
    ['optional chaining', '() => a?.b?.[c]?.(d)', 'a c d'],
    [
      'object keys and shorthand',
      '() => ({ a, b: c, [d]: e, f() { return g }, get h() { return i }, ...j })',
      'a c d e g i j',
    ],
    ['template literals', '() => tag`${a} b ${`${c}`}`', 'tag a c'],
    ['regular expressions and BigInt', '() => [/a(?<b>c)\\k<b>/u, 12n, 0x1fn]', ''],
    ['unicode and escaped identifiers', '(ä) => [ä, ö, \\u0061bc, 𝒳]', 'ö abc 𝒳'],
    [
      'classes: heritage, keys, fields',
      '() => class A extends B { [c] = d; static e = f; g = A; h() { return i } }',
      'B c d f i',
    ],
    [
      'classes: a declaration is hoisted in its block',
      '() => { new A(); class A { m() { return new A() } } }',
      '',
    ],
    ['classes: an expression names itself inside only', '() => { (class A { m() { return A } }); A }', 'A'],
    [
      'classes: private names are not names',
      '() => class { #a = 1; m(o) { return #a in o && o.#a + this.#a } }',
      '',
    ],
    ['classes: static blocks have their own var', '() => { class A { static { var x = y; x } } x }', 'y x'],
    ['classes: the heritage does not see members', '() => class extends (() => a) { a() {} }', 'a'],
    [
      'generators and async',
      'async function* f() { yield a; await b; for await (const c of d) yield* c }',
      'a b d',
    ],
    ['arguments is bound in functions', 'function f() { return [arguments, () => arguments] }', ''],
    ['update and compound assignment', '() => { a++; b += c; --d.e }', 'a b c d'],
    ['logical assignment and exponent', '() => { a ??= b ** c; d ||= e }', 'a b c d e'],
    ['new, spread, sequence, delete', '() => (new A(...b), delete c.d, void e)', 'A b c e'],
    ['import() arguments', '() => import(a, { with: b })', 'a b'],
    ['the name of the source itself is bound', 'function f(n) { return f(n - 1) }', ''],
    ['a name used twice is one name', '(a) => [b, a, b]', 'b'],
    ['undefined and NaN are names', '() => [undefined, NaN]', 'undefined NaN'],
    ['using declarations', '() => { using a = b; a }', 'b'],
    ['function in a block, strict', '() => { { function f() {} } f }', 'f'],
    ['methods', 'async *m(a) { yield a + b }', 'b'],
    ['a computed key of the source itself is not looked at', '[key](a) { return a + b }', 'b'],
    ['getters and setters', 'get x() { return a }', 'a'],
    ['a private method', '#m(a) { return a + b }', 'b'],
    ['methods called get, set, async, static', 'static() { return a }', 'a'],
    ['a class', 'class A extends B { constructor() { super(); new A() } }', 'B'],
  ])('%s', (_rule, source, expected) => {
    expect(namesOf(source)).toBe(expected)
  })

  test.each([
    ['function in a block is seen outside', '() => { { function f() {} } f }', ''],
    ['function in a branch', '() => { if (a) function f() {} f }', 'a'],
    ['not past a let of that name', '() => { { let f; { function f() {} } } f }', 'f'],
    ['not if it is a generator', '() => { { function* f() {} } f }', 'f'],
    ['not in a function with its own directive', '() => { "use strict"; { function f() {} } f }', 'f'],
    ['names that strict code reserves', '() => [let, static, yield]', 'let static yield'],
    ['assignment to anything', '() => { undeclared = 1 }', 'undeclared'],
  ])('sloppy: %s', (_rule, source, expected) => {
    expect(namesOf(source, false)).toBe(expected)
  })

  test('say where, how and when they are used', () => {
    const source = `class A extends Base {
      static x = eager
      y = lazy
      m() { late = 1; typeof maybe; typeof both; both }
    }`
    expect(analyseFunction(source).freeNames).toEqual([
      { name: 'Base', line: 1, column: 17, isWritten: false, isTypeofOnly: false, isEager: true },
      { name: 'eager', line: 2, column: 18, isWritten: false, isTypeofOnly: false, isEager: true },
      { name: 'lazy', line: 3, column: 11, isWritten: false, isTypeofOnly: false, isEager: false },
      { name: 'late', line: 4, column: 13, isWritten: true, isTypeofOnly: false, isEager: false },
      { name: 'maybe', line: 4, column: 30, isWritten: false, isTypeofOnly: true, isEager: false },
      { name: 'both', line: 4, column: 44, isWritten: false, isTypeofOnly: false, isEager: false },
    ])
  })
})

describe('analyseFunction() facts', () => {
  const facts = (source: string, isStrict?: boolean): (keyof FunctionAnalysis)[] =>
    Object.entries(analyseFunction(source, isStrict))
      .filter(([key, value]) => value === true && key !== 'isStrict')
      .map(([key]) => key as keyof FunctionAnalysis)

  test.each([
    ['this of an arrow', '() => () => this', ['usesThis']],
    ['this of a function', 'function f() { return () => this }', []],
    [
      'this in a field or static block',
      '() => class { a = this; static { this } static b = () => this }',
      [],
    ],
    ['this in a computed key', '() => class { [this.a] = 1 }', ['usesThis']],
    ['this in the heritage of a class', 'class A extends this.B {}', ['usesThis']],
    ['super in a method', 'm() { return super.m() }', ['usesSuper']],
    ['super in an arrow', '() => super.m()', ['usesSuper']],
    ['super in the methods of its own class', 'class A extends B { m() { return () => super.m() } }', []],
    ['super in an object of its own', '() => ({ m() { return super.m() } })', []],
    ['super in a field', '() => class extends A { a = super.b }', []],
    ['new.target of an arrow', '() => new.target', ['usesNewTarget']],
    ['new.target of a function', 'function f() { return new.target }', []],
    ['arguments of an arrow', '() => arguments[0]', ['usesOuterArguments']],
    ['arguments that is declared', '() => { function f() { return arguments } return f }', []],
    ['direct eval', '() => eval("a")', ['hasDirectEval']],
    ['direct eval deep inside', '() => function () { return () => eval("a") }', ['hasDirectEval']],
    ['indirect eval', '() => [(0, eval)("a"), eval?.("a"), globalThis.eval("a")]', []],
    ['import.meta', '() => import.meta.url', ['hasImportMeta']],
    ['async', 'async () => {}', ['isAsync']],
    ['async generator', 'async *m() {}', ['isAsync', 'isGenerator']],
  ])('%s', (_rule, source, expected) => {
    expect(facts(source)).toEqual(expected)
  })

  test('with and a parameter called eval, in sloppy code', () => {
    expect(facts('function f(a) { with (a) { b } }')).toEqual(['hasWith'])
    expect(facts('function f(eval) { return eval("a") }')).toEqual([])
    expect(facts('(arguments) => arguments', false)).toEqual([])
  })

  test.each([
    ['function', 'function () {}'],
    ['function', 'async function* f() {}'],
    ['arrow', 'async x => x'],
    ['class', 'class {}'],
    ['method', 'm() {}'],
    ['method', '*[Symbol.iterator]() {}'],
    ['method', '#m() {}'],
    ['method', '12() {}'],
    ['getter', 'get m() {}'],
    ['setter', 'set m(x) {}'],
    ['method', 'get() {}'],
  ])('kind %s: %s', (kind, source) => {
    expect(analyseFunction(source).kind).toBe(kind)
  })

  test('dynamic imports, literal or not', () => {
    const { dynamicImports } = analyseFunction('(x) => [import("a"), import(`b`), import("a"), import(x)]')
    expect(dynamicImports).toEqual({ specifiers: ['a', 'b'], hasComputed: true, required: [] })
    const { required } = analyseFunction('(x) => [require("c"), require(x), x.require("d")]').dynamicImports
    expect(required).toEqual(['c'])
  })

  test('private names of a class around it', () => {
    expect(analyseFunction('m(o) { return this.#a + (#b in o) }').outerPrivateNames).toEqual(['a', 'b'])
    expect(analyseFunction('class A { m() { return this.#a } #a }').outerPrivateNames).toEqual([])
  })

  test('strictness: strict if it can be', () => {
    expect(analyseFunction('() => 1').isStrict).toBe(true)
    expect(analyseFunction('() => 010').isStrict).toBe(false)
    expect(() => analyseFunction('() => 010', true)).toThrow(/^Invalid number \(line 1, column 7\)$/)
  })
})

describe('analyseFunction() refuses with a SyntaxError that says where', () => {
  test.each([
    ['() => {\n  return <div>hello</div>\n}', /it looks like JSX.*\(line 2, column 10\)/],
    ['(x: number) => x', /\(line 1, column 3\)/],
    ['() => {', /\(line 1, column 8\)/],
    ['1 + 1', /not the text of one function or class/],
    ['a)})(function(){(() => 1', /./],
    ['m() {}, n() {}', /./],
    ['() => 1)(() => 2', /./],
    ['', /./],
  ])('%j', (source, message) => {
    expect(() => analyseFunction(source)).toThrow(SyntaxError)
    expect(() => analyseFunction(source)).toThrow(message)
  })
})
