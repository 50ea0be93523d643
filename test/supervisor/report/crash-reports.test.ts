import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type MaltsterEvent, observe, supervise, type WorkerHandle } from 'maltster'
import { expect, test } from 'vitest'
import { memoryLimitOf } from '../../../src/supervisor/report/memory.ts'
import type { ExitReason } from '../../../src/errors/exit-reason.ts'
import { EventRing } from '../../../src/supervisor/report/event-ring.ts'
import { child, killAndWait, quiet } from '../../scenarios/supervision.ts'
import { ofType, quietWorker, recordEvents, until } from '../../scenarios/workers.ts'
import { useLeakCheck } from '../../support/leak-check.ts'

useLeakCheck()

test('a crash is told in the order of its causes, and what is known of it goes along', async () => {
  await using app = await supervise({ name: 'app', children: [child('parser')] })
  const parser = app.worker('parser')
  using recorded = recordEvents()
  async function parseFile(): Promise<never> {
    return new Promise(() => {})
  }
  const open = parser.call(parseFile).catch((error: unknown) => error)
  const background = parser.call(parseFile, [], { background: true }).catch((error: unknown) => error)
  await parser.evaluate('0')
  const { pid } = parser
  await killAndWait(parser)
  await Promise.all([open, background])
  const { events } = recorded
  const types = ['worker.exited', 'worker.crashed', 'supervisor.childTerminated', 'supervisor.progress']
  const told = events.filter(({ type, path }) => types.includes(type) && path !== '')
  expect(told.map(({ type, path }) => [type, path])).toEqual([
    ['worker.exited', 'app/parser'],
    ['worker.crashed', 'app/parser'],
    ['supervisor.childTerminated', 'app'],
    ['supervisor.progress', 'app'],
  ])
  const [exited] = ofType(events, 'worker.exited')
  const [crashed] = ofType(events, 'worker.crashed')
  expect(crashed).toMatchObject({ pid, incarnation: 1, cause: exited!.seq })
  const { report } = crashed!
  expect(report.reason).toBe(exited!.reason)
  expect(report).toMatchObject({
    outOfMemory: undefined,
    inFlightCount: 2,
    inFlight: [
      { name: 'parseFile', background: false, executed: 'unknown' },
      { name: 'parseFile', background: true, executed: 'unknown' },
    ],
  })
  if (process.platform === 'linux') expect(report.memoryPeakBytes).toBeGreaterThan(2 ** 20)
  const recent = report.recentEvents.map(({ type }) => type)
  expect(recent).toContain('worker.ready')
  expect(recent.at(-1)).toBe('worker.exited')
  expect(recent.some((type) => type.startsWith('call.'))).toBe(false)
})

test('an end in order is no crash', async () => {
  using recorded = recordEvents({ types: ['worker.exited', 'worker.crashed'] })
  await (await quietWorker()).stop()
  const one = await quietWorker()
  one.cast(() => process.exit(0))
  await one.exited
  expect(recorded.events.map(({ type }) => type)).toEqual(['worker.exited', 'worker.exited'])
})

test('what was thrown, and the end of its output, are in the report', async () => {
  using recorded = recordEvents({ types: ['worker.crashed'] })
  await using worker = await quietWorker()
  worker.cast(() => {
    process.stderr.write('last words\n')
    setTimeout(function parseLater() {
      throw new RangeError('no such field')
    })
  })
  await worker.exited
  expect(recorded.events).toMatchObject([
    {
      report: {
        reason: {
          type: 'exit',
          exitCode: 1,
          cause: { name: 'RangeError', message: 'no such field' },
          stderrTail: expect.stringContaining('last words') as string,
        },
        inFlight: [],
      },
    },
  ])
  expect(ofType(recorded.events, 'worker.crashed')[0]!.report.reason.lastFrames[0]).toContain('parseLater')
})

