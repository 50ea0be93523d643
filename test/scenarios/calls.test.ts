import { observe, type Worker } from 'maltster'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, ofType, quietWorker, recordEvents, recordWarnings, until } from './workers.ts'

useLeakCheck('file')

let worker: Worker

beforeAll(async () => {
  worker = await quietWorker()
})

afterAll(async () => {
  await worker.stop()
})

test('scenario 11: 10,000 calls one after the other are all right, and none is left pending', async () => {
  for (let n = 0; n < 10_000; n++) {
    if ((await worker.call((m: number) => m * 2, [n])) !== n * 2) throw new Error(`wrong answer to call ${n}`)
  }
  expect((await worker.stats()).calls).toMatchObject({ pending: 0 })
})

test('scenario 12: the value of a discarded call need not be sendable', async () => {
  expect(await worker.call(() => () => {}, [], { result: 'discard' })).toBe(undefined)
  expect(await worker.call(async () => process.stdout, [], { result: 'discard' })).toBe(undefined)
  await expect(worker.call(() => JSON.parse('{') as unknown, [], { result: 'discard' })).rejects.toThrow(
    /JSON/,
  )
  await expectUsable(worker)
})

test('scenario 13: a cast that throws is an event, once, and nothing else', async () => {
  using recorded = recordEvents({ types: ['cast.failed'] })
  using warned = recordWarnings()
  worker.cast(() => {
    throw new RangeError('out of it')
  })
  worker.cast(async () => {
    await Promise.resolve()
    throw new RangeError('later')
  })
  await until('two casts have failed', () => recorded.events.length === 2)
  await expectUsable(worker)
  const failed = ofType(recorded.events, 'cast.failed')
  expect(failed.map(({ error }) => error)).toMatchObject([
    { remoteName: 'RangeError', message: 'out of it', worker: worker.path },
    { remoteName: 'RangeError', message: 'later', worker: worker.path },
  ])
  expect(warned.warnings).toEqual([])
})

test('scenario 13: a cast that throws while nobody observes is a process warning', async () => {
  using warned = recordWarnings()
  worker.cast(() => {
    throw new RangeError('out of it')
  })
  await until('a warning came', () => warned.warnings.length === 1)
  expect(warned.warnings[0]).toMatchObject({ name: 'MaltsterWarning' })
  expect(warned.warnings[0]!.message).toContain('out of it')
})

test('scenario 13: observing other things does not swallow the warning', async () => {
  using warned = recordWarnings()
  using _watching = observe(() => {}, { types: ['worker.exited'] })
  worker.cast(() => {
    throw new RangeError('out of it')
  })
  await until('a warning came', () => warned.warnings.length === 1)
  expect(warned.warnings).toHaveLength(1)
})

test('scenario 14: an error that is returned is a value', async () => {
  const error = await worker.call(() => new TypeError('as a value', { cause: new Error('why') }))
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toBe('as a value')
  expect(error.cause).toMatchObject({ message: 'why' })
})

test('scenario 15: values are the same after the way there and back', async () => {
  const buffer = new ArrayBuffer(8)
  const values = {
    map: new Map<unknown, unknown>([[{ key: 1 }, new Set([1, 'two'])]]),
    date: new Date(86_400_000),
    bigint: 2n ** 100n,
    holes: [undefined, null, Number.NaN, -0, Infinity],
    regexp: /a+/giu,
    buffer: Buffer.from('abc'),
    arrayBuffer: new Uint8Array([1, 2, 3]).buffer,
    arrays: [
      new Int8Array([-1]),
      new Uint8Array([1]),
      new Uint8ClampedArray([255]),
      new Int16Array([-300]),
      new Uint16Array([300]),
      new Int32Array([-70_000]),
      new Uint32Array([70_000]),
      new Float32Array([0.5]),
      new Float64Array([0.1]),
      new BigInt64Array([-1n]),
      new BigUint64Array([1n]),
      new DataView(buffer),
    ],
    text: ['', '\u{1F600}', '\uD800', 'process.exit()', '${x}', '__proto__'],
  }
  const back = await worker.call((value: typeof values) => value, [values])
  expect(back).toEqual(values)
  expect(Object.is(back.holes[3], -0)).toBe(true)
  expect(Buffer.isBuffer(back.buffer)).toBe(true)
  expect(back.arrays.map((one) => one.constructor.name)).toEqual(
    values.arrays.map((one) => one.constructor.name),
  )
})

test('scenario 15: cycles, shared references, and errors with causes arrive as they are', async () => {
  const shared = { n: 1 }
  const cycle: { self?: unknown; a: object; b: object } = { a: shared, b: shared }
  cycle.self = cycle
  const seen = await worker.call(
    (value: typeof cycle) => [value.self === value, value.a === value.b],
    [cycle],
  )
  expect(seen).toEqual([true, true])
  const error = Object.assign(new RangeError('outer', { cause: new TypeError('inner') }), { extra: 7 })
  const told = await worker.call(
    (given: Error & { extra?: number }) => [
      given.name,
      given.message,
      (given.cause as Error).name,
      given.extra,
    ],
    [error],
  )
  expect(told).toEqual(['RangeError', 'outer', 'TypeError', 7])
})

test('scenario 17: 50 MB of binary go each way, and the host does not keep them', async () => {
  const bytes = new Uint8Array(50_000_000)
  for (let at = 0; at < bytes.length; at += 4093) bytes[at] = at % 251
  const baseline = process.memoryUsage.rss()
  for (let round = 0; round < 6; round++) {
    const back = await worker.call((given: Uint8Array) => given, [bytes])
    expect(Buffer.compare(back, bytes)).toBe(0)
  }
  // Six copies each way would be 600 MB; two may wait to be collected.
  expect(process.memoryUsage.rss() - baseline).toBeLessThan(400_000_000)
})
