import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { FunctionDefinition } from '../../src/movement/definition.ts'
import { loadExport } from '../../src/movement/module-exports.ts'
import { prepareModuleReference } from '../../src/movement/module-reference.ts'
import { rebuild, rebuildFunction, type RebuiltFunction } from '../../src/movement/rebuild.ts'
import { type Captures, captureValues, prepareFunction } from '../../src/movement/shipment.ts'
import { make } from '../fixtures/movement/make.ts'

const fixtures = join(import.meta.dirname, '../fixtures/movement')
const load = createRequire(import.meta.url)
type Forms = Record<string, (...args: never[]) => unknown>
const strictForms = load(join(fixtures, 'strict-forms.cjs')) as Forms
const sloppyForms = load(join(fixtures, 'sloppy-forms.cjs')) as Forms
const throwing = load(join(fixtures, 'throws.cjs')) as Forms

/** The whole way: made ready, turned into plain data, made anew. */
function remade(fn: unknown, captures?: Captures): RebuiltFunction {
  const shipment = prepareFunction(fn as never, captures)
  return rebuildFunction(structuredClone(shipment.definition))(captureValues(shipment, captures))
}

/** What a call gives, whatever kind of function it is: generators are run to their end. */
async function outcome(fn: RebuiltFunction): Promise<unknown> {
  const result = fn.call(undefined, 3) as any
  if (typeof result?.[Symbol.asyncIterator] !== 'function' && typeof result?.next !== 'function')
    return result
  const yielded: unknown[] = []
  for await (const value of result) yielded.push(value)
  return yielded
}

describe('a function that went through prepareFunction() and rebuild()', () => {
  test.each(Object.keys(strictForms))('%s: does the same, has the same name and length', async (form) => {
    const original = strictForms[form] as RebuiltFunction
    const again = remade(original)
    expect(await outcome(again)).toEqual(await outcome(original))
    expect([again.name, again.length]).toEqual([original.name, original.length])
    expect(Object.getPrototypeOf(again)).toBe(Object.getPrototypeOf(original))
    // Its text, `function(x) {…}`, reads as an ordinary function.
    const hasPrototype = Object.hasOwn(original, 'prototype') || form === 'named function'
    expect(Object.hasOwn(again, 'prototype')).toBe(hasPrototype)
  })

  test.each(['writeFrozen', 'ownThis', 'legacyOctal', 'octalArrow', 'blockFunction'])(
    'sloppy: %s',
    (form) => {
      expect(remade(sloppyForms[form])()).toEqual(sloppyForms[form]?.())
    },
  )

  test('strict code of a sloppy module stays strict', () => {
    expect(() => remade(sloppyForms['strictWrite'])()).toThrow(TypeError)
  })

  test('sloppy code that does not show it is taken as strict', () => {
    expect(sloppyForms['plainArrow']?.()).toBe('object')
    expect(remade(sloppyForms['plainArrow'])()).toBe('undefined')
  })

  test('strict and sloppy parts live side by side', () => {
    const strictHelper = make('function () { return this === undefined }')
    const { mixed, writeFrozen } = sloppyForms
    expect(remade(mixed, { strictHelper, writeFrozen })()).toEqual([1, true])
  })

  test('names that no longer come from the text are kept', () => {
    for (const name of ['constructor', '__proto__', 'a "b" \\ c', '', 'ünï\u2028']) {
      const fn = Object.defineProperty(make('() => 1'), 'name', { value: name })
      expect(remade(fn).name).toBe(name)
    }
  })

  test('it can be sent on from where it was rebuilt', () => {
    for (const fn of Object.values(strictForms)) {
      const once = remade(fn)
      expect(prepareFunction(once).key).toBe(prepareFunction(remade(once)).key)
    }
  })
})

