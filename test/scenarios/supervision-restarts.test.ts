import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RestartLimitError, supervise, type WorkerHandle, WorkerUnavailableError } from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { processState } from '../support/processes.ts'
import { child, killAndWait, moves, outcomes, pids, quiet, reborn } from './supervision.ts'
import { ofType, recordEvents, rejection, until } from './workers.ts'

useLeakCheck()

const noBackoff = { minMs: 0 } as const

/** The three ways to end by oneself. */
const ways: Record<string, (handle: WorkerHandle) => void> = {
  'exit code 0': (handle) => handle.cast(() => process.exit(0)),
  exitWith: (handle) =>
    handle.cast(async () => (await import('maltster/worker')).exitWith({ shutdown: 'done' })),
  'kill -9': (handle) => void process.kill(handle.pid!, 'SIGKILL'),
}

describe('restart types', () => {
  test.each(Object.keys(ways))('10, 11, 12: by %s', async (way) => {
    using recorded = recordEvents({ path: 'app' })
    await using app = await supervise({
      name: 'app',
      maxRestarts: 10,
      children: [child('p'), child('t', { restart: 'transient' }), child('x', { restart: 'temporary' })],
    })
    const before = pids(app, 'p', 't', 'x')
    const [p, t, x] = [app.worker('p'), app.worker('t'), app.worker('x')]
    for (const handle of [p, t, x]) ways[way]!(handle)
    await until('all have ended', () => outcomes(recorded.events).length === 3)
    await reborn(p, before['p'])
    expect(p.incarnation).toBe(2)
    const isCrash = way === 'kill -9'
    if (isCrash) await reborn(t, before['t'])
    expect(new Set(outcomes(recorded.events))).toEqual(
      new Set(['p restarted', isCrash ? 't restarted' : 't finished', 'x removed']),
    )
    // What has finished keeps its spec; a temporary one is forgotten.
    expect(app.whichChildren().map(({ id, state }) => [id, state])).toEqual([
      ['p', 'up'],
      ['t', isCrash ? 'up' : 'finished'],
    ])
    if (!isCrash) await app.restartChild('t')
    expect(t.incarnation).toBe(2)
    expect(t.pid).not.toBe(before['t'])
    const again = await app.startChild(child('x', { restart: 'temporary' }))
    expect(again.pid).not.toBe(before['x'])
  })

  test('13: SIGTERM from outside is a normal end for who handles it, and a crash for who does not', async () => {
    using recorded = recordEvents({ path: 'app' })
    await using app = await supervise({
      name: 'app',
      children: [
        child('handles', {
          restart: 'transient',
          init: () => void process.on('SIGTERM', () => process.exit(0)),
        }),
        child('ignorant', { restart: 'transient' }),
      ],
    })
    const before = pids(app, 'handles', 'ignorant')
    for (const pid of Object.values(before)) process.kill(pid!, 'SIGTERM')
    await until('both have ended', () => outcomes(recorded.events).length === 2)
    await reborn(app.worker('ignorant'), before['ignorant'])
    expect(app.worker('handles').state).toBe('finished')
    expect(new Set(outcomes(recorded.events))).toEqual(new Set(['handles finished', 'ignorant restarted']))
  })
})

