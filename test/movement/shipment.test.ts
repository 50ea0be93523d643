import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { CaptureError } from '../../src/errors/data-errors.ts'
import { type Captures, captureValues, prepareFunction } from '../../src/movement/shipment.ts'
import { make, makeSloppy } from '../fixtures/movement/make.ts'

const forms = createRequire(import.meta.url)('../fixtures/movement/strict-forms.cjs') as Record<string, never>

function refusal(fn: unknown, captures?: Captures): CaptureError {
  try {
    prepareFunction(fn as never, captures)
  } catch (error) {
    if (error instanceof CaptureError) return error
    throw error
  }
  throw new Error('It was not refused.')
}

describe('prepareFunction() refuses', () => {
  const Counter = make('class Counter {}')
  const named = make('function target() {}')
  // [what, function, captures, path, part of why, part of the hint]
  test.each<[string, unknown, Captures | undefined, string, string, string]>([
    [
      'a free name',
      make('function double(x) {\n  return x * rates }'),
      undefined,
      'double → rates',
      '`rates` (line 2, column 14) is not declared in the function',
      '`captures: { rates }`',
    ],
    [
      'a free name of an anonymous function',
      make('() => rates'),
      {},
      'fn → rates',
      '`rates`',
      '{ module, export }',
    ],
    ['several free names', make('() => [a, b, c]'), { b: 1 }, 'fn → a', '(so are c)', '`captures: { a, c }`'],
    [
      'a free name of a helper',
      make('function convert(x) { return helper(x) }'),
      { helper: make('(x) => x * rates') },
      'convert → helper → rates',
      '`rates`',
      '`captures: { rates }`',
    ],
    [
      'a free name of a class',
      make('() => new A()'),
      { A: make('class A extends B {}', { B: Object }) },
      'fn → A → B',
      '`B`',
      'B',
    ],
    [
      'assignment to an undeclared name',
      make('() => { total = 1 }'),
      undefined,
      'fn → total',
      '`total`',
      'total',
    ],
    ['a name of Object.prototype', make('() => toString()'), {}, 'fn → toString', '`toString`', 'captures'],
    [
      'a name that captures only inherits',
      make('() => rates'),
      Object.create({ rates: 1 }),
      'fn → rates',
      '`rates`',
      '',
    ],
    [
      'require',
      make('() => require("node:fs")'),
      undefined,
      'fn → require',
      '`require`',
      "await import('node:fs')",
    ],
    ['module', make('() => module'), undefined, 'fn → module', '`module`', 'CommonJS'],
    ['exports', make('() => exports.a'), undefined, 'fn → exports', '`exports`', 'CommonJS'],
    [
      '__dirname',
      make('() => __dirname'),
      undefined,
      'fn → __dirname',
      '`__dirname`',
      'pass paths as arguments',
    ],
    ['__filename', make('() => __filename'), undefined, 'fn → __filename', '`__filename`', 'CommonJS'],
    [
      'an import that Vite rewrote',
      make('() => (0, __vite_ssr_import_3__.basename)("a")'),
      undefined,
      'fn → __vite_ssr_import_3__',
      '`__vite_ssr_import_3__`',
      'as Vite rewrote it',
    ],
    [
      'a helper of a compiler',
      make('() => __awaiter()'),
      undefined,
      'fn → __awaiter',
      '`__awaiter`',
      'ES2022',
    ],
    ['this of an arrow', make('() => this'), undefined, 'fn', '`this` of the code around it', 'argument'],
    [
      'super',
      {
        m() {
          return super.toString()
        },
      }.m,
      undefined,
      'm',
      '`super`',
      'whole class',
    ],
    [
      'a private name',
      class {
        #a = 1
        m() {
          return this.#a
        }
      }.prototype.m,
      undefined,
      'm',
      '`#a`',
      'whole class',
    ],
    [
      'new.target',
      (function () {
        return () => new.target
      })(),
      undefined,
      'fn',
      '`new.target`',
      'argument',
    ],
    [
      'arguments',
      (function () {
        return () => arguments
      })(),
      undefined,
      'fn',
      '`arguments`',
      'argument',
    ],
    ['direct eval', make('() => eval("1")'), undefined, 'fn', '`eval`', '(0, eval)'],
    [
      'with',
      makeSloppy('function anonymous(a) { with (a) { b } }'),
      undefined,
      'anonymous',
      '`with`',
      'object',
    ],
    ['import.meta', () => import.meta.url, undefined, 'fn → __vite_ssr_import_meta__', '', 'import.meta'],
    ['a native function', Math.max, undefined, 'max', '`max` is native code', '(...args) => max(...args)'],
    [
      'a native function in captures',
      make('(x) => max(x, 1)'),
      { max: Math.max },
      'fn → max',
      'native',
      'Wrap',
    ],
    ['a native class', make('() => new M()'), { M: Map }, 'fn → M', '`Map` is native code', 'Wrap'],
    [
      'a bound function',
      named.bind(null),
      undefined,
      'bound target',
      'bound',
      'the function it was made from',
    ],
    ['a proxy of a function', new Proxy(named, {}), undefined, 'target', 'Proxy', 'Pass the function'],
    ['a proxy in captures', make('() => p()'), { p: new Proxy(named, {}) }, 'fn → p', 'Proxy', 'Pass'],
    ['a class', Counter, undefined, 'Counter', 'it is a class', 'new Counter(...args)'],
    ['a class that is bound', Counter.bind(null), undefined, 'bound Counter', 'bound', ''],
    ['surroundings of a helper', make('() => h()'), { h: make('() => this') }, 'fn → h', '`this`', ''],
  ])('%s', (_what, fn, captures, path, why, hint) => {
    const error = refusal(fn, captures)
    expect(error.path).toBe(path)
    expect(error.why).toContain(why)
    expect(error.hint).toContain(hint)
    expect(error.message).toBe(`${error.path} can't be sent: ${error.why}. ${error.hint}`)
  })

  test('a global that somebody put there, and says that it is one', () => {
    Object.assign(globalThis, { putThereByTheTest: 1 })
    try {
      expect(refusal(make('() => putThereByTheTest')).why).toContain('this process has a global of that name')
    } finally {
      Reflect.deleteProperty(globalThis, 'putThereByTheTest')
    }
  })

  test('every time, not only the first', () => {
    const fn = make('() => rates')
    expect(refusal(fn).path).toBe('fn → rates')
    expect(refusal(fn).path).toBe('fn → rates')
    const arrow = make('() => this')
    expect(refusal(arrow).path).toBe('fn')
    expect(refusal(make('() => f()'), { f: arrow }).path).toBe('fn → f')
  })

  test.each([undefined, null, 3, 'x => x', {}])('%j as a function, with a TypeError', (fn) => {
    expect(() => prepareFunction(fn as never)).toThrow(TypeError)
    expect(() => prepareFunction(fn as never)).toThrow(
      /^Expected `fn` to be a function or `{ module, export }`, got /,
    )
  })

  test.each([null, 3, 'rates'])('%j as captures, with a TypeError', (captures) => {
    expect(() => prepareFunction(make('() => 1'), captures as never)).toThrow(
      /^Expected `captures` to be an object/,
    )
  })
})