describe('captures', () => {
  test('values are bound by name', () => {
    const fn = make('(x) => [x * rate, table.get("a")]')
    expect(remade(fn, { rate: 2, table: new Map([['a', 1]]) })(3)).toEqual([6, 1])
  })

  test('each made function has variables of its own, and may write to them', () => {
    const fn = make('() => ++count')
    const { definition } = prepareFunction(fn, { count: 0 })
    const factory = rebuildFunction(definition)
    const [first, second] = [factory([10]), factory([20])]
    expect([first(), first(), second(), first()]).toEqual([11, 12, 21, 13])
  })

  test('helpers call each other, and themselves', () => {
    const isEven = make('(n) => n === 0 || isOdd(n - 1)')
    const isOdd = make('(n) => n !== 0 && isEven(n - 1)')
    expect(remade(isEven, { isEven, isOdd })(10)).toBe(true)
    expect(remade(make('(n) => isOdd(n)'), { isEven, isOdd })(10)).toBe(false)
  })

  test('a function given twice is one function', () => {
    const fn = make('function () { return [a === b, self === again && self(1)] }')
    const self = make('(x) => [x, self === again, a === b, x ? self(0) : 0]')
    const a = make('() => 1')
    expect(remade(self, { self, again: self, a, b: a })(1)).toEqual([1, true, true, [0, true, true, 0]])
    expect(remade(fn, { self, again: self, a, b: a })()).toEqual([true, [1, true, true, [0, true, true, 0]]])
  })

  test('helpers keep their names, or are named as they are captured', () => {
    const named = make('function named() {}')
    const arrow = make('() => 1')
    const fn = make('() => [first.name, second.name, third.name]')
    const third = make('({ member: () => 1 }).member')
    expect(remade(fn, { first: named, second: arrow, third })()).toEqual(['named', 'second', 'member'])
  })

  test('classes: heritage, statics and instances', () => {
    class Base {
      static made = 0
      constructor() {
        Base.made++
      }
      greet() {
        return 'base'
      }
    }
    class Derived extends Base {
      static label = Base.name
      #secret = 42
      override greet() {
        return `${super.greet()} derived ${this.#secret}`
      }
    }
    const fn = () => {
      const one = new Derived()
      return [one.greet(), one instanceof Base, Derived.label, Base.made, Derived.name]
    }
    expect(remade(fn, { Derived, Base })()).toEqual(['base derived 42', true, 'Base', 1, 'Derived'])
  })

  test('a captured name shadows a global', () => {
    expect(remade(make('() => [fetch, typeof window]'), { fetch: 1, window: {} })()).toEqual([1, 'object'])
  })

  test('what a compiler wrote for names works', () => {
    const fn = make('() => { const f = __name(() => 1, "shown"); return [f(), f.name] }')
    expect(remade(fn)()).toEqual([1, 'shown'])
  })
})

describe('stacks', () => {
  const place = (error: unknown): string => String((error as Error).stack).split('\n')[1] as string
  const thrownBy = (fn: RebuiltFunction): unknown => {
    try {
      fn(1)
    } catch (error) {
      return error
    }
    return undefined
  }

  test.each([
    ['onFirstLine', '[maltster:onFirstLine]:1:32'],
    ['onThirdLine', '[maltster:anonymous]:3:9'],
    ['method', '[maltster:onSecondLine]:2:11'],
  ])('%s: name the function, and line and column of its own text', (form, expected) => {
    expect(place(thrownBy(remade(throwing[form])))).toContain(expected)
  })

  test('the same with captures, helpers and parts of both kinds', () => {
    const fn = make('function fails() { helper(value);\n throw new Error() }')
    const captures = { value: 1, helper: sloppyForms['ownThis'] }
    expect(place(thrownBy(remade(fn, captures)))).toContain('at fails ([maltster:fails]:2:8)')
    const oneLine = make('function fails() { helper(value); throw new Error() }')
    expect(place(thrownBy(remade(oneLine, captures)))).toContain('at fails ([maltster:fails]:1:41)')
  })

  test('odd names make no odd labels', () => {
    const fn = Object.defineProperty(make('() => { throw new Error() }'), 'name', {
      value: `a\n[b] (c)${'x'.repeat(99)}`,
    })
    expect((thrownBy(remade(fn)) as Error).stack).toMatch(/\(\[maltster:a b c x+\]:1:15\)/)
    expect(place(thrownBy(remade(make('() => { throw new Error() }'))))).toContain(
      '[maltster:anonymous]:1:15',
    )
  })
})

