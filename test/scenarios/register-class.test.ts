import {
  CaptureError,
  DecodeError,
  EncodeError,
  InterruptedError,
  registerClass,
  RemoteError,
  type Worker,
} from 'maltster'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Money } from '../fixtures/movement/classes/money.mjs'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, kind, quietWorker, rejection, until, whereItCan } from './workers.ts'

useLeakCheck()

class Celsius {
  readonly #degrees: number

  constructor(degrees: number) {
    this.#degrees = degrees
  }

  get degrees(): number {
    return this.#degrees
  }
}

class Node {
  readonly label: string
  readonly children: unknown[]

  constructor(label: string, children: unknown[]) {
    this.label = label
    this.children = children
  }
}

const registerCelsius = (): Disposable =>
  registerClass(Celsius, {
    encode: ({ degrees }) => ({ degrees }),
    decode: ({ degrees }) => new Celsius(degrees),
  })

const registerNode = (): Disposable =>
  registerClass(Node, {
    encode: ({ label, children }) => [label, children] as const,
    decode: ([label, children]) => new Node(label, children),
  })

let taken: Disposable[] = []
let worker: Worker

/** Here, and in the worker that is started now. */
async function startRegistered(): Promise<void> {
  taken = [registerCelsius(), registerNode()]
  worker = await quietWorker({ preload: [registerCelsius, registerNode] })
}

afterEach(async () => {
  await worker.stop()
  for (const one of taken) one[Symbol.dispose]()
})

describe('registered on both sides', () => {
  beforeEach(startRegistered)

  test('instances with private fields are arguments and results', async () => {
    const warmer = await worker.call((one: Celsius) => new Celsius(one.degrees + 1), [new Celsius(20)])
    expect(warmer).toBeInstanceOf(Celsius)
    expect(warmer.degrees).toBe(21)
  })

  test('they are of the class that the function refers to, both ways', async () => {
    expect(await worker.call((one: unknown) => one instanceof Celsius, [new Celsius(1)])).toBe(true)
  })

  test('deep in data, in maps, shared, and one in the other', async () => {
    const shared = new Celsius(1)
    const tree = new Node('root', [new Node('leaf', [shared]), shared, new Map([['k', shared]])])
    const back = await worker.call(
      (one: Node) => {
        const [leaf, second, map] = one.children as [Node, Celsius, Map<string, Celsius>]
        const isOne = leaf.children[0] === second && map.get('k') === second
        return { isOne, one, list: [one, one] }
      },
      [tree],
    )
    expect(back.isOne).toBe(true)
    expect(back.list[0]).toBe(back.one)
    expect(back.list[1]).toBe(back.one)
    expect(back.one.children[0]).toBeInstanceOf(Node)
    expect((back.one.children[1] as Celsius).degrees).toBe(1)
  })

  test('captured, as a variable of the module, of a function, and inside an object with functions', async () => {
    const local = new Celsius(5)
    const holder = { celsius: new Celsius(6), double: (one: number): number => one * 2 }
    expect(await worker.call(() => [local.degrees, local instanceof Celsius])).toEqual([5, true])
    expect(await worker.call(() => holder.double(holder.celsius.degrees))).toBe(12)
    expect(await worker.call(() => moduleLevel.degrees)).toBe(7)
    expect(worker.explain(() => moduleLevel.degrees).entries).toContainEqual(
      expect.objectContaining({ name: 'moduleLevel', action: 'unchanged' }),
    )
  })

  test('given by `captures`, in what is thrown, and in what ends a worker', async () => {
    const given = new Celsius(8)
    expect(await worker.call(() => given.degrees, [], { captures: { given }, capture: 'explicit' })).toBe(8)
    const error = await rejection(
      worker.call(() => {
        throw Object.assign(new Error('hot'), { at: new Celsius(99) })
      }),
      RemoteError,
    )
    expect((error.properties as { at: Celsius }).at.degrees).toBe(99)
    void worker
      .call(async () => {
        const { exitWith } = await import('maltster/worker')
        exitWith(new Celsius(3), { exitCode: 4 })
      })
      .catch(() => {})
    expect(((await worker.exited).cause as Celsius).degrees).toBe(3)
  })

  test('data that leads back to what is around the instance', async () => {
    const parent: { name: string; child?: Node } = { name: 'parent' }
    parent.child = new Node('child', [parent])
    const back = await worker.call((one: typeof parent) => one, [parent])
    expect(back.child?.children[0]).toBe(back)
  })

  test('an instance in its own data is refused', async () => {
    const own = new Node('own', [])
    own.children.push([own])
    const error = await rejection(
      worker.call((one: Node) => one.label, [own]),
      EncodeError,
    )
    expect(error.message).toContain('args[0][1][0][0] can')
    expect(error.message).toContain('its own `encode`')
    await expectUsable(worker)
  })

  test('an instance of a subclass is refused as data, and says what to do', async () => {
    class Warm extends Celsius {}
    const error = await rejection(
      worker.call((one: Celsius) => one.degrees, [new Warm(1)]),
      EncodeError,
    )
    expect(error.message).toContain('extends `Celsius`, which is registered, and is not registered itself')
    expect(error.message).toContain('registerClass')
    taken.push(registerClass(Warm, { encode: ({ degrees }) => degrees, decode: (one) => new Warm(one) }))
    // In one process it is the same class on both sides.
    if (kind === 'in-process') return
    const there = await rejection(
      worker.call((one: Celsius) => one.degrees, [new Warm(1)]),
      DecodeError,
    )
    expect(there.reason).toBe('class')
    expect(there.message).toContain('"Warm"')
  })

  test('codecs that throw are told by class and side', async () => {
    taken.push(
      registerClass(Celsius, {
        encode: ({ degrees }) => {
          if (degrees < 0) throw new RangeError('too cold')
          return { degrees }
        },
        decode: () => ({}) as Celsius,
      }),
    )
    const here = await rejection(
      worker.call((one: Celsius) => one.degrees, [new Celsius(-1)]),
      EncodeError,
    )
    expect(here.message).toContain('`encode` of the class `Celsius` threw: too cold')
    const back = await rejection(
      worker.call((one: Celsius) => one, [new Celsius(1)]),
      DecodeError,
    )
    expect(back.reason).toBe('class-codec')
    expect(back.message).toContain('did not return an instance')
    await expectUsable(worker)
  })
})