describe('prepareFunction() allows', () => {
  test.each([
    [
      'globals of Node.js and the language',
      '() => [process, Buffer, Map, setTimeout, undefined, globalThis]',
    ],
    ['names under typeof only', '() => typeof window'],
    ['import()', "async () => import('node:fs')"],
    ['indirect eval', '() => (0, eval)("1")'],
    ['what esbuild adds to keep names', '() => { const f = __name(() => 1, "f"); return f.name }'],
  ])('%s', (_what, source) => {
    expect(prepareFunction(make(source)).captureNames).toEqual([])
  })

  test('every form of function', () => {
    for (const fn of Object.values(forms)) expect(prepareFunction(fn).captureNames).toEqual([])
  })
})

describe('prepareFunction() with captures', () => {
  test('values travel with the call, in the order of captureNames; what nothing refers to does not', () => {
    const fn = make('(x) => [x, b, a, b]')
    const captures = { a: 1, b: undefined, extra: 2, alsoExtra: () => 3 }
    const shipment = prepareFunction(fn, captures)
    expect(shipment.captureNames).toEqual(['b', 'a'])
    expect(captureValues(shipment, captures)).toEqual([undefined, 1])
    expect(shipment.definition.helpers).toEqual([])
  })

  test('functions and classes go by source, with what they refer to', () => {
    const captures = {
      rates: { EUR: 2 },
      helper: make('(x) => new Money(x * rates.EUR)'),
      Money: make('class Money { constructor(x) { this.x = x } }'),
    }
    const { captureNames, definition } = prepareFunction(make('(x) => helper(x)'), captures)
    expect(captureNames).toEqual(['rates'])
    expect(definition.helpers.map(({ bindings }) => bindings)).toEqual([['helper'], ['Money']])
  })

  test('a captured name wins over a global', () => {
    expect(prepareFunction(make('() => fetch("a")'), { fetch: 1 }).captureNames).toEqual(['fetch'])
    expect(prepareFunction(make('() => typeof window'), { window: 1 }).captureNames).toEqual(['window'])
  })

  test('classes are laid out after the classes they are made from', () => {
    const captures = {
      C: make('class C extends B { a() { return A } }', { B: Object }),
      B: make('class B extends make() {}', { make: () => Object }),
      A: make('class A { c() { return C } static b = () => 1 }'),
      make: make('() => A'),
    }
    const { helpers } = prepareFunction(make('() => [C, A]'), captures).definition
    expect(helpers.map(({ bindings: [name] }) => name)).toEqual(['make', 'A', 'B', 'C'])
  })
})