describe('import() in a rebuilt function', () => {
  const importer = make('async (specifier) => Object.keys(await import(specifier))')

  test('takes builtins, packages and URLs', async () => {
    const again = remade(importer)
    expect(await again('node:fs')).toContain('readFileSync')
    expect(await again('acorn')).toContain('parse')
    expect(await again(pathToFileURL(join(fixtures, 'exports/tasks.mjs')).href)).toContain('double')
  })

  test('takes relative paths, from the current directory', async () => {
    const again = remade(importer)
    expect(await again('./test/fixtures/movement/exports/tasks.mjs')).toContain('double')
    await expect(again('./missing.mjs')).rejects.toMatchObject({ code: 'ERR_MODULE_NOT_FOUND' })
  })

  test('works as Vite rewrites it, in a function of this file', async () => {
    const fn = async () => (await import('node:path')).sep
    expect(await remade(fn)()).toBe((await import('node:path')).sep)
  })
})

describe('loadExport()', () => {
  const reference = (file: string, name: string): never =>
    prepareModuleReference({ module: join(fixtures, 'exports', file), export: name }).definition as never
  const reasonOf = (file: string, name: string): Promise<Error> =>
    loadExport(reference(file, name)).then(
      () => new Error('It was loaded.'),
      (error: Error) => error,
    )

  test('gives the function, named or default', async () => {
    expect((await loadExport(reference('tasks.mjs', 'double')))(4)).toBe(8)
    expect((await loadExport(reference('tasks.mjs', 'default')))(4)).toBe(12)
    expect((await loadExport({ kind: 'module', module: 'path', export: 'basename' }))('/a/b')).toBe('b')
    expect(await loadExport({ kind: 'module', module: 'acorn', export: 'parse' })).toBeTypeOf('function')
  })

  test('gives a property of `module.exports` that Node.js did not find by reading the text', async () => {
    expect((await loadExport(reference('common.cjs', 'double')))(4)).toBe(8)
    expect((await reasonOf('common.cjs', 'toString')).message).toMatch(/has no export/)
  })

  test('an export that is missing: names those there are', async () => {
    const error = await reasonOf('tasks.mjs', 'duoble')
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(
      /tasks\.mjs has no export `duoble`. It has `Task`, `default`, `double`, `rate`\.$/,
    )
    expect((await reasonOf('tasks.mjs', 'toString')).message).toMatch(/has no export/)
  })

  test('an export that is no function, or is a class', async () => {
    expect((await reasonOf('tasks.mjs', 'rate')).message).toMatch(
      /Export `rate` of .*tasks\.mjs is not a function, but of type number/,
    )
    expect((await reasonOf('tasks.mjs', 'Task')).message).toMatch(/is a class, which can't be called/)
  })

  test('a module that is not there', async () => {
    const error = await reasonOf('missing.mjs', 'double')
    expect(error.message).toMatch(
      /^Could not import file:.*missing\.mjs, for its export `double`: Cannot find module/,
    )
    expect(error).toMatchObject({ code: 'ERR_MODULE_NOT_FOUND', cause: { code: 'ERR_MODULE_NOT_FOUND' } })
    const bare = await loadExport({ kind: 'module', module: 'not-installed', export: 'a' }).catch(
      (reason) => reason,
    )
    expect(bare.message).toContain(`Packages are looked for from ${dirname(dirname(import.meta.dirname))}.`)
  })

  test('a module that fails while it loads', async () => {
    const error = await reasonOf('throws-on-load.mjs', 'double')
    expect(error.message).toMatch(/: this module never loads$/)
    expect((error.cause as Error).message).toBe('this module never loads')
    expect((await reasonOf('imports-nothing.mjs', 'a')).message).toContain('missing-neighbour.mjs')
  })
})

describe('rebuild()', () => {
  test('gives a factory for source, and a promise of one for a module', async () => {
    const source = rebuild(prepareFunction(make('(x) => x + 1')).definition)
    expect(source).toBeTypeOf('function')
    expect((await source)([])(1)).toBe(2)
    const module = rebuild({ kind: 'module', module: 'node:path', export: 'basename' })
    expect(module).toBeInstanceOf(Promise)
    expect((await module)([])('/a/b')).toBe('b')
  })

  test('never throws: text that does not compile is a rejection', async () => {
    const broken: FunctionDefinition = {
      ...prepareFunction(make('() => 1')).definition,
      source: '() => {',
    }
    await expect(rebuild(broken)).rejects.toThrow(SyntaxError)
  })
})
