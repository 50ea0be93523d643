import {
  type CallTimeoutError,
  CaptureError,
  EncodeError,
  type LoadedModule,
  RemoteError,
  type Worker,
} from 'maltster'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { make } from '../fixtures/movement/make.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, rejection, whereItCan } from './workers.ts'

useLeakCheck('file')

type Tasks = typeof import('../fixtures/modules/tasks.mjs')

let worker: Worker
let tasks: LoadedModule<Tasks>

beforeAll(async () => {
  worker = await quietWorker()
  tasks = await worker.load(() => import('../fixtures/modules/tasks.mjs'))
})

afterAll(async () => {
  await worker.stop()
})

const fixture = (name: string): string => join(import.meta.dirname, '../fixtures/modules', name)

test('a loaded module is a text, and no value that could be sent', async () => {
  const text = /^\[module file:\S+tasks\.mjs, loaded in a worker\]$/
  // oxlint-disable-next-line typescript/restrict-template-expressions, typescript/no-base-to-string -- it is what is tested
  for (const said of [`${tasks}`, String(tasks), '' + tasks]) expect(said).toMatch(text)
  const what = 'it is a module that was loaded in a worker, and stands for it here'
  const captured = await rejection(
    worker.call(() => tasks.double(21)),
    CaptureError,
  )
  expect(captured).toMatchObject({ path: 'fn → tasks', why: what })
  const given = await rejection(
    worker.call((m: unknown) => m, [tasks as unknown]),
    EncodeError,
  )
  expect(given.message).toContain(what)
  // The remedy that is named works: there is one such module in the worker.
  const [remedy = ''] = /await import\(.*\)/.exec(captured.hint) ?? []
  expect(await worker.evaluate(`(${remedy}).double(21)`)).toBe(42)
})

test('functions of a loaded module are calls, and its state is that of the worker', async () => {
  expect(await tasks.double(21)).toBe(42)
  expect(await tasks.default('malt')).toBe('hello malt')
  const before = await tasks.count.get()
  expect(await tasks.increase(5)).toBe(before + 5)
  expect(await tasks.count.get()).toBe(before + 5)
  // Loaded once: whoever loads it again, or calls it by name, meets the same state.
  const again = await worker.load<Tasks>(fixture('tasks.mjs'))
  expect(await again.count.get()).toBe(before + 5)
  expect(await worker.call({ module: './tasks.mjs', from: fixture('x'), export: 'increase' }, [1])).toBe(
    before + 6,
  )
  await expectUsable(worker)
})

test('values are copies, and what can not be sent is refused with its path', async () => {
  expect(await tasks.rates.get()).toEqual({ EUR: 1.25, since: new Date(0) })
  const refused = await rejection(tasks.conversion.get(), EncodeError)
  expect(refused).toMatchObject({ path: 'result.convert', executed: 'yes' })
  await expectUsable(worker)
})

test('generators are streams, with options, and end there when the loop is left', async () => {
  const all: number[] = []
  for await (const n of tasks.upTo(1000)) all.push(n)
  expect(all).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1))
  const some: number[] = []
  for await (const n of tasks.upToLater.with({ windowItems: 2 })(1000)) {
    if (some.push(n) === 3) break
  }
  expect(some).toEqual([1, 2, 3])
  expect(() => tasks.upTo.with({ windowItems: 0 })).toThrow(RangeError)
  await expectUsable(worker)
})

test('functions of a module can be given to call, keep and stream, of other workers too', async () => {
  expect(await worker.call(tasks.double, [4])).toBe(8)
  expect(await worker.call(tasks.double, [4], { capture: 'explicit' })).toBe(8)
  using kept = await worker.keep(tasks.double, [5])
  expect(await tasks.double(kept)).toBe(20)
  const streamed: number[] = []
  for await (const n of worker.stream(tasks.upTo, [3])) streamed.push(n)
  expect(streamed).toEqual([1, 2, 3])
  await using other = await quietWorker()
  expect(await other.call(tasks.default, ['other'])).toBe('hello other')
  expect(worker.explain(tasks.double, [1]).entries[0]).toMatchObject({ name: 'double', kind: 'import' })
})

test('a class stays where it is', async () => {
  await expect(tasks.Shape.get()).rejects.toThrow(/`Shape` of file:.*tasks\.mjs is a class/)
})

test('what a function throws, and options of its calls', async () => {
  const error = await rejection(tasks.fails(), RemoteError)
  expect(error).toMatchObject({ remoteName: 'RangeError', message: 'out of it' })
  const late = tasks.slowly
    .with({ timeoutMs: 50 })()
    .catch((reason: CallTimeoutError) => reason.code)
  expect(await late).toBe('ERR_MALTSTER_CALL_TIMEOUT')
  expect(() => tasks.slowly.with({ timeout: 50 } as never)).toThrow(TypeError)
  await expectUsable(worker)
})

test('a name that there is not is a TypeError, and the proxy can be awaited and looked at', async () => {
  expect(() => (tasks as unknown as Record<string, unknown>)['duoble']).toThrow(
    /tasks\.mjs has no export `duoble`\. Did you mean `double`\?/,
  )
  expect(await Promise.resolve(tasks)).toBe(tasks)
  expect((tasks as { then?: unknown }).then).toBe(undefined)
  expect('duoble' in tasks).toBe(false)
  expect(Object.keys(tasks)).toEqual([
    'Shape',
    'conversion',
    'count',
    'default',
    'double',
    'fails',
    'increase',
    'rates',
    'slowly',
    'upTo',
    'upToLater',
  ])
  expect(JSON.stringify(tasks)).toContain('{')
  expect(tasks.double.name).toBe('double')
  expect(() => Object.assign(tasks, { double: 1 })).toThrow(TypeError)
})