describe('prepareFunction() with the same function and other captures', () => {
  test('gives what these captures lead to, not what the last ones led to', () => {
    const fn = make('() => [a, typeof b]')
    const one = make('() => 1')
    const other = make('() => 2')
    const shapes = (captures: Captures): unknown[] => {
      const { captureNames, definition } = prepareFunction(fn, captures)
      return [captureNames, definition.helpers.map(({ source }) => source)]
    }
    for (let round = 0; round < 2; round++) {
      expect(shapes({ a: 1 })).toEqual([['a'], []])
      expect(shapes({ a: 2, b: undefined })).toEqual([['a', 'b'], []])
      expect(shapes({ a: one })).toEqual([[], ['() => 1']])
      expect(shapes({ a: other })).toEqual([[], ['() => 2']])
      expect(shapes({ a: other, b: other })).toEqual([[], ['() => 2']])
      expect(refusal(fn, {}).path).toBe('fn → a')
      expect(refusal(fn).path).toBe('fn → a')
    }
  })
})

describe('keys', () => {
  const key = (source: string, captures?: Captures): string => prepareFunction(make(source), captures).key

  test('are equal for equal text and capture names, whatever the values', () => {
    expect(key('(x) => x')).toBe(key('(x) => x'))
    expect(key('(x) => x')).toBe(key('(x) => x', { extra: 1 }))
    expect(key('() => a', { a: 1 })).toBe(key('() => a', { a: 2, extra: 3 }))
    expect(key('() => a()', { a: make('() => 1') })).toBe(key('() => a()', { a: make('() => 1') }))
  })

  test('differ with text, name, kind of capture, helper and strictness', () => {
    const sloppy = makeSloppy('function () { return this }')
    const keys = [
      key('() => a', { a: 1 }),
      key('() => a', { a: make('() => 1') }),
      key('() => a', { a: make('() => 2') }),
      key('() => a', { a: make('({ a: () => 2 }).a') }),
      key('() => 1'),
      key('() =>  1'),
      key('({ f: () => 1 }).f'),
      key('function () { return this }'),
      prepareFunction(sloppy).key,
      key('() => [a, b]', { a: 1, b: 1 }),
      key('() => [a, b]', { a: 1, b: make('() => 1') }),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })

  test('shipments are shared by all calls of the same function', () => {
    const fn = make('(x) => x')
    expect(prepareFunction(fn)).toBe(prepareFunction(fn))
    expect(prepareFunction(make('(x) => x'))).toBe(prepareFunction(fn))
    const withRates = make('() => rates')
    expect(prepareFunction(withRates, { rates: 1 })).toBe(prepareFunction(withRates, { rates: 2 }))
  })
})

describe('what only text makes is refused by name if it has more than that', () => {
  class Shape {
    static kinds = 1
    static make(): Shape {
      return new Shape()
    }
    describe(): string {
      return 'shape'
    }
  }
  const withProperty = Object.assign((): number => 1, { extra: 1 })
  const Patched = class extends Shape {}
  Object.assign(Patched.prototype, { more: () => 1 })
  function Old(): void {}
  Old.prototype.speak = (): string => 'wuff'

  test.each<[string, object, string]>([
    ['a property of a function', { withProperty }, 'fn → withProperty.extra'],
    ['a method of a prototype', { Patched, Shape }, 'fn → Patched.prototype.more'],
    ['a method of the old kind', { Old }, 'fn → Old.prototype.speak'],
  ])('%s', (_what, captures, path) => {
    const fn = make(`() => [${Object.keys(captures).join()}]`)
    const error = refusal(fn, captures as Captures)
    expect(error.path).toBe(path)
    expect(error.hint).toContain("capture: 'auto'")
  })

  test('a class with statics of its text goes', () => {
    expect(prepareFunction(make('() => Shape'), { Shape }).definition.helpers).toHaveLength(1)
  })
})
