import { DecodeError, ReleasedError, RemoteRef, type Worker } from 'maltster'
import { pack } from 'msgpackr'
import { expect, test } from 'vitest'
import { type Action, base64, boots, fakeWorker } from '../fixtures/worker/script.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { rejection, startWorker } from './workers.ts'

useLeakCheck()

const liar = (...called: Action[]): Promise<Worker> => startWorker(fakeWorker({ ...boots, called }))

/** A result that is a live value: its kind, its number, and what is said of it. */
const live = (kind: number, number: number, data: unknown): Action => ({
  do: 'frame',
  type: 5,
  flags: 1,
  body: base64(pack([[14, kind, number, data]])),
})
const reference = 3

test('what keeps to the protocol is believed', async () => {
  await using worker = await liar(live(reference, 7, 'kept 10 Map'))
  const ref = await worker.keep(() => new Map())
  expect(ref).toMatchObject({ number: 7, type: 'Map', bytes: 10 })
  expect(worker.refs()).toMatchObject([{ number: 7 }])
  // The same number is the same reference.
  expect(await worker.call(() => 1)).toBe(ref)
})

test.each<[Action, string]>([
  [{ do: 'result', value: 5 }, 'reference'],
  [live(reference, 7, 'nonsense'), 'live'],
  [live(reference, 7, 'kept 10'), 'live'],
  [live(reference, 7, `kept ${'9'.repeat(30)} Map`), 'live'],
  [live(reference, 7, null), 'live'],
  [live(reference, 7, `kept 10 ${'M'.repeat(1000)}`), 'live'],
  [live(99, 7, 'kept 10 Map'), 'live'],
  [live(0, 7, null), 'live'],
])('an answer to `keep` that is no reference is an error: %o', async (action, reason) => {
  await using worker = await liar(action)
  expect(
    await rejection(
      worker.keep(() => 1),
      DecodeError,
    ),
  ).toMatchObject({ reason })
  expect(worker.refs()).toEqual([])
  expect(worker.state).not.toBe('dead')
})

test('a number that comes again after it was let go is another reference', async () => {
  await using worker = await liar(live(reference, 7, 'kept 10 Map'))
  const first = await worker.keep(() => new Map())
  first.dispose()
  const second = await worker.keep(() => new Map())
  expect(second).not.toBe(first)
  expect(second).toBeInstanceOf(RemoteRef)
  await rejection(first.get(), ReleasedError)
  expect(second.isReleased).toBe(false)
})

test('a thousand references that nobody asked for are forgotten', async () => {
  let number = 0
  const body = base64(
    pack([
      [1, ...Array.from({ length: 1000 }, (_, i) => [i + 1])],
      ...Array.from({ length: 1000 }, () => [14, 3, ++number, 'kept 1 X']),
    ]),
  )
  await using worker = await liar({ do: 'frame', type: 5, flags: 1, body })
  const all = (await worker.call(() => 1)) as unknown as RemoteRef<unknown>[]
  expect(worker.refs()).toHaveLength(1000)
  for (const ref of all) ref.dispose()
  expect(worker.refs()).toEqual([])
})

test.each([5, null, [['a']], [['a', 'nonsense']], [[1, 'function']], { a: 'function' }])(
  'an answer to `load` that is no list of exports is an error: %j',
  async (value) => {
    await using worker = await liar({ do: 'result', value })
    expect(await rejection(worker.load('node:path'), DecodeError)).toMatchObject({ reason: 'exports' })
  },
)

test('names of exports that mean something in JavaScript are only names', async () => {
  const names = ['__proto__', 'constructor', 'then', 'hasOwnProperty', 'default']
  await using worker = await liar({ do: 'result', value: names.map((name) => [name, 'function']) })
  const loaded = await worker.load<Record<string, () => void>>('node:path')
  expect(Object.keys(loaded)).toEqual(['__proto__', 'constructor', 'hasOwnProperty', 'default'])
  expect(Object.getPrototypeOf(loaded)).toBe(null)
})
