import {
  CaptureError,
  EncodeError,
  explain,
  inProcessWorker,
  pool,
  spawnWorker,
  supervise,
  type Worker,
  WorkerDiedError,
  type WorkerOptions,
  WorkerStoppedError,
} from 'maltster'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectUsable, quietWorker, rejection } from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { descendants } from '../support/processes.ts'

useLeakCheck('file')

let worker: Worker
declare const unheardOf: unknown

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  await worker.stop()
})

/** The start is refused for its options, and nothing was started. */
async function refused(options: object, errorClass: typeof TypeError | typeof RangeError): Promise<string> {
  const before = descendants(process.pid).length
  const error = await rejection(spawnWorker(options as WorkerOptions), errorClass)
  expect(descendants(process.pid)).toHaveLength(before)
  return error.message
}

test('B36: an unknown option is a TypeError that names the likely one', async () => {
  expect(await refused({ cdw: '/' }, TypeError)).toMatch(/`cdw`.*Did you mean `cwd`/)
  expect(await refused({ execpath: 'node' }, TypeError)).toContain('Did you mean `execPath`')
  expect(await refused({ mailbox: { maxCall: 1 } }, TypeError)).toContain('Did you mean `maxCalls`')
  expect(await refused({ limits: { maxdepth: 1 } }, TypeError)).toContain('Did you mean `maxDepth`')
  expect(await refused({ capture: { denny: ['x'] } }, TypeError)).toMatch(/`denny`.*Did you mean `deny`/)
  expect(await refused({ completelyDifferent: 1 }, TypeError)).toContain('`bootTimeoutMs`')
  expect(await refused({ toString: 1, constructor: 1 }, TypeError)).toContain('no option')
  expect(await refused(null as never, TypeError)).toBeTruthy()
  expect(await refused([] as never, TypeError)).toContain('an object')
})

test.each([
  ['B34', { concurrency: 0 }],
  ['B34', { concurrency: -1 }],
  ['B34', { concurrency: Number.NaN }],
  ['B34', { concurrency: 1.5 }],
  ['B35', { bootTimeoutMs: -1 }],
  ['B35', { bootTimeoutMs: 0 }],
  ['B35', { bootTimeoutMs: Number.NaN }],
  ['B35', { bootTimeoutMs: 2 ** 31 }],
  ['B35', { bootTimeoutMs: Infinity }],
  ['B35', { interruptGraceMs: 2 ** 31 }],
  ['B34', { mailbox: { maxCalls: 0 } }],
  ['B34', { mailbox: { maxBytes: 0.5 } }],
  ['B34', { limits: { maxDepth: -1 } }],
  ['B34', { limits: { maxItems: Infinity } }],
  ['B34', { capture: { maxBytes: -1 } }],
  ['B34', { capture: { maxBytes: Number.NaN } }],
])('%s: %o is a RangeError that names the option and the value', async (_row, options) => {
  const [[name, value]] = Object.entries(options) as [[string, unknown]]
  const [inner, given] = typeof value === 'object' ? Object.entries(value as object)[0]! : [name, value]
  const message = await refused(options, RangeError)
  expect(message).toContain(`\`${inner}\``)
  expect(message).toContain(`\`${String(given)}\``)
})

test.each([
  ['B35', { bootTimeoutMs: '100' }],
  ['B37', { cwd: 'a\0b' }],
  ['B37', { execPath: 'a\0b' }],
  ['B37', { argv: ['fine', 'a\0b'] }],
  ['B37', { execArgv: ['a\0b'] }],
  ['B37', { env: { NAME: 'a\0b' } }],
  ['B37', { env: { 'a\0b': 'value' } }],
  ['B38', { env: { NAME: 7 } }],
  ['B38', { env: { NAME: null } }],
  ['B38', { env: 'NAME=7' }],
  ['B38', { inheritEnv: 'PATH' }],
  ['B37', { name: 'a/b' }],
  ['B37', { name: '' }],
  ['B36', { transport: 'pigeon' }],
  ['B36', { onStuck: 'panic' }],
  ['B36', { stdout: 'loud' }],
  ['B36', { runtimeEntry: 7 }],
  ['B36', { argv: 'text' }],
  ['B36', { capture: 'none' }],
  ['B36', { capture: [] }],
])('%s: %o is a TypeError that names the option', async (_row, options) => {
  expect(await refused(options, TypeError)).toContain(`\`${Object.keys(options)[0]}\``)
})

test.each([
  [{ timeoutMs: 0 }, RangeError],
  [{ timeoutMs: -1 }, RangeError],
  [{ timeoutMs: Number.NaN }, RangeError],
  [{ timeoutMs: 2 ** 31 }, RangeError],
  [{ timeoutMs: '1' }, TypeError],
  [{ signal: {} }, TypeError],
  [{ background: 'yes' }, TypeError],
  [{ result: 'none' }, TypeError],
  [{ captures: [] }, TypeError],
  [{ capture: { denny: ['x'] } }, TypeError],
  [{ capture: { deny: 'x' } }, TypeError],
  [{ capture: { deny: [5] } }, TypeError],
  [{ capture: { maxBytes: '5' } }, TypeError],
  [{ capture: { maxBytes: -1 } }, RangeError],
  [{ timeout: 5 }, TypeError],
  [null, TypeError],
] as const)('B35: a call with %o rejects and changes nothing', async (options, errorClass) => {
  const call = worker.call(() => 1, [], options as never)
  expect(worker.state).toBe('idle')
  await rejection(call, errorClass)
  await expectUsable(worker)
})