const registerSpinning = (): Disposable =>
  registerClass(Celsius, {
    encode: ({ degrees }) => degrees,
    decode: (degrees) => {
      let turns = degrees > 100 ? 0 : -1
      while (turns >= 0) turns = (turns + 1) % 1000
      return new Celsius(degrees)
    },
  })

whereItCan('interrupt')(
  'a codec that spins is cut off like a function, when it reads arguments or what was captured',
  async () => {
    taken = [registerSpinning()]
    worker = await quietWorker({ preload: [registerSpinning] })
    for (const act of [
      () => worker.call((one: Celsius) => one.degrees, [new Celsius(101)]),
      () => {
        const local = new Celsius(102)
        return worker.call(() => local.degrees)
      },
    ]) {
      const call = act()
      call.catch(() => {})
      await until('it spins', () => worker.state === 'running')
      const error = await rejection(
        Promise.race([call, worker.interrupt().then(() => call)]),
        InterruptedError,
      )
      expect(error.collateral).toBe(false)
      await expectUsable(worker)
    }
    expect(await worker.call((one: Celsius) => one.degrees, [new Celsius(1)])).toBe(1)
  },
)

const moduleLevel = new Celsius(7)

describe('registered on one side only', () => {
  test('not in the worker: a typed error that names class and remedy; the worker goes on', async () => {
    taken = [
      registerClass(Celsius, {
        name: 'only here',
        encode: ({ degrees }) => degrees,
        decode: (degrees) => new Celsius(degrees),
      }),
    ]
    worker = await quietWorker()
    if (kind === 'in-process') return
    for (const act of [
      () => worker.call((one: Celsius) => one.degrees, [new Celsius(1)]),
      () => worker.call(() => moduleLevel.degrees),
    ]) {
      const error = await rejection(act(), DecodeError)
      expect(error.reason).toBe('class')
      expect(error.message).toContain('"only here"')
      expect(error.message).toContain('registerClass(Class, { name: "only here"')
      expect(error.worker).toBe(worker.path)
    }
    await expectUsable(worker)
    // What could not be read then can be once the class is registered.
    await worker.call(async () => {
      const { registerClass: register } = await import('maltster/worker')
      register(Celsius, {
        name: 'only here',
        encode: ({ degrees }) => degrees,
        decode: (degrees: number) => new Celsius(degrees),
      })
    })
    expect(await worker.call((one: Celsius) => one.degrees, [new Celsius(1)])).toBe(1)
    expect(await worker.call(() => moduleLevel.degrees)).toBe(7)
  })

  test('not in the host: likewise, for this one call', async () => {
    taken = []
    worker = await quietWorker({ preload: [registerCelsius] })
    const error = await rejection(
      worker.call(() => new Celsius(1)),
      DecodeError,
    )
    expect(error.reason).toBe('class')
    expect(error.message).toContain('"Celsius"')
    await expectUsable(worker)
  })

  test('nowhere: private fields are refused, and the remedy then works', async () => {
    taken = []
    worker = await quietWorker({ preload: [registerCelsius] })
    const secret = new Celsius(1)
    const error = await rejection(
      worker.call(() => secret.degrees),
      CaptureError,
    )
    expect(error.path).toBe('fn → secret (Celsius)')
    expect(error.why).toContain('#degrees')
    expect(error.hint).toContain('registerClass(Celsius, { encode, decode })')
    taken = [registerCelsius()]
    expect(await worker.call(() => secret.degrees)).toBe(1)
  })
})

