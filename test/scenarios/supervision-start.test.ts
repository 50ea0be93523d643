import {
  BootTimeoutError,
  liveWorkers,
  RemoteError,
  root,
  SpawnError,
  SpecError,
  spawnWorker,
  supervise,
} from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { child, moves, pids, quiet } from './supervision.ts'
import { ofType, quietWorker, recordEvents, rejection, until, whereItCan } from './workers.ts'

useLeakCheck()

describe('start', () => {
  test('1: children start in order, each a process of its own, and all are up', async () => {
    using recorded = recordEvents({ path: 'app' })
    await using app = await supervise({ name: 'app', children: [child('a'), child('b'), child('c')] })
    expect(moves(recorded.events)).toEqual(['a↑', 'b↑', 'c↑'])
    const started = recorded.events.filter(({ type }) => type === 'worker.spawned' || type === 'worker.ready')
    expect(started.map(({ path, type }) => `${path} ${type}`)).toEqual(
      ['app/a', 'app/b', 'app/c'].flatMap((path) => [`${path} worker.spawned`, `${path} worker.ready`]),
    )
    expect(new Set(Object.values(pids(app, 'a', 'b', 'c'))).size).toBe(3)
    expect(app.whichChildren()).toMatchObject([
      { id: 'a', path: 'app/a', state: 'up', incarnation: 1, pid: app.worker('a').pid },
      { id: 'b', state: 'up' },
      { id: 'c', state: 'up' },
    ])
    expect(await app.worker('b').call(() => process.pid)).toBe(app.worker('b').pid)
  })

  test('2: what a child throws while it boots is told, and those before it are stopped, in reverse', async () => {
    using recorded = recordEvents({ path: 'app' })
    const broken = {
      ...quiet,
      preload: [{ source: 'throw new RangeError("no disk")', filename: 'setup.js' }],
    }
    const children = [child('a'), child('b'), { id: 'c', worker: broken }, child('d')] as const
    const error = await rejection(supervise({ name: 'app', children }), SpawnError)
    expect(error).toMatchObject({ worker: 'app/c' })
    expect(error.message).toContain('no disk')
    let cause: unknown = error
    while (cause instanceof Error && !(cause instanceof RemoteError)) ({ cause } = cause)
    expect(cause).toMatchObject({ remoteName: 'RangeError', message: 'no disk' })
    expect(moves(recorded.events)).toEqual(['a↑', 'b↑', 'c↓', 'b↓', 'a↓'])
    expect(recorded.events.filter(({ path }) => path === 'app/d')).toEqual([])
    expect(ofType(recorded.events, 'supervisor.startError')).toMatchObject([{ child: { path: 'app/c' } }])
    expect(root().whichChildren()).toEqual([])
    expect(liveWorkers()).toEqual([])
  })

  whereItCan('local')('3: so is a program that is not there', async () => {
    const missing = { ...quiet, execPath: '/no/such/node' }
    const starting = supervise({ name: 'app', children: [child('a'), { id: 'b', worker: missing }] })
    const error = await rejection(starting, SpawnError)
    let cause: unknown = error
    while (cause instanceof Error && !('code' in cause && cause.code === 'ENOENT')) ({ cause } = cause)
    expect(cause).toMatchObject({ code: 'ENOENT' })
    expect(liveWorkers()).toEqual([])
  })

  test('5: a child whose init says skip is left out, and that is no error', async () => {
    const skipped = { init: () => 'skip' } as const
    await using app = await supervise({
      name: 'app',
      children: [child('kept', skipped), child('up'), child('gone', { ...skipped, restart: 'temporary' })],
    })
    expect(app.whichChildren().map(({ id, state }) => [id, state])).toEqual([
      ['kept', 'skipped'],
      ['up', 'up'],
    ])
    expect(app.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 })
    expect(app.worker('kept').current).toBe(undefined)
  })

  test('6: what is wrong with a spec is told before anything is started', async () => {
    using recorded = recordEvents({ types: ['worker.spawned'] })
    const wrong: [field: string, spec: object][] = [
      ['children[1].id', { children: [child('a'), child('a')] }],
      ['strategy', { strategy: 'one-for-none' }],
      ['children[0].worker', { children: [{ id: 'a', worker: { cwdd: '.' } }] }],
      [
        'children[0].worker',
        { children: [{ id: 'a', worker: {}, init: { module: './x.js', export: 'y' } }] },
      ],
      ['children[0].supervisor.maxRestarts', { children: [{ id: 'a', supervisor: { maxRestarts: -1 } }] }],
    ]
    for (const [field, spec] of wrong) {
      const error = await rejection(supervise(spec), SpecError)
      expect({ field: error.field, fault: error.fault }, field).toEqual({ field, fault: 'invalid' })
    }
    expect(recorded.events).toEqual([])
  })

  test('8: an id has one owner: who runs, or keeps its spec', async () => {
    await using app = await supervise({ name: 'app' })
    const first = await app.startChild(child('a'))
    const taken = await rejection(app.startChild(child('a')), SpecError)
    expect(taken).toMatchObject({ fault: 'taken', value: 'a', pid: first.pid })
    await app.terminateChild('a')
    expect(await rejection(app.startChild(child('a')), SpecError)).toMatchObject({ fault: 'present' })
    app.deleteChild('a')
    const second = await app.startChild(child('a'))
    expect(second.pid).not.toBe(first.pid)
  })

  test('a child that can not be started is not kept, and the others are not touched', async () => {
    await using app = await supervise({ name: 'app', children: [child('a')] })
    const before = app.worker('a').pid
    const slow = { ...quiet, runtimeEntry: new URL('../fixtures/worker/silent.cjs', import.meta.url) }
    await rejection(app.startChild({ id: 'b', worker: { ...slow, bootTimeoutMs: 200 } }), BootTimeoutError)
    expect(app.whichChildren().map(({ id, pid }) => [id, pid])).toEqual([['a', before]])
    expect(app.state).toBe('running')
  })
})

