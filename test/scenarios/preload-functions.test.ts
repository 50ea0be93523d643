import { basename } from 'node:path'
import { CaptureError, type PreloadOption } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { quietWorker, recordEvents, rejection } from './workers.ts'

useLeakCheck()

const settings = { port: 5432, hosts: ['a', 'b'] }
let connection: string | undefined

class Pool {
  readonly size: number
  constructor(size: number) {
    this.size = size
  }
}
let pool: Pool | undefined

function connect(): string {
  return `${basename('/x/db')}:${settings.port}`
}

test('a function takes along variables, helpers and imports', async () => {
  await using worker = await quietWorker({
    preload: [
      () => {
        connection = connect()
      },
    ],
  })
  expect(await worker.call(() => connection)).toBe('db:5432')
  expect(connection).toBe(undefined)
  // Calls find what was sent, and do not send it again.
  const plan = worker.explain(() => [connection, connect(), settings.port])
  expect(plan.entries.find(({ name }) => name === 'connect')?.action).toBe('known')
  expect(plan.entries.find(({ name }) => name === 'settings')?.action).toBe('unchanged')
})

test('steps and calls have the same variables and the same classes', async () => {
  await using worker = await quietWorker({
    preload: [
      () => {
        pool = new Pool(1)
      },
      () => {
        if (!(pool instanceof Pool)) throw new Error('another class')
        pool = new Pool(pool.size + 1)
      },
    ],
  })
  expect(await worker.call(() => [pool instanceof Pool, pool?.size])).toEqual([true, 2])
  expect(pool).toBe(undefined)
})

test('what a function around it has declared goes along with its value of now', async () => {
  const local = { value: 1 }
  const kept: { seen?: number } = {}
  const prepare = (): void => {
    ;(globalThis as { seenByPreload?: number }).seenByPreload = local.value
    kept.seen = local.value
  }
  const starting = quietWorker({ preload: [prepare, prepare] })
  local.value = 2
  await using worker = await starting
  expect(await worker.call(() => (globalThis as { seenByPreload?: number }).seenByPreload)).toBe(1)
  expect(kept.seen).toBe(undefined)
})

test('large values go along', async () => {
  const text = 'x'.repeat(100_000)
  const bytes = new Uint8Array(100_000).fill(7)
  const prepare = (): void => {
    ;(globalThis as { preloaded?: number }).preloaded = text.length + bytes[99_999]!
  }
  await using worker = await quietWorker({ preload: [prepare] })
  expect(await worker.call(() => (globalThis as { preloaded?: number }).preloaded)).toBe(100_007)
})

const stream = process.stdin
const secret = 'mine'

test.each<[string, PreloadOption, object, string]>([
  ['what can not leave', () => stream.readable, {}, 'can’t leave its process'],
  ['a name that is denied', () => secret.length, { capture: { deny: ['secret'] } }, 'denies `secret`'],
  [
    'more than the policy allows',
    () => settings.hosts,
    { capture: { maxBytes: 10 } },
    'more than capture.maxBytes (10)',
  ],
  ['anything, where nothing is to be found', () => secret.length, { capture: 'explicit' }, 'not declared'],
])('refused before anything is started: %s', async (_what, step, options, words) => {
  using recorded = recordEvents({ types: ['worker.spawned'] })
  const error = await rejection(quietWorker({ ...options, preload: [step] }), CaptureError)
  expect(error.message).toContain(words.replace('’', "'"))
  expect(recorded.events).toEqual([])
})

test('a function of preload is found again in stacks', async () => {
  const helper = (): never => {
    throw new RangeError(`no ${settings.port}`)
  }
  const error = await rejection(quietWorker({ preload: [() => helper()] }), Error)
  expect((error.cause as { remoteStack: string }).remoteStack).toMatch(
    /at helper \(.*preload-functions\.test\.ts:\d+:\d+\)/,
  )
})