test('what is wrong in `capture` is named, whatever it is given to', async () => {
  const misspelt = { capture: { denny: ['x'] } } as object
  const tooSmall = { capture: { maxBytes: -1 } } as const
  const use = () => 1
  const start = (options: object): readonly Promise<unknown>[] => [
    spawnWorker(options),
    worker.call(use, [], options),
    worker.keep(use, [], options),
    (async () => worker.cast(use, [], options))(),
    (async () => worker.stream(function* () {}, [], options))(),
    (async () => explain(use, [], options))(),
    supervise({ name: 'app', children: [{ id: 'child', worker: options }] }),
    pool({ size: 1, worker: options }),
    inProcessWorker(options),
  ]
  for (const refusal of start(misspelt)) {
    const { message } = await rejection(refusal, Error)
    expect(message).toMatch(/`capture` has no option `denny`\. Did you mean `deny`\?/)
  }
  for (const refusal of start(tooSmall)) {
    const { message } = await rejection(refusal, Error)
    expect(message).toMatch(/Expected `maxBytes` of `capture` to be a number of bytes.*got `-1`/)
  }
})

test.each<[unknown, RegExp]>([
  [[1], /got `\[1\]` \(array\)/],
  [null, /\(null\)/],
  [new Map([['k', 1]]), /got `\[object Map\]`/],
  [new Set(), /got `\[object Set\]`/],
  [() => 1, /\(function\)/],
  [{ k: 1, [Symbol('key')]: 1 }, /without the symbol Symbol\(key\)/],
])('`captures` that hold no names are refused with what is expected: %o', async (captures, got) => {
  const options = { captures } as never
  const { message } = await rejection(
    worker.call(() => 1, [], options),
    TypeError,
  )
  expect(message).toMatch(/Expected `captures` of a call to be an object of names .*`\{ name: value \}`/)
  expect(message).toMatch(got)
  expect(() => {
    worker.cast(() => 1, [], options)
  }).toThrow(TypeError)
  expect(() => explain(() => 1, [], options)).toThrow(TypeError)
  await expectUsable(worker)
})

describe('a name in `captures` that nothing refers to', () => {
  const table = { a: 1 }
  const count = (): number => Object.keys(table).length
  const use = (): number => count()
  const other = { a: 1, b: 2 }

  test.each(['auto', 'explicit'] as const)('is refused with what may be meant: %s', async (capture) => {
    const { message } = await rejection(
      worker.call(use, [], { capture, captures: { count, table, tabel: other } }),
      TypeError,
    )
    expect(message).toMatch(/`captures` gives `tabel`.*Did you mean `table`\?/)
    const plain = await rejection(
      worker.call(() => 1, [], { capture, captures: { tabel: 1 } }),
      TypeError,
    )
    expect(plain.message).toContain('`tabel`')
    await expectUsable(worker)
  })

  test('is fine where only a helper refers to it, whoever has found that', async () => {
    expect(await worker.call(use, [], { captures: { table: other } })).toBe(2)
    const given = { count, table: other }
    expect(await worker.call(use, [], { captures: given })).toBe(2)
    expect(await worker.call(use, [], { captures: given, capture: 'explicit' })).toBe(2)
    const asks = (): string => typeof unheardOf
    expect(await worker.call(asks, [], { captures: { unheardOf: 1 } })).toBe('number')
    const fetches = (): unknown => fetch
    expect(await worker.call(fetches, [], { captures: { fetch: 'mine' } })).toBe('mine')
  })

  test('is refused where the function is named by its module, by cast, stream, keep and explain', async () => {
    const options = { captures: { tabel: 1 } }
    const module = { module: 'node:path', export: 'basename' }
    const { message } = await rejection(worker.call(module, ['a'], options), TypeError)
    expect(message).toMatch(/`tabel`.*names of its own/)
    expect(() => worker.cast(use, [], options)).toThrow(TypeError)
    expect(() => worker.stream(function* () {}, [], options)).toThrow(TypeError)
    expect(() => worker.explain(use, [], options)).toThrow(TypeError)
    expect(() => explain(use, [], options)).toThrow(TypeError)
    await rejection(worker.keep(use, [], options), TypeError)
  })
})

