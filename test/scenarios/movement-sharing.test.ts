import { CaptureError, explain, type Worker } from 'maltster'
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

function makeCounter() {
  let count = 0
  return { up: () => ++count, get: () => count }
}

/** A class and a function that share a variable. */
function makeRegistry() {
  let made = 0
  class Item {
    readonly id = ++made
  }
  return { Item, howMany: () => made }
}

const ofModule = makeCounter()
const [first, second] = [makeCounter(), makeCounter()]
const { up: upThird, get: getThird } = makeCounter()
const { up: upFourth, get: getFourth } = makeCounter()

describe('functions that share a variable that one of them assigns to share it there', () => {
  const cases: readonly (readonly [string, () => () => unknown, unknown])[] = [
    [
      'from one destructuring',
      () => {
        const { up, get } = makeCounter()
        return () => [up(), up(), get()]
      },
      [1, 2, 2],
    ],
    [
      'as members of one object',
      () => {
        const counter = makeCounter()
        return () => [counter.up(), counter.get()]
      },
      [1, 1],
    ],
    [
      'taken out of one object one by one',
      () => {
        const counter = makeCounter()
        const up = counter.up
        const get = counter.get
        return () => [up(), get()]
      },
      [1, 1],
    ],
    [
      'deep in one object, under two roofs',
      () => {
        const { up, get } = makeCounter()
        const api = { write: { up }, read: [get] }
        return () => [api.write.up(), api.read[0]!()]
      },
      [1, 1],
    ],
    [
      'as a parameter that is destructured',
      () =>
        (
          ({ up, get }: ReturnType<typeof makeCounter>) =>
          () => [up(), get()]
        )(makeCounter()),
      [1, 1],
    ],
    [
      'declared in the scope of the variable, one by one',
      () => {
        let count = 5
        const up = (): number => ++count
        const get = (): number => count
        return () => [up(), get()]
      },
      [6, 6],
    ],
    [
      'the sent function itself, and one that it calls',
      () => {
        let count = 0
        const get = (): number => count
        return () => {
          count += 3
          return [count, get()]
        }
      },
      [3, 3],
    ],
    [
      'through a helper',
      () => {
        const { up, get } = makeCounter()
        const helper = (): number => get()
        return () => [up(), helper()]
      },
      [1, 1],
    ],
    [
      'a class and a function',
      () => {
        const { Item, howMany } = makeRegistry()
        return () => [new Item().id, new Item().id, howMany()]
      },
      [1, 2, 2],
    ],
    [
      'counters that can be told apart by their values',
      () => {
        const [a, b] = [makeCounter(), makeCounter()]
        a.up()
        return () => [a.up(), a.get(), b.up(), b.get()]
      },
      [2, 2, 1, 1],
    ],
    [
      'several variables, and one that nobody assigns to',
      () => {
        let [low, high] = [0, 10]
        const step = 2
        const narrow = (): void => {
          low += step
          high -= step
        }
        const range = (): number[] => [low, high]
        return () => {
          narrow()
          return range()
        }
      },
      [2, 8],
    ],
  ]

  test.each(cases)('%s', async (_what, prepare, expected) => {
    expect(await worker.call(prepare())).toEqual(expected)
    expect(prepare()()).toEqual(expected)
  })

  test('what is held by a module keeps its state there, and each call sees it', async () => {
    expect(await worker.call(() => ofModule.up())).toBe(1)
    expect(await worker.call(() => [ofModule.up(), ofModule.get()])).toEqual([2, 2])
    expect(await worker.call(() => ofModule.get())).toBe(2)
    expect(ofModule.get()).toBe(0)
  })

  test('each call has a copy of what its function has captured', async () => {
    const { up, get } = makeCounter()
    const both = (): number[] => [up(), get()]
    expect(await worker.call(both)).toEqual([1, 1])
    expect(await worker.call(both)).toEqual([1, 1])
    expect(get()).toBe(0)
  })
})

describe('what can not be known is refused, with the variable, the reason and advice', () => {
  const cases: readonly (readonly [string, () => () => unknown, string])[] = [
    [
      'two counters that look alike',
      () => {
        const [a, b] = [makeCounter(), makeCounter()]
        return () => [a.up(), b.up()]
      },
      'look alike',
    ],
    [
      'one half of each of two counters',
      () => {
        const { up } = makeCounter()
        const { get } = makeCounter()
        return () => [up(), get()]
      },
      'made together',
    ],
    [
      'parameters that came one by one',
      () =>
        ((up: () => number, get: () => number) => () => [up(), get()])(makeCounter().up, makeCounter().get),
      'made together',
    ],
    [
      'functions of a loop, while they look alike',
      () => {
        const made: (() => number)[] = []
        for (let round = 0; round < 2; round++) {
          let own = 0
          made.push(() => ++own)
        }
        return () => made.map((one) => one())
      },
      'look alike',
    ],
  ]

  test.each(cases)('%s', async (_what, prepare, words) => {
    const before = (await worker.stats()).bytes.sent
    const error = await rejection(worker.call(prepare()), CaptureError)
    expect(error.path).toMatch(/^fn → .*(count|own)$/)
    expect(error.why).toMatch(/^`(count|own)` is assigned by/)
    expect(error.why).toContain(words)
    expect(error.hint).toContain('Keep it in an object that they refer to')
    expect((await worker.stats()).bytes.sent).toBe(before)
  })

  test('and leaves no trace: what could not be told apart is not taken for one later', async () => {
    const both = (): number[] => [first.up(), second.up()]
    expect(explain(both).entries[0]).toMatchObject({ action: 'refused' })
    await rejection(worker.call(both), CaptureError)
    first.up()
    expect(await worker.call(() => [first.up(), first.up(), second.up()])).toEqual([2, 3, 1])
  })

  test('those that only read are not taken for one later, nor is what one has over there given to another', async () => {
    expect(await worker.call(() => [getThird(), getFourth()])).toEqual([0, 0])
    upFourth()
    expect(await worker.call(() => [getThird(), getFourth()])).toEqual([0, 1])
    expect(await worker.call(() => [upThird(), getThird()])).toEqual([1, 1])
    upThird()
    await rejection(
      worker.call(() => [getThird(), getFourth()]),
      CaptureError,
    )
  })

  test('the advice works', async () => {
    const makeAdvised = () => {
      const state = { count: 0 }
      return { up: () => ++state.count, get: () => state.count }
    }
    const [a, b] = [makeAdvised(), makeAdvised()]
    expect(await worker.call(() => [a.up(), a.get(), b.get(), b.up()])).toEqual([1, 1, 0, 1])
    const { up } = makeAdvised()
    const { get } = makeAdvised()
    expect(await worker.call(() => [up(), get()])).toEqual([1, 0])
  })
})
