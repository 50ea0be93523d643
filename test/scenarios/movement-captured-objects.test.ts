import { proxy, type Worker } from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { agreeingWorker } from './agreement.ts'
import { ofType, quietWorker, recordEvents } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await agreeingWorker()
})

// Compares all plans with what was sent, and the account with the lane.
afterAll(async () => {
  await worker.stop()
})

function makeCache() {
  const entries = new Map<string, number>()
  return {
    set: (key: string, value: number) => void entries.set(key, value),
    get: (key: string) => entries.get(key),
  }
}
const cache = makeCache()

const list = (() => {
  const made = {
    items: [] as number[],
    add(item: number) {
      made.items.push(item)
    },
  }
  return made
})()

function Hits(this: { count: number; hit: () => void }): void {
  // oxlint-disable-next-line typescript/no-this-alias -- what many old programs do
  const self = this
  this.count = 0
  this.hit = () => {
    self.count++
  }
}
const hits = new (Hits as unknown as new () => { count: number; hit: () => void })()

const [get, set] = (() => {
  const state = { value: 0 }
  return [
    () => state.value,
    (value: number) => {
      state.value = value
    },
  ] as const
})()

/** What TypeScript makes of `namespace Steps { export let taken = 0; … }`. */
const Steps = ((space: { taken: number; take: () => void }) => {
  space.taken = 0
  space.take = () => {
    space.taken++
  }
  return space
})({} as { taken: number; take: () => void })

const { Item, itemsMade } = (() => {
  const log: string[] = []
  return {
    Item: class {
      readonly id = log.push('made')
    },
    itemsMade: () => log.length,
  }
})()

const nested = (() => {
  const state = { inner: { count: 0 } }
  return {
    inner: state.inner,
    up: () => {
      state.inner.count++
    },
  }
})()

const [byOne, byOther] = (() => {
  const common = { count: 0 }
  const [one, other] = [{ common }, { common }]
  return [() => ++one.common.count, () => other.common.count]
})()

const ring = (() => {
  const links = new Map<string, unknown>()
  const back = new Set<unknown>([links])
  links.set('back', back).set('self', links)
  return { isClosed: () => links.get('back') === back && back.has(links), names: () => [...links.keys()] }
})()

const settings = { level: 1 }
const logger = ((given: { level: number }) => ({
  raise: () => {
    given.level++
  },
}))(settings)

const ordered = (() => {
  const api = { first: () => api, second: 2, third: () => Object.keys(api) }
  return api
})()

const prices = ((): { total: () => number; put: (price: number) => void } => {
  const all = [1, 2]
  return { total: () => all.reduce((sum, price) => sum + price, 0), put: (price) => void all.push(price) }
})()