test('a module that registers its class can be preloaded', async () => {
  taken = []
  worker = await quietWorker({
    preload: [new URL('../fixtures/movement/classes/money.mjs', import.meta.url)],
  })
  const more = await worker.call((one: Money) => [one.cents, one] as const, [new Money(5)])
  expect([more[0], more[1] instanceof Money, more[1].cents]).toEqual([5, true, 5])
  expect(await worker.call((one: unknown) => one instanceof Money, [new Money(5)])).toBe(true)
})

test('an in-process worker has classes of its own: that of the host stays what it is', async () => {
  taken = [registerCelsius()]
  worker = await quietWorker({
    preload: [
      () => {
        class Other {
          readonly value: unknown
          constructor(value: unknown) {
            this.value = value
          }
        }
        registerClass(Other, {
          name: 'Celsius',
          encode: ({ value }) => value,
          decode: (value) => new Other(value),
        })
      },
    ],
  })
  const told = await worker.call((one: object) => [one.constructor.name, one] as const, [new Celsius(2)])
  expect(told[0]).toBe('Other')
  expect(told[1]).toBeInstanceOf(Celsius)
})

describe('registerClass()', () => {
  beforeEach(async () => {
    taken = []
    worker = await quietWorker()
  })
  const codec = { encode: () => 1, decode: () => new Celsius(1) }

  test.each<[string, unknown, unknown, string]>([
    ['no class', {}, codec, 'Expected a class to register, got a value of type object'],
    ...[Map, Set, Date, Error, TypeError, RegExp, Promise, Uint8Array, Buffer, Symbol, String, URL].map(
      (Class): [string, unknown, object, string] => [
        `the ${Class.name} of the language`,
        Class,
        codec,
        `\`${Class.name}\` can't be registered: how values of a class of the language travel`,
      ],
    ),
    ['an arrow', () => {}, codec, 'Expected a class to register'],
    ['Object', Object, codec, 'prototype.constructor'],
    ['no codec', Celsius, undefined, 'Expected `{ name?, encode, decode }`'],
    ['no encode', Celsius, { decode: codec.decode }, 'Expected `encode` to be a function'],
    ['another option', Celsius, { ...codec, named: 'x' }, 'no option `named`'],
    ['a name that is none', Celsius, { ...codec, name: '' }, 'Expected `name`'],
    [
      'a class without a name',
      (() =>
        class {
          own = 1
        })(),
      codec,
      'Expected `name`',
    ],
  ])('refuses %s', (_what, Class, options, words) => {
    expect(() => registerClass(Class as typeof Celsius, options as typeof codec)).toThrow(words)
  })

  test('refuses a name that another class has, takes the same class again, and can be taken back', () => {
    const first = registerClass(Celsius, codec)
    class Other {
      own = 1
    }
    expect(() =>
      registerClass(Other, { name: 'Celsius', encode: () => 1, decode: () => new Other() }),
    ).toThrow('Another class is registered as "Celsius"')
    const second = registerClass(Celsius, { ...codec, name: 'other' })
    first[Symbol.dispose]()
    registerClass(Other, { name: 'Celsius', encode: () => 1, decode: () => new Other() })[Symbol.dispose]()
    second[Symbol.dispose]()
  })
})