describe('the one tree', () => {
  test('every process of the host hangs in it', async () => {
    await using app = await supervise({
      name: 'app',
      children: [child('a'), { id: 'jobs', supervisor: { children: [child('parser')] } }],
    })
    await using worker = await quietWorker({ name: 'alone' })
    const tree = root().tree()
    expect(tree).toMatchObject({
      id: 'root',
      path: '',
      kind: 'supervisor',
      state: 'running',
      children: [
        {
          path: 'app',
          kind: 'supervisor',
          strategy: 'one-for-one',
          budget: { used: 0, maxRestarts: 3, periodMs: 5000 },
          children: [
            { path: 'app/a', kind: 'worker', state: 'up', workerState: 'idle', waitingCalls: 0 },
            { path: 'app/jobs', children: [{ path: 'app/jobs/parser', pid: app.worker('jobs/parser').pid }] },
          ],
        },
        { path: 'alone', kind: 'worker', restart: 'temporary', pid: worker.pid },
      ],
    })
    expect(JSON.parse(JSON.stringify(tree))).toMatchObject({ children: [{ id: 'app' }, { id: 'alone' }] })
    const all = [app.worker('a').pid, app.worker('jobs/parser').pid, worker.pid]
    expect(liveWorkers().map(({ pid }) => pid)).toEqual(all)
    await app.stop()
    await worker.stop()
    expect(liveWorkers()).toEqual([])
  })

  test('a name has one owner, and is free in the turn in which its owner is known to be dead', async () => {
    const first = await quietWorker({ name: 'kernel' })
    const refused = await rejection(quietWorker({ name: 'kernel' }), SpecError)
    expect(refused).toMatchObject({ fault: 'taken', field: 'name', value: 'kernel', pid: first.pid })
    expect(refused.message).toContain(`process ${first.pid}`)
    process.kill(first.pid, 'SIGKILL')
    await first.exited
    await using second = await quietWorker({ name: 'kernel' })
    expect(second.pid).not.toBe(first.pid)
    await rejection(supervise({ name: 'kernel' }), SpecError)
    await second.stop()
    await using app = await supervise({ name: 'kernel' })
    expect(app.path).toBe('kernel')
  })

  test('of those who want the name of one that has just died one gets it, and the tree ends', async () => {
    const first = await quietWorker({ name: 'kernel' })
    process.kill(first.pid, 'SIGKILL')
    await first.exited
    const both = await Promise.allSettled([quietWorker({ name: 'kernel' }), quietWorker({ name: 'kernel' })])
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(both[1]).toMatchObject({ reason: { name: 'SpecError', fault: 'taken', value: 'kernel' } })
    expect(liveWorkers().map(({ path }) => path)).toEqual(['kernel'])
    expect(await root().stop()).toMatchObject({ type: 'shutdown' })
  })

  test('a start under the name of one that has just died settles, though the tree is stopped in that turn', async () => {
    const first = await quietWorker({ name: 'kernel' })
    process.kill(first.pid, 'SIGKILL')
    await first.exited
    const start = rejection(quietWorker({ name: 'kernel' }), SpawnError)
    const stopped = root().stop()
    expect((await start).message).toContain('its supervisor ends')
    expect(await stopped).toMatchObject({ type: 'shutdown' })
    expect(liveWorkers()).toEqual([])
  })

  test('names that are not given are free ones', async () => {
    await using one = await spawnWorker(quiet)
    const [, number] = /^worker-(\d+)$/.exec(one.name) ?? []
    await using two = await quietWorker({ name: `worker-${Number(number) + 1}` })
    await using three = await spawnWorker(quiet)
    expect(three.name).toBe(`worker-${Number(number) + 2}`)
    expect(two.name).not.toBe(three.name)
  })

  test('it can be stopped as a whole, and is there again when it is needed', async () => {
    const worker = await quietWorker({ name: 'kernel' })
    const app = await supervise({ name: 'app', children: [child('a')] })
    const before = root()
    const stopping = before.stop()
    const refused = await rejection(quietWorker(), SpecError)
    expect(refused.fault).toBe('ended')
    expect(await stopping).toMatchObject({ type: 'shutdown' })
    expect([worker.state, app.state]).toEqual(['dead', 'dead'])
    await using next = await quietWorker({ name: 'kernel' })
    expect(next.state).toBe('idle')
    expect(
      root()
        .whichChildren()
        .map(({ id }) => id),
    ).toEqual(['kernel'])
  })

  test('a worker of the root that dies is not started again, and its place is gone', async () => {
    using recorded = recordEvents({ types: ['supervisor.childTerminated'] })
    const worker = await quietWorker({ name: 'kernel' })
    worker.kill()
    await worker.exited
    await until('it is gone', () => root().whichChildren().length === 0)
    expect(recorded.events).toMatchObject([{ path: '', child: { path: 'kernel' }, outcome: 'removed' }])
  })
})