describe('`globals`', () => {
  test.each([5, null, undefined, {}, [], Symbol('x'), { name: 5 }, { name: 'x', module: 5 }])(
    'takes names and nothing else: %s',
    async (wrong) => {
      const name = wrong as never
      for (const asked of [
        worker.globals.get(name),
        worker.globals.set(name, 1),
        worker.globals.delete(name),
      ]) {
        const { message } = await rejection(asked, TypeError)
        expect(message).toMatch(/Expected `name` to be the name of a variable, got `.*Write `'x'`/)
      }
    },
  )

  test.each(['stop', 'kill'] as const)('of a worker that has ended say so: %s', async (end) => {
    const ended = await quietWorker()
    const words = ['malt']
    await ended.call(() => words.length)
    await ended[end]()
    await ended.exited
    const { globals } = ended
    const errorClass = end === 'stop' ? WorkerStoppedError : WorkerDiedError
    expect(() => globals.list()).toThrow(errorClass)
    for (const asked of [globals.get('words'), globals.set('words', 1), globals.delete('words')]) {
      await rejection(asked, errorClass)
    }
  })
})

test('a call without a limit may say so, with Infinity or undefined', async () => {
  const options = { timeoutMs: Infinity, signal: undefined } as never
  expect(await worker.call(() => 1, [], options)).toBe(1)
})

test('B29: what a function refers to and does not take along is named before a byte is sent', async () => {
  const outside = { n: 1 }
  const { sent } = (await worker.stats()).bytes
  const error = await rejection(
    worker.call(() => outside.n, [], { capture: 'explicit' }),
    CaptureError,
  )
  expect(error.path).toContain('outside')
  expect((await worker.stats()).bytes.sent).toBe(sent)
  expect(await worker.call(() => outside.n, [], { captures: { outside }, capture: 'explicit' })).toBe(1)
  expect(await worker.call(() => outside.n)).toBe(1)
})

test('B30, B32: a cyclic argument and an own key __proto__ are fine', async () => {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  expect(await worker.call((given: typeof cycle) => given.self === given, [cycle])).toBe(true)
  const hostile = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as object
  const keys = await worker.call(
    (given: object) => [Object.keys(given), Reflect.get({}, 'polluted')],
    [hostile],
  )
  expect(keys).toEqual([['__proto__', 'constructor'], undefined])
  expect(Object.keys(await worker.call((given: object) => given, [hostile]))).toEqual([
    '__proto__',
    'constructor',
  ])
})

test('B31: what can not be copied is refused with its path', async () => {
  for (const bad of [new WeakMap(), Promise.resolve(1), Symbol('s'), process.stdout, worker.constructor]) {
    const error = await rejection(
      worker.call((given: unknown) => given, [{ deep: [bad] }] as [unknown]),
      EncodeError,
    )
    expect(error.path).toMatch(/^args\[0\]\.deep\[0\]/)
  }
})

test('B41: a native function and a bound function are refused before a byte is sent where nothing is looked for', async () => {
  const counter = {
    n: 1,
    count(): number {
      return this.n
    },
  }
  const { sent } = (await worker.stats()).bytes
  for (const bad of [counter.count.bind(counter), Math.max]) {
    await rejection(worker.call(bad as () => unknown, [], { capture: 'explicit' }), CaptureError)
    expect(worker.state).toBe('idle')
  }
  expect((await worker.stats()).bytes.sent).toBe(sent)
  expect(await worker.call(Math.max, [1, 2])).toBe(2)
})

test('B41: a class rejects, and the worker stays', async () => {
  class Counter {
    n = 1
  }
  await rejection(worker.call(Counter as never), Error)
  await expectUsable(worker)
})

test('what is no function at all is a TypeError', async () => {
  for (const bad of [undefined, null, 7, 'text', {}, { module: 'node:os' }, { module: 7, export: 'x' }]) {
    const error = await rejection(worker.call(bad as never), Error)
    expect(error).toBeInstanceOf(TypeError)
  }
  await rejection(
    worker.call((a: number) => a, 7 as never),
    TypeError,
  )
  expect(() => worker.cast(7 as never)).toThrow(TypeError)
  expect(() => worker.kill('SIGNONSENSE?' as never)).toThrow(TypeError)
  await rejection(worker.stop({ drainMs: -1 }), RangeError)
  await rejection(worker.stop({ drain: 1 } as never), TypeError)
  await expectUsable(worker)
})

test('an export of a module is called by name; one that is missing fails its own call only', async () => {
  const module = new URL('../fixtures/worker/tasks.mjs', import.meta.url).href
  expect(await worker.call({ module, export: 'add' }, [1, 2])).toBe(3)
  expect(await worker.call({ module: 'node:path', export: 'basename' }, ['/a/b'])).toBe('b')
  await rejection(worker.call({ module, export: 'missing' }), Error)
  await rejection(worker.call({ module, export: 'answer' }), Error)
  await rejection(worker.call({ module: 'file:///no/such/module.mjs', export: 'x' }), Error)
  await expectUsable(worker)
})

test('an aborted signal rejects with its reason, and nothing is sent', async () => {
  const { sent } = (await worker.stats()).bytes
  const reason = { why: 'any value' }
  const call = worker.call(() => 1, [], { signal: AbortSignal.abort(reason) })
  await expect(call).rejects.toBe(reason)
  expect((await worker.stats()).bytes.sent).toBe(sent)
})
