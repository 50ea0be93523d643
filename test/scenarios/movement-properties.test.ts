import { CaptureError, type Worker } from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, rejection } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  await worker.stop()
})

const tag = Symbol.for('maltster.test.tag')
const unique = Symbol('unique')

/** Any object with properties of all kinds added to it. */
function decorated<T extends object>(thing: T): T & { extra: number; hidden: number; twice: number } {
  Object.assign(thing, { extra: 1, [tag]: 'tagged' })
  Object.defineProperty(thing, 'hidden', { value: 2, enumerable: false, writable: false, configurable: true })
  Object.defineProperty(thing, 'twice', {
    get() {
      return (this as { extra: number }).extra * 2
    },
    enumerable: false,
    configurable: true,
  })
  return thing as T & { extra: number; hidden: number; twice: number }
}

/** What somebody sees of an object's properties, in this process or another. */
function seen(thing: object): unknown[] {
  return Reflect.ownKeys(thing).map((key) => {
    const { value, get, set, ...flags } = Object.getOwnPropertyDescriptor(thing, key) as PropertyDescriptor
    const shown: unknown = typeof value === 'object' || typeof value === 'function' ? typeof value : value
    return [String(key), shown, typeof get, typeof set, flags]
  })
}

const large = Array.from({ length: 1000 }, (_, i) => i)

describe('own properties travel with what is captured, whatever they are on', () => {
  const named = function named() {
    return 1
  } as () => number

  test.each<[string, object]>([
    ['an object', decorated({ a: 1 })],
    ['an object without a prototype', decorated(Object.assign(Object.create(null), { a: 1 }) as object)],
    ['an array', decorated([1, 2])],
    ['an array with holes', decorated([1, , 3])],
    ['an array of many elements', decorated([...large])],
    ['a Map', decorated(new Map([['k', [1]]]))],
    ['a Set', decorated(new Set([{ a: 1 }]))],
    ['a Date', decorated(new Date(5))],
    ['a RegExp', Object.assign(decorated(/a+/g), { lastIndex: 3 })],
    ['an Error', decorated(new RangeError('outer', { cause: new Error('inner') }))],
    ['a typed array', decorated(new Float64Array([1, 2]))],
    ['a Buffer', decorated(Buffer.from('abc'))],
    ['an ArrayBuffer', decorated(new ArrayBuffer(8))],
    ['a URL', decorated(new URL('http://localhost/a'))],
    ['a boxed text', decorated(Object('text') as object)],
    ['a function', decorated(named)],
    ['a match', /b(?<rest>.*)/.exec('abc')!],
    ['a template', ((...parts: [TemplateStringsArray, number]) => parts[0])`a${1}\n`],
  ])('%s', async (_what, thing) => {
    const there = await worker.call(() => seen(thing))
    // What the engine gives to errors and functions by itself is not ours to compare.
    const own = (list: unknown[]): unknown[] =>
      list.filter((one) => !['stack', 'length', 'name', 'prototype'].includes((one as [string])[0]))
    expect(own(there)).toEqual(own(seen(thing)))
    const prototype = await worker.call(() => Object.prototype.toString.call(thing))
    expect(prototype).toBe(Object.prototype.toString.call(thing))
  })

  test('what they are is kept beside it', async () => {
    const list = decorated([1, { a: 2 }])
    const map = decorated(new Map([[list, 'list']]))
    const date = decorated(new Date(7))
    const error = decorated(new TypeError('message', { cause: list }))
    expect(
      await worker.call(() => [
        list.length,
        list.twice,
        map.get(list),
        map.extra,
        date.getTime(),
        date.twice,
        error instanceof TypeError,
        error.message,
        error.cause === list,
        error.twice,
        (list as unknown as Record<symbol, unknown>)[Symbol.for('maltster.test.tag')],
      ]),
    ).toEqual([2, 2, 'list', 1, 7, 2, true, 'message', true, 2, 'tagged'])
  })

  test('functions in them, and circles', async () => {
    const list = Object.assign([1, 2], {
      sum: (): number => list.reduce((a, b) => a + b, 0),
      self: [] as unknown[],
    })
    list.self.push(list)
    const error = Object.assign(new Error('e'), { retry: (): number => 5 })
    expect(await worker.call(() => [list.sum(), list.self[0] === list, error.retry()])).toEqual([3, true, 5])
  })

  test('an array that is mostly holes takes no time', async () => {
    const sparse: unknown[] = []
    sparse[1_000_000_000] = (): number => 4
    sparse[5] = 'five'
    expect(
      await worker.call(() => [sparse.length, sparse[5], (sparse[1e9] as () => number)(), 6 in sparse]),
    ).toEqual([1_000_000_001, 'five', 4, false])
  })

  test('a property under a symbol of its own is refused by name', async () => {
    const list = Object.assign([1], { [unique]: 1 })
    const plain = { deep: { [unique]: 1 } }
    const refused = await rejection(
      worker.call(() => list.length),
      CaptureError,
    )
    expect(refused.path).toBe('fn → list[Symbol(unique)]')
    expect(refused.why).toContain('unique symbol')
    expect(refused.hint).toContain('Symbol.for')
    const deep = await rejection(
      worker.call(() => plain.deep),
      CaptureError,
    )
    expect(deep.path).toBe('fn → plain.deep[Symbol(unique)]')
  })
})

