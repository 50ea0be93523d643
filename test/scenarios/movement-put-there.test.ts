import type { Worker } from 'maltster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker } from './workers.ts'

useLeakCheck('file')

// Put there before anything of it is sent: only then might it be taken for what every process has.
const ofGlobal = (): string => 'of the global object'
const ofPrototype = function (this: unknown[]): unknown {
  return this.at(-1)
}
const ofMath = (n: number): number => n * 2
class Wrapped {
  readonly text = ofGlobal()
}
const places: readonly (readonly [object, string, unknown])[] = [
  [globalThis, 'maltsterTestFunction', ofGlobal],
  [globalThis, 'MaltsterTestClass', Wrapped],
  [Array.prototype, 'maltsterTestLast', ofPrototype],
  [Math, 'maltsterTestTwice', ofMath],
]
for (const [object, key, value] of places) {
  Object.defineProperty(object, key, { value, configurable: true, enumerable: false, writable: true })
}

let worker: Worker

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  for (const [object, key] of places) Reflect.deleteProperty(object, key)
  await worker.stop()
})

test('what somebody has put on a global object goes by its source, as everything of theirs', async () => {
  expect(await worker.call(() => [ofGlobal(), ofMath(2), ofPrototype.call([1, 2])])).toEqual([
    'of the global object',
    4,
    2,
  ])
  expect(await worker.call(() => new Wrapped().text)).toBe('of the global object')
  expect(await worker.call(ofGlobal)).toBe('of the global object')
})

test('what every process has is taken there', async () => {
  const { max } = Math
  const known = { max, sort: Array.prototype.sort, now: Date.now, parse: JSON.parse, from: Buffer.from }
  const isSame = (): boolean[] => [
    known.max === Math.max,
    known.sort === Array.prototype.sort,
    known.now === Date.now,
    known.parse === JSON.parse,
    known.from === Buffer.from,
  ]
  expect(await worker.call(isSame)).toEqual([true, true, true, true, true])
})