test('packages, builtins and CommonJS', async () => {
  const path = await worker.load(() => import('node:path'))
  expect(await path.basename('/a/b')).toBe('b')
  expect(await path.sep.get()).toBe('/')
  const acorn = await worker.load(() => import('acorn'))
  expect(await acorn.parseExpressionAt('21 * 2', 0, { ecmaVersion: 2022 })).toMatchObject({ operator: '*' })
  const sameByName = await worker.load<typeof import('acorn')>('acorn', { from: import.meta.url })
  expect(await sameByName.version.get()).toMatch(/^\d/)
  const common = await worker.load<{ triple: (n: number) => number; rate: number }>('./common.cjs', {
    from: fixture('x'),
  })
  expect(await common.triple(2)).toBe(6)
  expect(await common.rate.get()).toBe(7)
})

test('a module is found by where the arrow function stands, in a helper of another file too', async () => {
  const { loadsNeighbour } = await import('../fixtures/modules/loads-neighbour.mjs')
  const neighbour = await worker.load(loadsNeighbour)
  expect(await neighbour.double(3)).toBe(6)
})

test('a module that exports `then` is a module all the same, whether that calls back or not', async () => {
  for (const way of ['never', 'value', 'error'] as const) {
    const from = new URL('../fixtures/modules/thenable.mjs', import.meta.url)
    from.searchParams.set('way', way)
    const thenable = await worker.load<{ double: (n: number) => number; then: () => void }>(from)
    expect(Object.keys(thenable)).toEqual(['double'])
    expect(await thenable.double(21)).toBe(42)
    expect(await worker.call({ module: from, export: 'double' }, [2])).toBe(4)
  }
})

test('what is not one import by a literal name is refused, with the remedy', async () => {
  const name = '../fixtures/modules/tasks.mjs'
  const wrong: (() => Promise<object>)[] = [
    () => import(/* @vite-ignore */ name),
    () => import('../fixtures/modules/tasks.mjs').then(({ rates }) => rates),
    async () => ({}),
    make('() => Promise.resolve(chunk)') as () => Promise<object>,
  ]
  for (const arrow of wrong) {
    const error = await rejection(worker.load(arrow), TypeError)
    expect(error.message).toMatch(/^Expected the function to be no more than .*import\.meta\.url/s)
  }
  const made = make("() => import('./tasks.js')") as () => Promise<object>
  expect(await rejection(worker.load(made), CaptureError)).toMatchObject({
    why: expect.stringContaining('it stands in no file'),
    hint: expect.stringContaining('from: import.meta.url'),
  })
})

test.each([
  [['./tasks.mjs'], /got the relative "\.\/tasks\.mjs"/],
  [['./tasks.mjs', { from: 'here' }], /Expected `from` to be a `file:` URL/],
  [['./tasks.mjs', { form: import.meta.url }], /has no option `form`.*Did you mean `from`/],
  [['acorn', { timeoutMs: 'x' }], /Expected `timeoutMs` of `load`/],
  [[3], /Expected `load` to be given `\(\) => import/],
])('wrong arguments %j are a TypeError', async (args, message) => {
  const load = worker.load.bind(worker) as unknown as (...given: unknown[]) => Promise<object>
  const error = await rejection(load(...(args as unknown[])), TypeError)
  expect(error.message.replaceAll('`"', '"').replaceAll('"`', '"')).toMatch(message)
})

test('a module that is not there, or does not load, and one that is TypeScript', async () => {
  const missing = await rejection(worker.load('./missing.mjs', { from: import.meta.url }), RemoteError)
  expect(missing).toMatchObject({ code: 'ERR_MALTSTER_REMOTE', properties: { code: 'ERR_MODULE_NOT_FOUND' } })
  await expectUsable(worker)
})

// The host can't load it either, it is Vite that does: what is wanted of Node.js without types is a word what to do.
const hasTypes = (process.features as { typescript?: unknown }).typescript === 'strip'
test('TypeScript loads where Node.js loads it; else the error says what to do', async () => {
  const loading = worker.load(() => import('../fixtures/modules/typed-helper.ts'))
  if (hasTypes) expect(await (await loading).half(8)).toBe(4)
  else {
    const refused = await rejection(loading, CaptureError)
    expect(refused.path).toBe(`load → ${pathToFileURL(fixture('typed-helper.ts')).href}`)
    expect(refused.hint).toMatch(/--import tsx/)
    expect(refused.cause).toBeInstanceOf(RemoteError)
  }
  await expectUsable(worker)
})

whereItCan('local')('TypeScript loads by the loader that the program was started with', async () => {
  const host = (...flags: string[]): string =>
    execFileSync(process.execPath, [...flags, fixture('host-of-typed.ts')], {
      encoding: 'utf8',
      timeout: 20_000,
    })
  const loader = pathToFileURL(fixture('type-loader.mjs')).href
  for (const flags of [['--import', loader], [`--import=${fixture('type-loader.mjs')}`]]) {
    expect(host(...flags)).toBe('by arrow 2, by name 2\n')
  }
})

test('an aborted load rejects with the reason', async () => {
  const reason = new Error('enough')
  await expect(worker.load(() => import('node:fs'), { signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  )
})

whereItCan('process')('a worker loads modules in a worker of its own', async () => {
  const sum = await worker.call(async () => {
    const { spawnWorker } = await import('maltster')
    const inner = await spawnWorker()
    try {
      const loaded = await inner.load(() => import('../fixtures/modules/tasks.mjs'))
      return (await loaded.increase(4)) + (await loaded.increase(3))
    } finally {
      await inner.stop()
    }
  })
  expect(sum).toBe(11)
})
