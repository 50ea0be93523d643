import { InterruptedError, RemoteError } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import {
  can,
  expectUsable,
  ofType,
  quietWorker,
  recordEvents,
  rejection,
  until,
  whereItCan,
} from './workers.ts'

useLeakCheck()

test('scenario 8: calls, discarded calls, casts and evaluations with their arguments give the same everywhere', async () => {
  using recorded = recordEvents({ types: ['cast.failed'] })
  await using worker = await quietWorker()
  const sum = (...numbers: number[]): number => numbers.reduce((one, other) => one + other, 0)
  expect(await worker.call(() => 1)).toBe(1)
  expect(await worker.call(sum, [1, 2])).toBe(3)
  expect(await worker.call(sum, [1, 2, 2])).toBe(5)
  expect(await worker.call(async (a: number, b: number) => a + b, [6, 7])).toBe(13)
  expect(await worker.call((list: { of: number[] }) => list.of.length * 5, [{ of: [1, 2, 3] }])).toBe(15)
  expect(await worker.call(sum, [1, 2], { result: 'discard' })).toBe(undefined)
  worker.cast((of: number) => void Object.assign(globalThis, { castOf: of }), [15])
  await expect.poll(() => worker.call(() => Reflect.get(globalThis, 'castOf') as number)).toBe(15)
  expect(await worker.evaluate('1 + 2')).toBe(3)
  expect(await worker.evaluate('const five = 5; five')).toBe(5)
  expect(await worker.evaluate('({ a: five + 8 })')).toEqual({ a: 13 })
  expect(await worker.evaluate('{ a: 15 }')).toEqual({ a: 15 })
  await worker.call(() => void Reflect.deleteProperty(globalThis, 'castOf'))
  expect(recorded.events).toEqual([])
})

test('scenario 9: what an evaluation has defined is there for the next, until the worker stops', async () => {
  const worker = await quietWorker()
  expect(await worker.evaluate('x = 1 + 1')).toBe(2)
  expect(await worker.evaluate('x')).toBe(2)
  await worker.evaluate('let y = 1; const z = 2; class C { n = y + z }; function f() { return new C().n }')
  expect(await worker.evaluate('f()')).toBe(3)
  expect(await worker.evaluate('let y = 10; const z = 20; f()')).toBe(30)
  await worker.stop()
  await using another = await quietWorker()
  expect(await another.evaluate('typeof x + typeof y + typeof f')).toBe('undefined'.repeat(3))
})

test('scenario 10: evaluations interleave at their awaits, and so do casts', async () => {
  await using worker = await quietWorker()
  await worker.evaluate(
    'let x = 2; let release; const gate = new Promise((resolve) => { release = resolve })',
  )
  const slow = worker.evaluate('await gate; x = 900')
  expect(await worker.evaluate('x')).toBe(2)
  await worker.evaluate('release(); undefined')
  expect(await slow).toBe(900)
  expect(await worker.evaluate('x')).toBe(900)
  worker.cast(async () => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    Object.assign(globalThis, { fromCast: 900 })
  })
  const read = (): Promise<unknown> => worker.call(() => Reflect.get(globalThis, 'fromCast') as unknown)
  expect(await read()).toBe(undefined)
  await expect.poll(read).toBe(900)
  await worker.call(() => void Reflect.deleteProperty(globalThis, 'fromCast'))
})

const frameBytes = Buffer.alloc(16)
frameBytes.writeUInt8(8, 4)

/** Looks like code, like a template, like a prototype, like a frame, like what goes between relays. */
const lookalikes: readonly unknown[] = [
  'process.exit()',
  '${x}',
  '`; process.exit(); `',
  "'); process.exit(); ('",
  '\u2028process.exit()\u2029',
  '*/ process.exit() /*',
  '</script>\0',
  '\n\0maltster relay 1\0\n',
  { constructor: 'x', toString: 'y', valueOf: 1, toJSON: 'z' },
  { type: 8, callId: 1, kind: 'thrown', thrown: { isError: true, name: 'Error' }, info: 1, token: 'x' },
  JSON.parse('{"a":{"b":[1]},"__proto_":1}'),
  frameBytes,
  new Map<unknown, unknown>([['__proto__', { polluted: true }]]),
]

test('scenario 18: data is data, there and back, through calls, captures and casts', async () => {
  using recorded = recordEvents({ types: ['worker.exited', 'frame.dropped', 'cast.failed'] })
  await using worker = await quietWorker()
  for (const value of lookalikes) {
    expect(await worker.call((given: unknown) => given, [value])).toEqual(value)
    const captured = value
    expect(await worker.call(() => captured, [], { captures: { captured } })).toEqual(value)
    worker.cast((given: unknown) => void Object.assign(globalThis, { last: given }), [value])
    expect(await worker.call(() => Reflect.get(globalThis, 'last') as unknown)).toEqual(value)
  }
  await worker.call(() => void Reflect.deleteProperty(globalThis, 'last'))
  expect(await worker.call((given: unknown[]) => given, [[...lookalikes]])).toEqual(lookalikes)
  expect(Reflect.get({}, 'polluted')).toBe(undefined)
  expect(recorded.events).toEqual([])
  await expectUsable(worker)
})

