import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Worker } from 'maltster'
import { make } from '../fixtures/movement/make.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { agreeingWorker } from './agreement.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await agreeingWorker()
})

afterAll(async () => {
  await worker.stop()
})

const names = ['a', 'b', 'c', 'd'] as const
const name = fc.constantFrom(...names)
const leaf = fc.oneof(
  fc.integer({ min: -5, max: 5 }).map(String),
  name,
  fc.constantFrom(
    'list.length',
    'list[0]',
    'box.n',
    'first(2)',
    'second(3)',
    '(() => a + box.n)()',
    '`${b}`.length',
  ),
)
const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc
      .tuple(tie('expression'), fc.constantFrom('+', '-', '*'), tie('expression'))
      .map(([l, op, r]) => `(${l} ${op} ${r})`),
    fc.tuple(name, tie('expression')).map(([n, e]) => `(${n} = ${e})`),
    fc.tuple(name, tie('expression')).map(([n, e]) => `((${n}) => ${n} + 1)(${e})`),
    tie('expression').map((e) => `(box.n += ${e})`),
    tie('expression').map((e) => `(list.push(${e}), list.length)`),
    tie('expression').map((e) => `((function () { let a = ${e}; return () => a++ + a })())()`),
    tie('expression').map((e) => `({ b, get: () => ${e} }).get()`),
  ),
}))

/** A program with variables of its own, functions that share them, and one that is called. */
const program = fc
  .record({
    values: fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })),
    first: expression,
    second: expression,
    main: expression,
  })
  .map(
    ({ values: [a, b], first, second, main }) => `(() => {
      let a = ${a}, b = ${b}, c = 1, d = 2, depth = 0
      const list = [1, 2], box = { n: 3 }
      const first = (n) => depth++ > 5 ? n : n + (${first})
      const second = function (n) { return depth++ > 5 ? n : n * (${second}) }
      return () => { depth = 0; return [${main}, a, b, c, d, list, box] }
    })()`,
  )

function outcome(fn: () => unknown): unknown {
  try {
    return fn()
  } catch (error) {
    return (error as Error).name
  }
}

// Each is a script that V8 has not been asked about: with the scripts of a test runner, 0.1 s and more on a busy machine.
test('random programs give there what they give here', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(program, async (source) => {
      // Two of the same, since running it here changes what it refers to.
      const there = await worker.call(make(source)).catch((error: { remoteName: string }) => error.remoteName)
      expect(there).toEqual(outcome(make(source)))
    }),
    { numRuns: 150 },
  )
})