test('a report says which limit of memory it was', async () => {
  using recorded = recordEvents({ types: ['worker.crashed'] })
  const grow = (): never => {
    const kept: unknown[] = []
    for (;;) kept.push(Array.from({ length: 10_000 }, () => kept.length))
  }
  const fill = async (): Promise<never> => {
    const kept: Buffer[] = []
    for (;;) {
      kept.push(Buffer.alloc(2 ** 22, 1))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  await using heap = await quietWorker({ name: 'heap', maxHeapMb: 32 })
  await heap.call(grow).catch(() => {})
  await using limit = await quietWorker({ name: 'limit', maxRssMb: 150 })
  await limit.call(fill).catch(() => {})
  await Promise.all([heap.exited, limit.exited])
  const found = ofType(recorded.events, 'worker.crashed').map(({ path, report }) => [
    path,
    report.outOfMemory,
  ])
  expect(new Map(found as [string, string][])).toEqual(
    new Map([
      ['heap', 'heap'],
      ['limit', 'limit'],
    ]),
  )
})

test('SIGKILL counts as the system’s want of memory only if the system has counted one more kill', () => {
  const killed: ExitReason = {
    type: 'signal',
    exitCode: null,
    signal: 'SIGKILL',
    stderrTail: '',
    lastFrames: [],
    uptimeMs: 1,
  }
  expect(memoryLimitOf(killed, 3, 4)).toBe('system')
  expect(memoryLimitOf(killed, 3, 3)).toBe(undefined)
  expect(memoryLimitOf(killed, undefined, undefined)).toBe(undefined)
  expect(memoryLimitOf({ ...killed, signal: 'SIGSEGV' }, 3, 4)).toBe(undefined)
  expect(memoryLimitOf({ ...killed, type: 'killed' }, 3, 4)).toBe(undefined)
})

test('the last events are kept, and no more than there is room for', () => {
  const ring = new EventRing<number>(3)
  expect(ring.all()).toEqual([])
  for (const number of [1, 2]) ring.add(number)
  expect(ring.all()).toEqual([1, 2])
  for (const number of [3, 4, 5]) ring.add(number)
  expect(ring.all()).toEqual([3, 4, 5])
})

test('a storm of deaths leaves one report for each', async () => {
  using recorded = recordEvents({ types: ['worker.crashed'] })
  await using app = await supervise({
    name: 'app',
    maxRestarts: 20,
    parallelStart: true,
    children: Array.from({ length: 6 }, (_, index) => child(`w${index}`)),
  })
  const before = app.whichChildren().map(({ pid }) => pid!)
  for (const pid of before) process.kill(pid, 'SIGKILL')
  await until('all are back', () =>
    app.whichChildren().every(({ incarnation, state }) => incarnation === 2 && state === 'up'),
  )
  const reported = ofType(recorded.events, 'worker.crashed').map(({ pid }) => pid)
  expect(reported).toHaveLength(before.length)
  expect(new Set(reported)).toEqual(new Set(before))
})

test('events are published as topics, single calls only for who subscribes to them', async () => {
  const heard: MaltsterEvent[] = []
  const listen = (message: unknown): void => void heard.push(message as MaltsterEvent)
  const topics = ['maltster:worker.ready', 'maltster:supervisor.progress', 'maltster:call.settled'] as const
  await using app = await supervise({ name: 'app', children: [{ id: 'a', worker: quiet }] })
  for (const topic of topics) subscribe(topic, listen)
  let again: WorkerHandle
  try {
    const handle = await app.startChild(child('b'))
    await handle.call(() => 1)
    expect(heard.map(({ type, path }) => [type, path])).toEqual([
      ['worker.ready', 'app/b'],
      ['supervisor.progress', 'app'],
      ['call.settled', 'app/b'],
    ])
    heard.length = 0
    again = handle
  } finally {
    for (const topic of topics) unsubscribe(topic, listen)
  }
  await app.worker('a').call(() => 1)
  await again.call(() => 1)
  expect(heard).toEqual([])
})

test('a topic counts as somebody who hears what a cast has thrown', async () => {
  const warnings: Error[] = []
  const warned = (warning: Error): void => void warnings.push(warning)
  const heard: unknown[] = []
  const listen = (message: unknown): void => void heard.push(message)
  process.on('warning', warned)
  subscribe('maltster:cast.failed', listen)
  try {
    await using worker = await quietWorker()
    worker.cast(() => {
      throw new Error('nobody waits')
    })
    await until('it is told', () => heard.length === 1)
    using _watching = observe(() => {}, { types: ['worker.exited'] })
    await worker.stop()
    expect(warnings.filter(({ message }) => message.includes('nobody waits'))).toEqual([])
  } finally {
    unsubscribe('maltster:cast.failed', listen)
    process.off('warning', warned)
  }
})