describe('strategies', () => {
  test('17: one-for-one restarts the one that died, and no other', async () => {
    await using app = await supervise({ name: 'app', children: [child('a'), child('b')] })
    const before = pids(app, 'a', 'b')
    using recorded = recordEvents({ path: 'app' })
    await killAndWait(app.worker('a'))
    expect(app.worker('b').pid).toBe(before['b'])
    expect(processState(before['b']!)).toBe('running')
    expect(recorded.events.filter(({ path }) => path === 'app/b')).toEqual([])
    expect(app.tree().budget.used).toBe(1)
  })

  test('18: one-for-all stops the others in reverse, starts all in order, and that is one restart', async () => {
    await using app = await supervise({
      name: 'app',
      strategy: 'one-for-all',
      children: [child('a'), child('b'), child('c')],
    })
    const before = pids(app, 'a', 'b', 'c')
    using recorded = recordEvents({ path: 'app' })
    process.kill(before['b']!, 'SIGKILL')
    for (const id of ['a', 'b', 'c'] as const) await reborn(app.worker(id), before[id])
    expect(moves(recorded.events)).toEqual(['b↓', 'c↓', 'a↓', 'a↑', 'b↑', 'c↑'])
    expect(app.tree().budget.used).toBe(1)
    const ends = ofType(recorded.events, 'worker.exited').map(({ reason }) => reason.type)
    expect(ends).toEqual(['signal', 'shutdown', 'shutdown'])
  })

  test('the story of a restart can be followed from event to event, back to the end of the process', async () => {
    using recorded = recordEvents({ path: 'app' })
    const backoff = { minMs: 20, maxMs: 20 }
    const rules = { strategy: 'one-for-all', maxRestarts: 9, periodMs: 60_000, backoff } as const
    await using app = await supervise({ name: 'app', ...rules, children: [child('a'), child('b')] })
    const story = (seq: number | undefined): string[] => {
      const event = recorded.events.find((one) => one.seq === seq)
      if (event === undefined) return []
      const name = 'child' in event ? event.child.id : event.path.split('/').at(-1)
      return [`${event.type} ${name} ${event.incarnation}`, ...story(event.cause)]
    }
    const starts = (): (readonly string[])[] =>
      ofType(recorded.events, 'worker.spawned').map(({ seq }) => story(seq))
    await killAndWait(app.worker('a'))
    await app.worker('b').whenUp()
    const death = ['supervisor.childTerminated a 1', 'worker.exited a 1']
    expect(starts()).toEqual([
      ['worker.spawned a 1'],
      ['worker.spawned b 1'],
      ['worker.spawned a 2', ...death],
      ['worker.spawned b 2', ...death],
    ])
    await killAndWait(app.worker('a'))
    await app.worker('b').whenUp()
    const next = ['supervisor.childTerminated a 1', 'worker.exited a 2']
    expect(starts().slice(4)).toEqual([
      ['worker.spawned a 3', 'supervisor.backoff a 1', ...next],
      ['worker.spawned b 3', ...next],
    ])
  })

  test('19: rest-for-one restarts those behind it, and leaves those before alone', async () => {
    const ids = ['z', 'y', 'm', 'b', 'a'] as const
    await using app = await supervise({
      name: 'app',
      strategy: 'rest-for-one',
      children: ids.map((id) => child(id)),
    })
    const before = pids(app, ...ids)
    using recorded = recordEvents({ path: 'app' })
    process.kill(before['y']!, 'SIGKILL')
    for (const id of ids.slice(1)) await reborn(app.worker(id), before[id])
    expect(moves(recorded.events)).toEqual(['y↓', 'a↓', 'b↓', 'm↓', 'y↑', 'm↑', 'b↑', 'a↑'])
    expect(app.worker('z').pid).toBe(before['z'])
  })

  test('22, 28: what is temporary, has finished or was stopped does not come back with its siblings', async () => {
    await using app = await supervise({
      name: 'app',
      strategy: 'one-for-all',
      children: [
        child('a'),
        child('gone', { restart: 'temporary' }),
        child('finished', { restart: 'transient' }),
        child('stopped'),
      ],
    })
    app.worker('finished').cast(() => process.exit(0))
    await until('it has finished', () => app.worker('finished').state === 'finished')
    await app.worker('stopped').stop()
    await killAndWait(app.worker('a'))
    await until('all is quiet', () => app.state === 'running')
    expect(app.whichChildren().map(({ id, state }) => [id, state])).toEqual([
      ['a', 'up'],
      ['finished', 'finished'],
      ['stopped', 'stopped'],
    ])
  })

  test('23: a temporary child that crashes leaves the others alone, even where no restart is allowed', async () => {
    await using app = await supervise({
      name: 'app',
      strategy: 'one-for-all',
      maxRestarts: 0,
      children: [child('a'), child('x', { restart: 'temporary' })],
    })
    const before = pids(app, 'a')
    process.kill(app.worker('x').pid!, 'SIGKILL')
    await until('it is gone', () => app.whichChildren().length === 1)
    expect(app.worker('a').pid).toBe(before['a'])
    expect(app.state).toBe('running')
  })
})

