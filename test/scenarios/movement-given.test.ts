import { EventEmitter } from 'node:events'
import { createContext, runInContext, runInNewContext, runInThisContext } from 'node:vm'
import { CaptureError, explain } from 'maltster'
import { describe, expect, test } from 'vitest'
import { make } from '../fixtures/movement/make.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, rejection } from './workers.ts'

useLeakCheck()

declare const given: any

describe('what `captures` gives travels as what is found does', () => {
  class Hop {
    #alpha = 7
    greet(): string {
      return `hop ${Object.isFrozen(this)}`
    }
    static readAlpha(hop: Hop): number {
      return hop.#alpha
    }
  }
  class Malt {
    kind = 'pale'
    say(): string {
      return `${this.kind} malt`
    }
  }
  const found = 1

  test.each([
    ['alone', () => given.say()],
    ['beside a name that is found', () => given.say() + (found - 1 || '')],
  ])('an instance keeps its class, %s', async (_, say) => {
    await using worker = await quietWorker()
    expect(await worker.call(say, [], { captures: { given: new Malt() } })).toBe('pale malt')
  })

  test('what is frozen, hidden, keyed by a symbol, shared, or a function in an object', async () => {
    await using worker = await quietWorker()
    const frozen = Object.freeze({ a: 1 })
    expect(await worker.call(() => Object.isFrozen(given), [], { captures: { given: frozen } })).toBe(true)
    const odd = Object.defineProperty({ [Symbol.for('grain')]: 1 }, 'hidden', { value: 3 })
    const look = (): unknown[] => [Reflect.ownKeys(given).length, given.hidden]
    expect(await worker.call(look, [], { captures: { given: odd } })).toEqual([2, 3])
    const twice = { x: 1 }
    const same = (): boolean => given[0] === given[1]
    expect(await worker.call(same, [], { captures: { given: [twice, twice] } })).toBe(true)
    expect(await worker.call(() => given.one(), [], { captures: { given: { one: () => 1 } } })).toBe(1)
  })

  test('private fields are refused by name, as they are when they are found', async () => {
    await using worker = await quietWorker()
    const call = worker.call(() => typeof given, [], { captures: { given: new Hop() } })
    expect((await rejection(call, CaptureError)).message).toContain('#alpha')
    expect(Hop.readAlpha(new Hop())).toBe(7)
  })

  test('each call has a copy of its own', async () => {
    await using worker = await quietWorker()
    const bump = (): number => ++given.count
    const captures = { given: { count: 0 } }
    expect(await worker.call(bump, [], { captures })).toBe(1)
    expect(await worker.call(bump, [], { captures })).toBe(1)
    expect(captures.given.count).toBe(0)
  })
})

