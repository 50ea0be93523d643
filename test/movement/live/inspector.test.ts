import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { AnyFunction } from '../../../src/movement/function-source.ts'
import { internalsOf, ownNamesOf, privateFieldOf } from '../../../src/movement/live/inspector.ts'
import { pollUntil } from '../../support/processes.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function makeCounter(): { get: () => number; increment: () => number } {
  let count = 0
  return { get: () => count, increment: () => ++count }
}

const countIn = (fn: AnyFunction): unknown => internalsOf(fn)?.scopes[0]?.values['count']

test('each reading has the values of its moment', () => {
  const { get, increment } = makeCounter()
  const readings: unknown[] = []
  for (let round = 0; round < 200; round++) {
    readings.push(countIn(get))
    increment()
  }
  expect(readings).toEqual(Array.from({ length: 200 }, (_, index) => index))
})

test('functions are told from each other, whatever was read before', () => {
  const counters = Array.from({ length: 150 }, (_, index) => {
    const counter = makeCounter()
    for (let times = 0; times < index; times++) counter.increment()
    return counter
  })
  for (let round = 0; round < 2; round++) {
    expect(counters.map(({ get }) => countIn(get))).toEqual(counters.map((_, index) => index))
  }
})

test('private fields and names besides the elements are those of the moment, too', () => {
  class Counter {
    #count = 0
    increment(): void {
      this.#count++
    }
    get count(): number {
      return this.#count
    }
  }
  const counter = new Counter()
  const elements: unknown[] & { extra?: number } = [1]
  expect(privateFieldOf(counter, '#count')).toEqual({ value: counter.count })
  expect(ownNamesOf(elements)).not.toContain('extra')
  counter.increment()
  elements.extra = 1
  expect(privateFieldOf(counter, '#count')).toEqual({ value: 1 })
  expect(ownNamesOf(elements)).toContain('extra')
})

test('what was read is let go, with what it has captured', async () => {
  let big: object | undefined = { big: true }
  const gone = new WeakRef(big)
  const read = (captured: object): void => {
    expect(internalsOf(() => captured)?.scopes[0]?.values['captured']).toBe(captured)
  }
  read(big)
  big = undefined
  const isGone = (): boolean => {
    collectGarbage()
    return gone.deref() === undefined
  }
  expect(await pollUntil(isGone, 10_000)).toBe(true)
})