describe('what is closed stays closed', () => {
  class Point {
    readonly x = 1
  }
  const circle: Record<string, unknown> = { list: [] }
  circle['self'] = circle
  Object.freeze(circle)

  test.each<[string, object]>([
    ['a frozen object', Object.freeze({ a: { b: 1 } })],
    ['a sealed object', Object.seal({ a: 1 })],
    ['an object that takes nothing new', Object.preventExtensions({ a: 1 })],
    ['a frozen array', Object.freeze([1, [2]])],
    ['a sealed array', Object.seal([1, 2])],
    ['a frozen array with holes', Object.freeze([1, , 3])],
    ['a frozen array of many', Object.freeze([...large])],
    ['a frozen Map', Object.freeze(new Map([[1, 2]]))],
    ['a frozen Date', Object.freeze(new Date(1))],
    ['a frozen RegExp', Object.freeze(/a/)],
    ['a frozen Error', Object.freeze(new Error('frozen'))],
    ['a frozen instance', Object.freeze(new Point())],
    ['a frozen function', Object.freeze(() => 1)],
    ['a frozen circle', circle],
    ['a frozen object with a function', Object.freeze({ go: (): number => 1 })],
    [
      'an object with a read-only property',
      Object.defineProperty({ b: 1 }, 'a', { value: 1, enumerable: true }),
    ],
  ])('%s', async (_what, thing) => {
    const look = (): unknown[] => [
      Object.isFrozen(thing),
      Object.isSealed(thing),
      Object.isExtensible(thing),
      Object.keys(thing),
    ]
    expect(await worker.call(look)).toEqual(look())
  })
})