test('source has nothing around it to capture: such options are unknown', async () => {
  await using worker = await quietWorker()
  for (const option of ['capture', 'captures']) {
    const error = await rejection(worker.evaluate('1', { [option]: {} }), TypeError)
    expect(error.message).toContain(`\`${option}\``)
  }
})

test('scenario 18: text that is evaluated as a text arrives as one, and is not run', async () => {
  await using worker = await quietWorker()
  for (const value of lookalikes.filter((one) => typeof one === 'string')) {
    expect(await worker.evaluate(JSON.stringify(value))).toBe(value)
  }
  const words = '`${"process.exit()"}`'
  expect(await worker.evaluate(words)).toBe('process.exit()')
  await expectUsable(worker)
})

test('scenario 18: a key `__proto__` is refused or a plain key, and no prototype of anybody changes', async () => {
  await using worker = await quietWorker()
  const value = JSON.parse('{"__proto__":{"polluted":true},"a":1}') as { a: number }
  const back = await worker.call((given: object) => given, [value]).catch((error: unknown) => error)
  expect(Reflect.get({}, 'polluted')).toBe(undefined)
  expect(await worker.call(() => Reflect.get({}, 'polluted') as unknown)).toBe(undefined)
  if (!(back instanceof Error)) expect(back).toEqual(value)
  await expectUsable(worker)
})

test('an evaluation that throws tells where, in the user’s words and file alone', async () => {
  await using worker = await quietWorker()
  const source = 'function theirs() {\n  throw new RangeError("no")\n}\ntheirs()'
  const error = await rejection(worker.evaluate(source, { filename: 'cell-7.js' }), RemoteError)
  expect(error).toMatchObject({ remoteName: 'RangeError', message: 'no', worker: worker.path })
  expect(error.remoteStack).toMatch(/theirs .*cell-7\.js:2:\d+/)
  // Vitest maps the stacks of its own process to sources, which nobody else has.
  if (can('process')) expect(error.remoteStack).not.toMatch(/main\.cjs|dist\//)
})

test('scopes are apart from each other and from the worker', async () => {
  await using worker = await quietWorker()
  const [one, other] = [worker.scope('one'), worker.scope('other')]
  await one.evaluate('let n = 1')
  await other.evaluate('let n = 2')
  expect([await one.evaluate('n'), await other.evaluate('n')]).toEqual([1, 2])
  expect(await worker.evaluate('typeof n')).toBe('undefined')
})

test('a run tells value, error and time, and never rejects for what the code did', async () => {
  await using worker = await quietWorker()
  expect(await worker.run('40 + 2')).toMatchObject({ outcome: 'value', value: 42 })
  expect(await worker.run('throw new RangeError("no")')).toMatchObject({ outcome: 'thrown' })
  expect(await worker.run('let = = 1')).toMatchObject({ ok: false, value: undefined })
  await expectUsable(worker)
})

whereItCan('stdio')('a run has what it printed, complete', async () => {
  await using worker = await quietWorker()
  const source = 'for (let n = 0; n < 1000; n++) console.log("line", n); console.error("and this"); 7'
  const { stdout, stderr, value } = await worker.run(source)
  expect(value).toBe(7)
  expect(stdout).toBe(Array.from({ length: 1000 }, (_, n) => `line ${n}\n`).join(''))
  expect(stderr).toBe('and this\n')
})

whereItCan('interrupt')('an evaluation that spins is cut off, and the session is as it was', async () => {
  let isSpinning = false
  await using worker = await quietWorker({ interruptGraceMs: 10_000, stderr: () => (isSpinning = true) })
  await worker.evaluate('let kept = 7')
  const spins = 'process.getBuiltinModule("node:fs").writeSync(2, "spins\\n"); for (;;);'
  const cut = rejection(worker.evaluate(spins), InterruptedError)
  await until('it spins', () => isSpinning)
  expect((await worker.interrupt()).outcome).toBe('interrupted')
  await cut
  expect(await worker.evaluate('kept')).toBe(7)
})

test('an evaluation is a call: counted, told, and refused by a worker that has stopped', async () => {
  using recorded = recordEvents({ types: ['call.started', 'call.settled'] })
  const worker = await quietWorker()
  await worker.evaluate('1')
  expect(ofType(recorded.events, 'call.settled')).toMatchObject([{ outcome: 'ok' }])
  await worker.stop()
  await expect(worker.evaluate('1')).rejects.toMatchObject({ executed: 'no' })
  expect(worker.capabilities.process).toBe(can('process'))
})