describe('what functions of the module have captured is one object there, as it is here', () => {
  const cases: readonly (readonly [string, () => unknown, unknown])[] = [
    [
      'members of one object',
      () => {
        cache.set('a', 1)
        return cache.get('a')
      },
      1,
    ],
    [
      'an object, and its own methods',
      () => {
        list.add(5)
        return list.items
      },
      [5],
    ],
    [
      '`this` under another name',
      () => {
        hits.hit()
        return hits.count
      },
      1,
    ],
    [
      'two variables of the module',
      () => {
        set(5)
        return get()
      },
      5,
    ],
    [
      'a namespace',
      () => {
        Steps.take()
        return Steps.taken
      },
      1,
    ],
    [
      'a class and a function',
      () => {
        return new Item().id + itemsMade()
      },
      2,
    ],
    [
      'a part of what was captured',
      () => {
        nested.up()
        return nested.inner.count
      },
      1,
    ],
    ['what two captured objects have in common', () => [byOne(), byOther()], [1, 1]],
    ['objects in a circle', () => [ring.isClosed(), ring.names()], [true, ['back', 'self']]],
    [
      'what a variable of the module holds, and was given to its maker',
      () => {
        logger.raise()
        return settings.level
      },
      2,
    ],
    [
      'properties keep their order',
      () => [ordered.third(), ordered.first() === ordered],
      [['first', 'second', 'third'], true],
    ],
  ]

  test.each(cases)('%s', async (_what, fn, expected) => {
    expect(await worker.call(fn)).toEqual(expected)
    expect(fn()).toEqual(expected)
  })

  test('it goes once, keeps its state there, and goes again when it has changed here', async () => {
    expect(await worker.call(() => prices.total())).toBe(3)
    await worker.call(() => prices.put(10))
    const total = (): number => prices.total()
    expect(await worker.call(total)).toBe(13)
    const before = (await worker.stats()).bytes.sent
    expect(await worker.call(total)).toBe(13)
    expect((await worker.stats()).bytes.sent - before).toBeLessThan(200)
    prices.put(100)
    expect(await worker.call(total)).toBe(103)
  })

  test('back to what it was, its content does not go again', async () => {
    const setup = (() => {
      const big = { text: 'a'.repeat(5000), version: 1 }
      return {
        read: () => [big.text.length, big.version],
        put: (text: string) => {
          big.text = text
        },
      }
    })()
    // Kept by a class, as by a variable of the module.
    class Holder {
      read = (): number[] => setup.read()
    }
    const read = (): number[] => new Holder().read()
    expect(await worker.call(read)).toEqual([5000, 1])
    setup.put('b'.repeat(6000))
    expect(await worker.call(read)).toEqual([6000, 1])
    setup.put('a'.repeat(5000))
    const before = (await worker.stats()).bytes.sent
    expect(await worker.call(read)).toEqual([5000, 1])
    expect((await worker.stats()).bytes.sent - before).toBeLessThan(1024)
  })

  test('what a class and the function of the call have captured is one, and stays with the class', async () => {
    const log: number[] = []
    class Writer {
      write(): void {
        log.push(1)
      }
    }
    const write = (): number => {
      new Writer().write()
      return log.length
    }
    expect(await worker.call(write)).toBe(1)
    expect(await worker.call(write)).toBe(2)
    expect(log).toEqual([])
  })

  test('what only the function of a call has captured is a copy for each call', async () => {
    const items: number[] = []
    const push = (item: number): number => items.push(item)
    const both = (): number[] => [push(1), items.length]
    expect(await worker.call(both)).toEqual([1, 1])
    expect(await worker.call(both)).toEqual([1, 1])
  })

  test('another worker has its own', async () => {
    await using other = await quietWorker()
    await other.call(() => cache.set('b', 2))
    expect(await other.call(() => cache.get('b'))).toBe(2)
    expect(await worker.call(() => cache.get('b'))).toBeUndefined()
  })

  test('a plan names it, and what it is', () => {
    const entry = worker.explain(() => prices.total()).entries.find(({ name }) => name === 'all')
    expect(entry).toMatchObject({ kind: 'capture', action: 'unchanged' })
  })
})

test('what is captured and stays here takes what its plan tells, time after time', async () => {
  await using plain = await quietWorker()
  using tell = proxy(() => 5)
  const held = { tell: proxy(() => 6) }
  const channel = plain.channel<number>({ capacity: 1 })
  using kept = await plain.keep(() => [7])
  const functions: (() => unknown)[] = [() => tell(), () => held.tell(), () => channel.capacity, () => kept]
  using recorded = recordEvents({ types: ['call.moved'], path: plain.path })
  for (const fn of functions) {
    const planned: number[] = []
    for (let time = 0; time < 3; time++) {
      planned.push(plain.explain(fn).totalBytes)
      await plain.call(fn)
    }
    const moved = ofType(recorded.events.splice(0), 'call.moved').map(({ totalBytes }) => totalBytes)
    expect(planned[1], String(fn)).toBeLessThan(planned[0]!)
    expect(
      planned.filter((bytes) => bytes !== planned[2]),
      String(fn),
    ).toHaveLength(1)
    expect(moved, String(fn)).toEqual(planned)
  }
})
