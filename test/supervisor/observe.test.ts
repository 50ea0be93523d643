import { liveWorkers, type MaltsterEvent, observe, type Worker } from 'maltster'
import { expect, test } from 'vitest'
import {
  can,
  ofType,
  quietWorker,
  recordEvents,
  recordWarnings,
  until,
  whereItCan,
} from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

test('every event has the envelope, in the order of its number', async () => {
  using recorded = recordEvents({ path: 'kernel' })
  const worker = await quietWorker({ name: 'kernel' })
  await worker.call(() => 1)
  const call = worker.call(() => {
    throw new Error('fails')
  })
  await call.catch(() => {})
  await worker.stop()
  const { events } = recorded
  for (const [index, event] of events.entries()) {
    expect(event).toMatchObject({ path: 'kernel', incarnation: 1, type: expect.any(String) as string })
    expect(event.timeMs).toBeGreaterThan(0)
    expect(Math.abs(event.wallTime - Date.now())).toBeLessThan(600_000)
    if (index === 0) continue
    expect(event.seq).toBeGreaterThan(events[index - 1]!.seq)
    expect(event.timeMs).toBeGreaterThanOrEqual(events[index - 1]!.timeMs)
  }
  const types = events.map(({ type }) => type)
  expect(types[0]).toBe('worker.spawned')
  expect(types.at(-1)).toBe('worker.exited')
  expect(types).toContain('worker.ready')
  expect(ofType(events, 'call.started').map(({ callId }) => callId)).toEqual([1, 2])
  expect(ofType(events, 'call.settled')).toMatchObject([
    { outcome: 'ok' },
    { outcome: 'failed', error: { message: 'fails' } },
  ])
  const states = ofType(events, 'worker.state')
  expect(states.map(({ from }) => from)).toEqual(['booting', ...states.slice(0, -1).map(({ to }) => to)])
  expect(states.map(({ to }) => to)).toContain('running')
  expect(states.at(-1)!.to).toBe('dead')
})

test('a filter asks for types and for a place, and disposal ends it', async () => {
  const here: MaltsterEvent[] = []
  const watching = observe((event) => here.push(event), {
    types: ['worker.ready', 'worker.exited'],
    path: 'one',
  })
  using elsewhere = recordEvents({ path: 'on' })
  await using one = await quietWorker({ name: 'one' })
  await using two = await quietWorker({ name: 'two' })
  expect(here.map(({ type, path }) => [type, path])).toEqual([['worker.ready', 'one']])
  watching[Symbol.dispose]()
  await one.stop()
  await two.stop()
  expect(here).toHaveLength(1)
  expect(elsewhere.events).toEqual([])
})

test('an observer that throws disturbs neither the worker nor other observers', async () => {
  using warned = recordWarnings()
  using _bad = observe(
    () => {
      throw new Error('from an observer')
    },
    { types: ['worker.ready'] },
  )
  using good = recordEvents({ types: ['worker.ready'] })
  await using worker = await quietWorker()
  expect(good.events).toHaveLength(1)
  expect(worker.state).toBe('idle')
  await until('it is told', () => warned.warnings.length === 1)
  expect(warned.warnings[0]!.message).toContain('from an observer')
})

test('an observer may dispose of itself, add others and start calls while it is told', async () => {
  const seen: string[] = []
  const once = observe(
    ({ type }) => {
      seen.push(type)
      once[Symbol.dispose]()
      const another = observe((event) => {
        seen.push(`another ${event.type}`)
        another[Symbol.dispose]()
      })
    },
    { types: ['worker.spawned'] },
  )
  await using worker = await quietWorker()
  expect(seen[0]).toBe('worker.spawned')
  expect(seen).toHaveLength(2)
  expect(worker.state).toBe('idle')
})

test('what is no function is a TypeError', () => {
  expect(() => observe(7 as never)).toThrow(TypeError)
})

test('every call that was started is settled once in the events, however its worker ends', async () => {
  const endings = {
    stop: (one: Worker) => one.stop({ drainMs: 10 }),
    kill: (one: Worker) => (one.kill(), one.exited),
    ...(can('process') ? { signal: (one: Worker) => (process.kill(one.pid, 'SIGKILL'), one.exited) } : {}),
  }
  for (const [name, end] of Object.entries(endings)) {
    using recorded = recordEvents({ types: ['call.started', 'call.settled'] })
    const worker = await quietWorker({ concurrency: 2 })
    const calls = Array.from({ length: 5 }, () => worker.call(() => new Promise(() => {})))
    const settling = Promise.allSettled(calls)
    await end(worker)
    await settling
    const ids = (type: 'call.started' | 'call.settled'): number[] =>
      ofType(recorded.events, type).map(({ callId }) => callId)
    expect(ids('call.started'), name).toEqual([1, 2, 3, 4, 5])
    expect(
      ids('call.settled').toSorted((a, b) => (a < b ? -1 : 1)),
      name,
    ).toEqual([1, 2, 3, 4, 5])
  }
})

whereItCan('process')(
  'liveWorkers lists workers that are ready, oldest first, and its list is the caller’s own',
  async () => {
    await using first = await quietWorker()
    const starting = quietWorker()
    expect(liveWorkers()).toEqual([first])
    await using second = await starting
    expect(liveWorkers()).toEqual([first, second])
    liveWorkers().length = 0
    expect(liveWorkers()).toHaveLength(2)
    process.kill(first.pid, 'SIGKILL')
    await first.exited
    expect(liveWorkers()).toEqual([second])
  },
)
