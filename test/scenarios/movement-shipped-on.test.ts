import { createRequire } from 'node:module'
import { inspect, isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { CaptureError, RemoteError, type Worker } from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as makers from '../fixtures/movement/pairs.mjs'
import { make } from '../fixtures/movement/make.ts'
import { cases } from '../fixtures/movement/shipped/cases.mjs'
import { useLeakCheck } from '../support/leak-check.ts'
import { agreeingWorker } from './agreement.ts'
import { expectUsable, rejection } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await agreeingWorker()
})

afterAll(async () => {
  await worker.stop()
})

let level = 1
// oxlint-disable-next-line no-const-assign -- a test assigns to it, on purpose
const limits = { max: 10 }
const withinLimits = (n: number): boolean => n + level <= limits.max
function failing(): never {
  throw new RangeError(`failing at ${level}`)
}

describe('a function that a worker sends on to a worker of its own', () => {
  test('does there what it does here, whatever it refers to', async () => {
    await worker.evaluate(`
      const { spawnWorker } = await import('maltster')
      globalThis.inner = await spawnWorker({ stdout: 'ignore', stderr: 'ignore' })
      undefined`)
    const found: string[] = []
    for (const [name, [fn, ...args]] of Object.entries(cases)) {
      const below = (given: unknown[]): unknown =>
        (globalThis as unknown as { inner: Worker }).inner.call(fn, given)
      // There first: what a function changes here would go over.
      const there = await worker.call(below, [args]).catch((error: Error) => error.message)
      const here = await fn(...args)
      if (!isDeepStrictEqual(there, here)) found.push(`${name}: ${inspect(there)}, not ${inspect(here)}`)
    }
    await worker.evaluate('await inner.stop(); undefined')
    expect(found).toEqual([])
  })

  test('is explained there in the words of the user', async () => {
    const entries = await worker.call(async () => {
      const { explain } = await import('maltster')
      const plan = explain(withinLimits, [9])
      return plan.entries.map(({ name, kind, action }) => `${name} ${kind} ${action}`)
    })
    expect(entries).toEqual([
      'withinLimits function sent',
      'level global sent',
      'limits global sent',
      'arguments argument sent',
    ])
  })

  test('sees the values of the worker that sends it, constants stay constant, and nothing goes twice', async () => {
    const below = async (): Promise<unknown[]> => {
      const { spawnWorker } = await import('maltster')
      const inner = await spawnWorker({ stdout: 'ignore', stderr: 'ignore' })
      const seen: unknown[] = [await inner.call(withinLimits, [9])]
      level = 2
      seen.push(await inner.call(withinLimits, [9]))
      const assign = (): void => {
        // @ts-expect-error -- that it can't be assigned to is the point
        limits = { max: 0 }
      }
      seen.push(await inner.call(assign).catch((error: Error) => error.message))
      const { totalBytes, entries } = inner.explain(withinLimits, [9])
      seen.push(totalBytes - (entries.at(-1)?.bytes ?? 0))
      await inner.stop()
      return seen
    }
    expect(await worker.call(below)).toEqual([true, false, expect.stringContaining('constant variable'), 0])
    expect([level, withinLimits(9)]).toEqual([1, true])
  })

  test('shows the file and the line in its stack', async () => {
    const below = async (): Promise<unknown> => {
      const { spawnWorker } = await import('maltster')
      const inner = await spawnWorker({ stdout: 'ignore', stderr: 'ignore' })
      try {
        return await inner.call(() => failing())
      } finally {
        await inner.stop()
      }
    }
    const placeOf = (stack: string | undefined): string | undefined =>
      /at failing \((.*movement-shipped-on\.test\.ts:\d+:\d+)\)/.exec(stack ?? '')?.[1]
    const direct = await rejection(
      worker.call(() => failing()),
      RemoteError,
    )
    const place = placeOf(direct.remoteStack)
    expect(place).toBeDefined()
    expect(placeOf((await rejection(worker.call(below), RemoteError)).remoteStack)).toBe(place)
  })

  test('is refused there for what could not go from here either', async () => {
    const below = async (): Promise<string> => {
      const { spawnWorker } = await import('maltster')
      const inner = await spawnWorker({ stdout: 'ignore', stderr: 'ignore' })
      const later = Promise.resolve(1)
      const error = await inner.call(() => later).catch((reason: Error) => reason)
      await inner.stop()
      return (error as Error).message
    }
    expect(await worker.call(below)).toMatch(/→ later \(Promise\) can't be sent: .*Await it/)
  })
})

const made = fc.constantFrom(...Object.keys(makers))
const place = fc.nat({ max: 2 })
const used = fc.array(fc.tuple(place, fc.constantFrom('up', 'get')), { minLength: 3, maxLength: 6 })

/** A function that makes three pairs, uses some, and then uses them here, or in a worker below. */
const program = fc
  .record({
    pairs: fc.tuple(made, made, made),
    first: fc.array(place, { maxLength: 2 }),
    used,
    isMixed: fc.boolean(),
  })
  .map(({ pairs, first, used: uses, isMixed }) => {
    const from = isMixed ? 'parts' : 'pairs'
    const parts = isMixed ? 'const parts = [{ up: pairs[0].up, get: pairs[1].get }, pairs[2], pairs[1]];' : ''
    return `(isHere) => {
      const pairs = [${pairs.map((maker) => `${maker}()`).join()}]
      ${first.map((at) => `pairs[${at}].up();`).join('')} ${parts}
      const probe = () => [${uses.map(([at, name]) => `${from}[${at}].${name}()`).join()}]
      return isHere ? probe() : globalThis.inner.call(probe)
    }`
  })

test('pairs that were made in a worker never come to share a variable in one below', async () => {
  await worker.evaluate(`
    const { spawnWorker: spawnBelow } = await import('maltster')
    globalThis.inner = await spawnBelow({ stdout: 'ignore', stderr: 'ignore' })
    undefined`)
  // Both makers begin alike, and so do their variables.
  const alike = `(isHere) => {
    const all = [doubled(), counted()]
    const probe = () => [all[1].up(), all[0].get(), all[1].get()]
    return isHere ? probe() : globalThis.inner.call(probe)
  }`
  const programs = fc.sample(program, { seed: 11, numRuns: 40 })
  // All in one script: to have V8 look for one takes time.
  const source = `[${[alike, ...programs].join()}]`
  const functions = make(source, makers) as unknown as ((isHere: boolean) => unknown)[]
  const refused: number[] = []
  for (const [at, fn] of functions.entries()) {
    const there = await worker.call(fn, [false]).catch((error: RemoteError) => error)
    if (!(there instanceof Error)) expect([at, there]).toEqual([at, fn(true)])
    else if (refused.push(at)) expect(there.message).toContain("can't be sent: `n` is assigned by")
  }
  expect(refused).not.toContain(0)
  expect(refused.length).toBeLessThan(functions.length / 2)
  await worker.evaluate('await inner.stop(); undefined')
})

describe('a module that was evaluated twice', () => {
  interface Evaluated {
    readConstant(): number
    readOthers(): number[]
  }
  const require = createRequire(import.meta.url)
  const file = '../fixtures/movement/evaluated-twice.cjs'

  function evaluate(stamp: number): Evaluated {
    Reflect.set(globalThis, 'stampOfTest', stamp)
    delete require.cache[require.resolve(file)]
    const exports = require(file) as Evaluated
    Reflect.deleteProperty(globalThis, 'stampOfTest')
    return exports
  }

  test('has one constant with two values: refused, before a byte is sent, until it is deleted there', async () => {
    const [first, second] = [evaluate(1), evaluate(2)]
    expect(await worker.call(first.readConstant)).toBe(1)
    const before = (await worker.stats()).bytes.sent
    const error = await rejection(worker.call(second.readConstant), CaptureError)
    expect(error.path).toMatch(/→ stamp$/)
    expect(error.why).toContain('the worker has another value for it: the module was evaluated twice')
    expect(error.hint).toContain('worker.globals.delete')
    expect(worker.explain(second.readConstant).entries).toMatchObject([
      { action: 'refused', reason: error.message },
    ])
    expect((await worker.stats()).bytes.sent).toBe(before)
    // The worker is what it was, and has what it had.
    expect(await worker.call(first.readConstant)).toBe(1)
    expect(await worker.globals.delete('stamp')).toBe(true)
    expect(await worker.call(second.readConstant)).toBe(2)
    await rejection(worker.call(first.readConstant), CaptureError)
    await expectUsable(worker)
  })

  test('has variables, and constant objects, that are compared by what they hold', async () => {
    const [first, second] = [evaluate(1), evaluate(2)]
    expect(await worker.call(first.readOthers)).toEqual([1, 1])
    expect(await worker.call(second.readOthers)).toEqual([2, 2])
    expect(await worker.call(first.readOthers)).toEqual([1, 1])
  })
})
