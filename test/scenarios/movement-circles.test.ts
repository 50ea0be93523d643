import { CaptureError, type Worker } from 'maltster'
import { beforeAll, describe, expect, test, afterAll } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { agreeingWorker } from './agreement.ts'
import { rejection } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await agreeingWorker()
})

afterAll(async () => {
  await worker.stop()
})

const factorial = (n: number): number => (n < 2 ? 1 : n * again(n - 1))
const again = factorial

class Base {
  readonly isOne = true
  static make(kind: keyof typeof kinds): Base {
    return new kinds[kind]()
  }
}
class Sub extends Base {
  hello(): string {
    return 'hello'
  }
}
const kinds = { Sub }

class InMap {
  readonly isOne = true
  static all(): unknown[] {
    return [...kindsInMap.values()].map((kind) => new kind() instanceof InMap)
  }
}
class SubInMap extends InMap {}
const kindsInMap = new Map([['sub', SubInMap]])

class InArray {
  readonly isOne = true
  static all(): unknown[] {
    return [kindsInArray.length, ...kindsInArray.map((kind) => typeof kind)]
  }
}
class SubInArray extends InArray {}
const kindsInArray = [SubInArray]

class WithInstances {
  readonly isOne = true
  static all(): string[] {
    return instances.map((one) => one.hello())
  }
}
class Instance extends WithInstances {
  hello(): string {
    return 'hello'
  }
}
const instances = [new Instance()]

const handlers = new Map<string, () => unknown>()
handlers.set('first', () => 'first')
handlers.set('kinds', () => [...handlers].map(([name, handler]) => `${name} ${typeof handler}`))
const byName = (): unknown => handlers.get('kinds')!()

const inSet = new Set<unknown>()
const ofSet = (): string[] => [...inSet].map((one) => typeof one)
inSet.add(ofSet).add('text')

function bare(this: { value: number }): unknown[] {
  return [this.value, typeof bound]
}
const context = { value: 1 }
const bound = bare.bind(context)

const parity = (() => {
  const counts = { calls: 0 }
  const even = (n: number): boolean => (counts.calls++, n === 0 || odd(n - 1))
  const odd = (n: number): boolean => (counts.calls++, n !== 0 && even(n - 1))
  return { even, odd, counts, reset: () => (counts.calls = 0) }
})()

const registry = (() => {
  const members = new Map<string, () => unknown>()
  const one = (): unknown[] => [...members.keys(), members.get('one') === one]
  members.set('one', one).set('two', () => members.size)
  return { members, one }
})()

describe('what refers to each other in a circle arrives whole, with the first call', () => {
  const cases: readonly (readonly [string, () => unknown, unknown])[] = [
    ['a function by another name', () => factorial(5), 120],
    ['classes in an object', () => (Base.make('Sub') as Sub).hello(), 'hello'],
    ['classes in a map', () => InMap.all(), [true]],
    ['classes in an array', () => InArray.all(), [1, 'function']],
    ['instances of a subclass', () => WithInstances.all(), ['hello']],
    ['functions in a map', () => byName(), ['first function', 'kinds function']],
    ['functions in a set', () => ofSet(), ['function', 'string']],
    ['a bound function', () => bound(), [1, 'function']],
    ['a bound function, from inside', () => bare.call(context), [1, 'function']],
    ['a captured map of functions', () => registry.one(), ['one', 'two', true]],
  ]

  test.each(cases)('%s', async (_what, fn, expected) => {
    expect(await worker.call(fn)).toEqual(expected)
    expect(await worker.call(fn)).toEqual(expected)
    expect(fn()).toEqual(expected)
  })

  test('and in one generation, when a part of it has changed here', async () => {
    const calls = (): unknown[] => {
      parity.reset()
      return [parity.even(3), parity.counts.calls]
    }
    expect(await worker.call(calls)).toEqual([false, 4])
    const before = (await worker.stats()).bytes.sent
    expect(await worker.call(calls)).toEqual([false, 4])
    expect((await worker.stats()).bytes.sent - before).toBeLessThan(200)
    parity.odd(1)
    expect(await worker.call(() => parity.counts.calls)).toBe(2)
    expect(await worker.call(calls)).toEqual([false, 4])
  })

  test('where each of two has to be there before the other, it is refused', async () => {
    const base = (): number => 1
    class Made {
      readonly isOne = true
      static first = base()
      static read = (): number => base()
    }
    Object.setPrototypeOf(base, Made)
    const error = await rejection(
      worker.call(() => Made.first),
      CaptureError,
    )
    expect(error.message).toMatch(
      /`(base|Made)` and `(base|Made)` would each have to be there before the other/,
    )
  })
})