describe('storms', () => {
  test('33: a worker that never gets ready is tried as often as is allowed, and then it is said why', async () => {
    let starts = 0
    const counted = { ...quiet, stdout: () => void starts++ }
    using recorded = recordEvents({ path: 'app' })
    const mark = join(tmpdir(), `maltster-mark-${process.pid}`)
    const app = await supervise({ name: 'app', maxRestarts: 5, periodMs: 60_000, backoff: noBackoff })
    const kernel = await app.startChild({
      id: 'kernel',
      worker: counted,
      init: async () => {
        const { existsSync, writeFileSync } = await import('node:fs')
        console.log('started')
        if (existsSync(mark)) process.exit(7)
        writeFileSync(mark, '')
      },
    })
    try {
      kernel.kill()
      const reason = await app.exited
      expect(reason.type).toBe('escalated')
      expect(reason.cause).toBeInstanceOf(RestartLimitError)
      expect(reason.cause).toMatchObject({
        child: 'app/kernel',
        maxRestarts: 5,
        leaf: { path: 'app/kernel', reason: { exitCode: 7 } },
      })
      // The first, and the five that were allowed.
      expect(ofType(recorded.events, 'worker.spawned')).toHaveLength(6)
      await until('all have been heard', () => starts === 6)
      expect(ofType(recorded.events, 'supervisor.gaveUp')).toMatchObject([{ budget: { maxRestarts: 5 } }])
    } finally {
      rmSync(mark, { force: true })
    }
  })

  test('a sub-supervisor that gives up is a crash for the one above, which says down to the leaf why', async () => {
    using recorded = recordEvents({ path: 'app' })
    const app = await supervise({
      name: 'app',
      maxRestarts: 1,
      periodMs: 60_000,
      children: [
        child('a'),
        {
          id: 'jobs',
          restart: 'transient',
          supervisor: { maxRestarts: 0, children: [child('b'), child('c')] },
        },
      ],
    })
    const parser = app.worker('jobs/b')
    const before = pids(app, 'a', 'jobs/b', 'jobs/c')
    process.kill(parser.pid!, 'SIGKILL')
    // The handle waits through the restart of the supervisor above it.
    const again = { retry: { times: 1 } }
    expect(await parser.call(() => process.pid, [], again)).not.toBe(before['jobs/b'])
    await reborn(app.worker('jobs/c'), before['jobs/c'])
    expect(app.worker('a').pid).toBe(before['a'])
    expect(parser.incarnation).toBe(2)
    process.kill(parser.pid!, 'SIGKILL')
    const reason = await app.exited
    expect(reason).toMatchObject({ type: 'escalated', cause: { child: 'app/jobs' } })
    expect((reason.cause as RestartLimitError).cause).toBeInstanceOf(RestartLimitError)
    expect((reason.cause as RestartLimitError).leaf).toMatchObject({
      path: 'app/jobs/b',
      reason: { type: 'signal', signal: 'SIGKILL' },
    })
    expect(ofType(recorded.events, 'supervisor.escalated')).toHaveLength(2)
    await until('its place is gone', () => parser.state === 'removed')
    await expect(parser.call(() => 1)).rejects.toMatchObject({ code: 'ERR_MALTSTER_WORKER_UNAVAILABLE' })
  })

  test('38: fifty workers that are killed at once are all back, each once, and few boot at a time', async () => {
    const count = 50
    const children = Array.from({ length: count }, (_, index) => child(`w${index}`))
    await using app = await supervise({
      name: 'app',
      maxRestarts: 100,
      maxConcurrentBoots: 4,
      parallelStart: true,
      children,
    })
    const handles = children.map(({ id }) => app.worker(id))
    const before = handles.map(({ pid }) => pid!)
    let booting = 0
    let most = 0
    using watching = recordEvents({ path: 'app' })
    for (const pid of before) process.kill(pid, 'SIGKILL')
    await Promise.all(handles.map((handle, index) => reborn(handle, before[index])))
    for (const { type } of watching.events) {
      if (type === 'worker.spawned') most = Math.max(most, ++booting)
      else if (type === 'worker.ready') booting--
    }
    expect(most).toBeLessThanOrEqual(4)
    expect(ofType(watching.events, 'worker.ready')).toHaveLength(count)
    expect(handles.map(({ incarnation }) => incarnation)).toEqual(before.map(() => 2))
    expect(new Set(handles.map(({ pid }) => pid)).size).toBe(count)
    expect(await Promise.all(handles.map((handle) => handle.call(() => process.pid)))).toEqual(
      handles.map(({ pid }) => pid),
    )
  }, 90_000)

  test('calls made in the midst of a death wait, through the back-off as well', async () => {
    await using app = await supervise({
      name: 'app',
      periodMs: 60_000,
      backoff: { minMs: 300, jitter: 0 },
      children: [child('kernel')],
    })
    const kernel = app.worker('kernel')
    await killAndWait(kernel)
    const impatient = kernel.with({ whenDown: 'reject' })
    process.kill(kernel.pid!, 'SIGKILL')
    await until('it is backing off', () => kernel.state === 'backing-off')
    const startedMs = Date.now()
    const error = await rejection(
      impatient.call(() => 1),
      WorkerUnavailableError,
    )
    expect(error).toMatchObject({ code: 'ERR_MALTSTER_WORKER_UNAVAILABLE', worker: 'app/kernel' })
    expect(error.retryAt).toBeGreaterThan(startedMs)
    expect(error.retryAt).toBeLessThanOrEqual(startedMs + 301)
    expect(await kernel.call(() => 6 * 7)).toBe(42)
    expect(kernel.incarnation).toBe(3)
  })
})
