import { type MaltsterEvent, ProtocolError, type Worker, WorkerDiedError, type WorkerTree } from 'maltster'
import { describe, expect, test } from 'vitest'
import { packed } from '../fixtures/worker/nested-frames.ts'
import { boots, fakeWorker } from '../fixtures/worker/script.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, quietWorker, recordEvents, rejection } from './workers.ts'

useLeakCheck()

const countOf = (trees: readonly WorkerTree[]): number =>
  trees.reduce((sum, { children }) => sum + 1 + countOf(children), 0)

describe('a worker that tells what is not so', () => {
  const eventFrame = 12
  const tells = (events: readonly unknown[], times = 1): Parameters<typeof fakeWorker>[0] => ({
    ...boots,
    called: [
      ...events.map((event) => ({
        do: 'frame' as const,
        type: eventFrame,
        id: 0,
        body: packed(event),
        times,
      })),
      { do: 'result', value: 'told' },
    ],
  })
  const spawned = (path: unknown, more: object = {}): object => ({
    path,
    incarnation: 1,
    type: 'worker.spawned',
    pid: 7,
    ...more,
  })

  const placed = (path: string, more: object = {}): object => ({
    path,
    incarnation: 1,
    type: 'tree.place',
    kind: 'supervisor',
    state: 'up',
    ...more,
  })
  const reason = { type: 'exit', exitCode: 1, signal: null, stderrTail: '', lastFrames: [], uptimeMs: 1 }
  const child = {
    id: 'app',
    path: 'liar/app',
    kind: 'worker',
    incarnation: 1,
    restart: 'permanent',
    shutdownMs: 1,
  }
  const budget = { used: 1, maxRestarts: 1, periodMs: 1 }
  const gaveUp = (more: object = {}): object => ({
    path: 'liar',
    incarnation: 1,
    type: 'supervisor.gaveUp',
    child,
    reason,
    budget,
    ...more,
  })
  const longReport = {
    reason,
    inFlight: [],
    inFlightCount: 0,
    recentEvents: Array.from({ length: 65 }, () => ({ seq: 1, type: 'worker.state', path: 'liar/inner' })),
  }

  async function told(events: readonly unknown[], times?: number): Promise<[Worker, MaltsterEvent[]]> {
    using recorded = recordEvents()
    const worker = await quietWorker({ name: 'liar', ...fakeWorker(tells(events, times)) })
    const before = recorded.events.length
    expect(await worker.call(() => 'nothing')).toBe('told')
    const heard = recorded.events
      .slice(before)
      .filter(({ path, type }) => path !== 'liar' || !/^(?:call|worker\.state)/.test(type))
    return [worker, heard]
  }

  test.each([
    ['a place beside it', spawned('other/inner')],
    ['a place that begins like its own', spawned('liars/inner')],
    ['its own place', spawned('liar')],
    ['a place without a name', spawned('liar/')],
    ['a place with an empty name in it', spawned('liar//inner')],
    ['a place that is too deep', spawned(`liar/${'x/'.repeat(3000)}x`)],
    ['no place', spawned(undefined)],
    ['a place that is no text', spawned(['liar/inner'])],
    ['no number of its life', spawned('liar/inner', { incarnation: 'first' })],
    ['a type that there is not', spawned('liar/inner', { type: 'worker.invented' })],
    ['a type of every object', spawned('liar/inner', { type: 'constructor' })],
    ['a call', spawned('liar/inner', { type: 'call.started', callId: 1 })],
    ['something missing', spawned('liar/inner', { type: 'worker.exited' })],
    ['a reason that is none', spawned('liar/inner', { type: 'worker.exited', reason: { type: 'normal' } })],
    ['a state that there is not', spawned('liar/inner', { type: 'worker.state', from: 'idle', to: 'happy' })],
    ['a place of a tree beside it', placed('other/app')],
    ['a place of a tree that is its own', placed('liar')],
    ['a place below nobody', placed('liar/nobody/app')],
    ['a place of a kind that there is not', placed('liar/app', { kind: 'king' })],
    ['a place in a state that there is not', placed('liar/app', { state: 'happy' })],
    ['the end of a place that there is not', placed('liar/app', { state: 'removed' })],
    ['a supervisor beside it', gaveUp({ path: 'other' })],
    ['a child beside it', gaveUp({ child: { ...child, path: 'other/app' } })],
    ['a child that is none', gaveUp({ child: 'app' })],
    ['a child of no kind', gaveUp({ child: { ...child, kind: undefined } })],
    ['a budget that is none', gaveUp({ budget: { used: 'all' } })],
    ['an error that is none', gaveUp({ type: 'supervisor.startError', error: { message: 'no' } })],
    ['a crash without a report', { ...spawned('liar/inner'), type: 'worker.crashed', report: {} }],
    ['a crash with a long past', { ...spawned('liar/inner'), type: 'worker.crashed', report: longReport }],
    [
      'a worker at its own place, as if it were a supervisor',
      { ...gaveUp(), type: 'worker.ready', bootMs: 1 },
    ],
    ['a text', 'worker.spawned'],
    ['nothing', null],
  ])('about %s is not heard', async (_, event) => {
    const [worker, heard] = await told([event])
    expect(heard).toEqual([])
    expect(worker.children).toEqual([])
    expect(worker.state).not.toBe('dead')
    await worker.stop()
  })

  test('gets nothing but what belongs to an event into one', async () => {
    const lies = { seq: -1, timeMs: -1, wallTime: -1, cause: 99, extra: 'x', to: 'dead' }
    const [worker, heard] = await told([spawned('liar/inner', lies)])
    expect(heard).toHaveLength(1)
    expect(Object.keys(heard[0]!).toSorted()).toEqual(
      ['incarnation', 'path', 'pid', 'seq', 'timeMs', 'type', 'wallTime'].toSorted(),
    )
    expect(heard[0]!.seq).toBeGreaterThan(0)
    expect(worker.children).toMatchObject([{ name: 'inner', pid: 7, state: 'booting', children: [] }])
    await worker.stop()
    expect(worker.children).toEqual([])
  })

  test('is heard of no more than 10 000 workers, and not of what nobody can be below of', async () => {
    const many = Array.from({ length: 400 }, (_, index) => spawned(`liar/w${index}`))
    const orphan = spawned('liar/nobody/leaf')
    const [worker] = await told([...many, orphan], 40)
    expect(countOf(worker.children)).toBe(10_000)
    expect(worker.children.map(({ name }) => name)).not.toContain('nobody')
    await worker.stop()
  })

  test('is believed what can be so of supervisors', async () => {
    const [worker, heard] = await told([gaveUp({ extra: 'x' })])
    expect(heard).toMatchObject([{ type: 'supervisor.gaveUp', path: 'liar', child, reason, budget }])
    expect(heard[0]).not.toHaveProperty('extra')
    await worker.stop()
    const many = Array.from({ length: 400 }, (_, index) => placed(`liar/s${index}`))
    // As often as one likes: a place is there once. And a supervisor is no process.
    const [crowded] = await told([...many, spawned('liar/s0')], 2)
    expect(countOf(crowded.children)).toBe(400)
    expect(crowded.children[0]).toMatchObject({ name: 's0', kind: 'supervisor', state: 'up', pid: 0 })
    await crowded.stop()
  })

  test('that floods keeps neither memory nor the host, and other workers answer', async () => {
    const wide = 'x'.repeat(190)
    const state = { path: `liar/${wide}`, incarnation: 1, type: 'worker.state', from: 'idle', to: 'idle' }
    const exited = { ...state, type: 'worker.exited', reason: { type: 'normal' } }
    const liar = quietWorker({
      name: 'liar',
      ...fakeWorker(tells([spawned(`liar/${wide}`), state, exited], 20_000)),
    })
    await using flooding = await liar
    await using good = await quietWorker({ name: 'good' })
    const flood = flooding.call(() => 'nothing')
    expect(await good.call(() => 6 * 7)).toBe(42)
    expect(await flood).toBe('told')
    expect(countOf(flooding.children)).toBeLessThanOrEqual(10_000)
    await expectUsable(good)
  })

  test('in bytes that are no message is a ProtocolError', async () => {
    const broken = {
      do: 'frame' as const,
      type: eventFrame,
      id: 0,
      body: Buffer.from([0xc1]).toString('base64'),
    }
    const worker = await quietWorker({ name: 'liar', ...fakeWorker({ ...boots, called: [broken] }) })
    const error = await rejection(
      worker.call(() => 'nothing'),
      WorkerDiedError,
    )
    expect(error.reason.type).toBe('transport')
    expect(error.reason.cause).toBeInstanceOf(ProtocolError)
  })
})