describe('objects are known by what they are, not by what they are called', () => {
  class Timeout {
    delayMs = 4
  }
  class Server {
    port = 5
  }
  class Bus {
    heard: string[] = []
    on(what: string): void {
      this.heard.push(what)
    }
    emit(): number {
      return this.heard.length
    }
  }
  const pipeline = { pipe: (step: (n: number) => number) => step(1) }
  const timeout = new Timeout()
  const server = new Server()
  const bus = new Bus()

  test('classes of the user with names of Node.js, and methods of its names, travel', async () => {
    await using worker = await quietWorker()
    expect(await worker.call(() => timeout.delayMs + server.port)).toBe(9)
    expect(await worker.call(() => pipeline.pipe((n) => n + 1))).toBe(2)
    const listen = (): number => {
      bus.on('a')
      return bus.emit()
    }
    expect(await worker.call(listen)).toBe(1)
  })

  test('an emitter is refused', async () => {
    await using worker = await quietWorker()
    class Own extends EventEmitter {}
    const own = new Own()
    const error = await rejection(
      worker.call(() => own.listenerCount('a')),
      CaptureError,
    )
    expect(error.why).toContain('an object with listeners')
  })

  test.each(['({ a: 1 })', 'new Map([[1, 2]])', 'new Date(0)', 'new TypeError("x")'])(
    'what another context has made is refused as that: %s',
    async (source) => {
      await using worker = await quietWorker()
      const foreign: unknown = runInNewContext(source)
      const error = await rejection(
        worker.call(() => typeof foreign),
        CaptureError,
      )
      expect(error.why).toContain('another context of `node:vm`')
      const copy = structuredClone(foreign)
      expect(await worker.call(() => typeof copy)).toBe('object')
    },
  )

  test('functions of another context are refused as that, captured and called, and not for what they refer to', async () => {
    await using worker = await quietWorker()
    const context = createContext({ rate: 2 })
    const sources = [
      '() => 1',
      'function f() { return rate }',
      'async () => [1]',
      'function* g() {}',
      'class A { static n = 1 }',
      'Math.max',
      '(function (a) { return a }).bind(null, 1)',
    ]
    for (const source of sources) {
      const foreign = runInContext(`(${source})`, context) as () => unknown
      const captured = await rejection(
        worker.call(() => typeof foreign),
        CaptureError,
      )
      expect(captured.path).toBe('fn → foreign')
      const passed = await rejection(
        worker.call(make('() => typeof foreign'), [], { captures: { foreign } }),
        CaptureError,
      )
      const errors = [captured, passed]
      if (!source.startsWith('class')) errors.push(await rejection(worker.call(foreign), CaptureError))
      for (const { why, hint } of errors) {
        expect(why).toContain('another context of `node:vm`')
        expect(hint).toContain('vm.runInThisContext')
      }
    }
    // An instance of such a class, and what extends it.
    const Base = runInContext('(class Base {})', context) as new () => object
    class Own extends Base {}
    const own = new Own()
    const { path, why } = await rejection(
      worker.call(() => own),
      CaptureError,
    )
    expect([path, why]).toEqual(['fn → own → Own → Base', expect.stringContaining('another context')])
    // The remedy.
    const mended = runInThisContext(`(${sources[0]})`) as () => unknown
    expect(await worker.call(() => mended())).toBe(1)
  })
})

describe('a reference of another worker that a function has captured', () => {
  test('counts for `maxBytes`, before it goes', async () => {
    await using one = await quietWorker()
    await using other = await quietWorker({ capture: { maxBytes: 20_000 } })
    using ref = await one.keep(() => 'x'.repeat(50_000))
    using small = await one.keep(() => 'x'.repeat(12_000))
    using more = await one.keep(() => 'y'.repeat(12_000))
    const before = other.movement.totalBytes
    const error = await rejection(
      other.call(() => (ref as unknown as string).length),
      CaptureError,
    )
    expect(error.message).toMatch(/takes 50\d{3} bytes .*more than capture\.maxBytes \(20000\)/)
    expect(other.movement.totalBytes).toBe(before)
    expect(other.explain(() => (ref as unknown as string).length).entries).toMatchObject([
      { action: 'refused' },
    ])
    // Together they are too much, and each of them is not; as arguments they may go.
    const both = (): number => (small as unknown as string).length + (more as unknown as string).length
    expect((await rejection(other.call(both), CaptureError)).why).toContain('more than capture.maxBytes')
    expect(await other.call(() => (small as unknown as string).length)).toBe(12_000)
    expect(await other.call((value: string) => value.length, [ref])).toBe(50_000)
  })
})

test('a refusal of a policy that finds nothing says so', async () => {
  await using worker = await quietWorker({ capture: 'explicit' })
  const secret = 1
  const error = await rejection(
    worker.call(() => secret),
    CaptureError,
  )
  expect(error.why).toContain('the policy `capture` is `explicit`')
})

test('a function of the language has no source that goes', () => {
  const [entry] = explain(Math.max, [1, 2]).entries
  expect(entry?.reason).toBe('The worker has it as well: it is told which it is.')
})