describe('what a prototype and a class got after they were made', () => {
  class Shape {
    static readonly kinds = ['square']
    static make(): Shape {
      return new Shape()
    }
    describe(): string {
      return 'a shape'
    }
    get area(): number {
      return 1
    }
  }
  Object.assign(Shape.prototype, { added: (): string => 'added', colour: 'red' })
  Object.defineProperty(Shape.prototype, 'describe', { value: () => 'replaced' })
  Object.defineProperty(Shape.prototype, tag, { get: () => 'by symbol' })
  Object.assign(Shape, { make: (): string => 'another make', more: [1] })

  test('methods, accessors, symbols and data travel, and replace what was there', async () => {
    const shape = new Shape() as Shape & { added(): string; colour: string }
    expect(
      await worker.call(() => [
        shape.added(),
        shape.colour,
        shape.describe(),
        shape.area,
        (shape as unknown as Record<symbol, unknown>)[Symbol.for('maltster.test.tag')],
        Shape.make(),
        (Shape as unknown as { more: number[] }).more,
        Shape.kinds,
        shape instanceof Shape,
      ]),
    ).toEqual(['added', 'red', 'replaced', 1, 'by symbol', 'another make', [1], ['square'], true])
  })

  function Animal(this: { name: string }, name: string): void {
    this.name = name
  }
  Animal.prototype.speak = function (this: { name: string }): string {
    return `${this.name} speaks`
  }
  Animal.create = (name: string): object => Reflect.construct(Animal, [name]) as object
  function Dog(this: { name: string }, name: string): void {
    Animal.call(this, name)
  }
  Object.setPrototypeOf(Dog.prototype, Animal.prototype)
  Object.setPrototypeOf(Dog, Animal)
  Dog.prototype.bark = function (this: { speak(): string }): string {
    return `${this.speak()}: wuff`
  }

  test('functions that are classes of the old kind, with what they inherit', async () => {
    const rex = Reflect.construct(Dog, ['Rex']) as { bark(): string }
    expect(
      await worker.call(() => [
        rex.bark(),
        rex instanceof Dog,
        rex instanceof Animal,
        Object.getPrototypeOf(Dog) === Animal,
        (Reflect.construct(Dog, ['Fido']) as typeof rex).bark(),
      ]),
    ).toEqual(['Rex speaks: wuff', true, true, true, 'Fido speaks: wuff'])
  })

  test('a prototype that is referred to is that of the class', async () => {
    const { prototype } = Shape
    expect(
      await worker.call(() => [prototype === Shape.prototype, Object.create(prototype) instanceof Shape]),
    ).toEqual([true, true])
  })

  test('what they got and can not leave is refused with its path', async () => {
    class Holder {
      own = 1
    }
    Object.assign(Holder.prototype, { wait: Promise.resolve() })
    const holder = new Holder()
    const error = await rejection(
      worker.call(() => holder.own),
      CaptureError,
    )
    expect(error.path).toBe('fn → holder → Holder.prototype.wait (Promise)')
  })

  test('an instance of a class that extends memory is refused', async () => {
    class Bytes extends Uint8Array {}
    const bytes = new Bytes(3)
    const error = await rejection(
      worker.call(() => bytes.length),
      CaptureError,
    )
    expect(error.message).toContain('fn → bytes (Bytes)')
  })
})

describe('looking runs nothing of the user', () => {
  test('no getter, no trap, no iterator, no species, no toString', async () => {
    const ran: string[] = []
    const trap = (what: string) => (): never => {
      ran.push(what)
      throw new Error(what)
    }
    const keys = [
      'constructor',
      'pipe',
      'on',
      'emit',
      'then',
      'toJSON',
      'length',
      'name',
      'message',
      'valueOf',
    ]
    class Guarded {
      own = 1
    }
    for (const key of [
      ...keys.slice(1),
      'toString',
      Symbol.toStringTag,
      Symbol.iterator,
      Symbol.toPrimitive,
    ]) {
      Object.defineProperty(Guarded.prototype, key, { get: trap(`class ${String(key)}`), configurable: true })
    }
    const guarded = new Guarded()
    const own = {}
    for (const key of keys) Object.defineProperty(own, key, { get: trap(`own ${key}`), enumerable: true })
    const list = [1, 2]
    Object.defineProperty(list, 1, { get: trap('element'), enumerable: true })
    Object.defineProperty(list, Symbol.iterator, { value: trap('iterator') })
    const map = Object.defineProperty(new Map([[1, 2]]), 'forEach', { get: trap('forEach') })
    const error = Object.defineProperty(new Error('e'), 'message', { get: trap('message') })
    const above = Object.create(new Proxy({}, { getPrototypeOf: trap('trap'), get: trap('get') })) as object
    for (const thing of [guarded, own, list, map, error, above]) {
      const fn = (): unknown => thing
      worker.explain(fn)
      await worker.call(() => typeof thing).catch(() => {})
    }
    expect(ran).toEqual([])
  })
})

test('the length that somebody has given to a function goes along; that of others is the one of their text', async () => {
  const curried = (fn: (...numbers: number[]) => number, length: number): typeof fn =>
    Object.defineProperty((...numbers: number[]) => fn(...numbers), 'length', { value: length })
  const add = curried((a = 0, b = 0, c = 0) => a + b + c, 3)
  const usual = (a: number, _b: number, c = 1, ..._rest: number[]): number => a + c
  const look = (): number[] => [add.length, add(1, 2, 3), usual.length]
  expect(look()).toEqual([3, 6, 2])
  expect(await worker.call(look)).toEqual([3, 6, 2])
})
