import {
  RestartLimitError,
  root,
  spawnWorker,
  SpecError,
  supervise,
  WorkerStoppedError,
  WorkerUnavailableError,
  type ExitReason,
} from 'maltster'
import { describe, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { waitUntilGone } from '../support/processes.ts'
import { child, killAndWait, moves, pids, quiet } from './supervision.ts'
import { ofType, recordEvents, rejection, until } from './workers.ts'

useLeakCheck()

/** It ends neither when it is asked to, nor by SIGTERM. */
const stubborn = (): void => {
  process.on('SIGTERM', () => {})
  process.on('exit', () => {
    for (;;);
  })
}

describe('shutdown', () => {
  test('41: in reverse order of the start; to stop twice is to stop once', async () => {
    const app = await supervise({ name: 'app', children: [child('a'), child('b'), child('c')] })
    using recorded = recordEvents({ path: 'app' })
    const [first, second] = await Promise.all([app.stop(), app.stop()])
    expect(first).toBe(second)
    expect(first).toMatchObject({ type: 'shutdown' })
    expect(moves(recorded.events)).toEqual(['c↓', 'b↓', 'a↓'])
    expect(ofType(recorded.events, 'worker.exited').map(({ reason }) => reason)).toMatchObject([
      { type: 'shutdown', exitCode: 0 },
      { type: 'shutdown', exitCode: 0 },
      { type: 'shutdown', exitCode: 0 },
    ])
    expect(await app.stop()).toBe(first)
  })

  test('42, 43: one that does not end is killed in its time, one with no time at once; the next follows', async () => {
    const app = await supervise({
      name: 'app',
      children: [
        child('a'),
        child('now', { shutdownMs: 0, init: stubborn }),
        child('late', { shutdownMs: 300, init: stubborn }),
      ],
    })
    using recorded = recordEvents({ path: 'app' })
    await app.stop()
    const exits = ofType(recorded.events, 'worker.exited')
    expect(exits.map(({ path, reason }) => [path, reason.signal])).toEqual([
      ['app/late', 'SIGKILL'],
      ['app/now', 'SIGKILL'],
      ['app/a', null],
    ])
    const stopping = ofType(recorded.events, 'worker.state').find(
      ({ path, to }) => path === 'app/late' && to === 'stopping',
    )
    expect(exits[0]!.timeMs - stopping!.timeMs).toBeGreaterThanOrEqual(290)
    expect(ofType(recorded.events, 'supervisor.shutdownError').map(({ child: { path } }) => path)).toContain(
      'app/late',
    )
  })

  test('44: who has all the time is waited for', async () => {
    const app = await supervise({ name: 'app', children: [child('slow', { shutdownMs: Infinity })] })
    const call = app
      .worker('slow')
      .call(() => new Promise((resolve) => setTimeout(() => resolve('done'), 1000)))
    await app.stop()
    expect(await call).toBe('done')
  })

  test('46: children that came at run time end beside each other', async () => {
    const app = await supervise({ name: 'app' })
    const handles = await Promise.all(
      ['a', 'b', 'c'].map((id) => app.startChild(child(id, { shutdownMs: 600, init: stubborn }))),
    )
    using recorded = recordEvents({ path: 'app' })
    await app.stop()
    const stopped = ofType(recorded.events, 'worker.state').filter(({ to }) => to === 'stopping')
    const exits = ofType(recorded.events, 'worker.exited')
    expect(stopped).toHaveLength(3)
    // All have been told before the first has ended.
    expect(Math.max(...stopped.map(({ seq }) => seq))).toBeLessThan(Math.min(...exits.map(({ seq }) => seq)))
    expect(exits.map(({ reason }) => reason.signal)).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL'])
    expect(handles.map(({ pid }) => pid)).toEqual([undefined, undefined, undefined])
  })

  test('48: what finishes in time resolves, the rest and all that comes later rejects', async () => {
    const app = await supervise({ name: 'app', children: [child('a', { shutdownMs: 2500 })] })
    const worker = app.worker('a')
    const sleep = (ms: number): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(ms), ms))
    const calls = [10, 50, 60_000].map((ms) => worker.call(sleep, [ms]))
    const settled = Promise.allSettled(calls)
    const stopping = app.stop()
    await rejection(worker.call(sleep, [1]), WorkerStoppedError)
    await stopping
    expect(await settled).toMatchObject([
      { status: 'fulfilled', value: 10 },
      { status: 'fulfilled', value: 50 },
      { status: 'rejected', reason: { code: 'ERR_MALTSTER_WORKER_STOPPED', executed: 'unknown' } },
    ])
  })

  test('48: what waits for a worker that is down is refused at once, be the end of others far', async () => {
    const app = await supervise({
      name: 'app',
      maxRestarts: 100,
      children: [
        {
          id: 'jobs',
          supervisor: {
            strategy: 'rest-for-one',
            periodMs: 60_000,
            backoff: { minMs: 60_000, maxMs: 60_000 },
            children: [child('a'), child('b')],
          },
        },
        child('last', { shutdownMs: 4000 }),
      ],
    })
    const [a, b] = [app.worker('jobs/a'), app.worker('jobs/b')]
    await killAndWait(a)
    await b.whenUp()
    process.kill(a.pid!, 'SIGKILL')
    await until('it backs off', () => a.state === 'backing-off' && b.state === 'waiting')
    const last = app.worker('last')
    const busy = last.call(() => new Promise((resolve) => setTimeout(resolve, 60_000)))
    const held = busy.catch((error: Error) => error.name)
    const calls = [a, b].map((handle) =>
      rejection(
        handle.call(() => 1),
        WorkerStoppedError,
      ),
    )
    const stopping = app.stop()
    expect(await Promise.all(calls)).toMatchObject([{ executed: 'no' }, { executed: 'no' }])
    await rejection(
      b.call(() => 1),
      WorkerStoppedError,
    )
    expect(last.state).toBe('stopping')
    await stopping
    expect(await held).toBe('WorkerStoppedError')
  })

  test('48: and so it is when what is above it has decided to give up, with the reason for that', async () => {
    const app = await supervise({
      name: 'app',
      maxRestarts: 2,
      periodMs: 600_000,
      backoff: { minMs: 60_000, maxMs: 60_000 },
      children: [child('last', { shutdownMs: 1000 }), child('a'), child('b')],
    })
    const [a, b, last] = [app.worker('a'), app.worker('b'), app.worker('last')]
    await killAndWait(a)
    process.kill(a.pid!, 'SIGKILL')
    await until('it backs off', () => a.state === 'backing-off')
    const held = rejection(
      last.call(() => new Promise((resolve) => setTimeout(resolve, 60_000))),
      WorkerStoppedError,
    )
    const waiting = rejection(
      a.call(() => 1),
      WorkerUnavailableError,
    )
    process.kill(b.pid!, 'SIGKILL')
    const { cause } = await waiting
    expect([app.state, last.state]).toEqual(['stopping', 'stopping'])
    expect(cause).toBeInstanceOf(RestartLimitError)
    expect(cause).toMatchObject({ worker: 'app', child: 'app/b' })
    await held
    expect(await app.exited).toMatchObject({ type: 'escalated', cause })
    const later = await rejection(
      last.call(() => 1),
      WorkerUnavailableError,
    )
    expect(later.cause).toBe(cause)
  })

  test('49: a worker in an endless loop does not hold it up, nor does this process stand still', async () => {
    const app = await supervise({ name: 'app', children: [child('busy', { shutdownMs: 500 })] })
    const { pid } = app.worker('busy')
    const call = rejection(
      app.worker('busy').call(() => {
        for (;;);
      }),
      WorkerStoppedError,
    )
    let turns = 0
    const ticking = setInterval(() => turns++, 10)
    await app.stop()
    clearInterval(ticking)
    await call
    await waitUntilGone(pid!)
    expect(turns).toBeGreaterThan(5)
  })

  test('await using stops it in order', async () => {
    using recorded = recordEvents({ path: 'app' })
    {
      await using app = await supervise({ name: 'app', children: [child('a'), child('b')] })
      expect(app.state).toBe('running')
    }
    expect(moves(recorded.events)).toEqual(['a↑', 'b↑', 'b↓', 'a↓'])
  })
})

describe('auto-shutdown', () => {
  test('51: it ends with the first significant child that ends by itself and does not come back', async () => {
    const app = await supervise({
      name: 'app',
      autoShutdown: 'any-significant',
      children: [child('a'), child('main', { restart: 'transient', significant: true })],
    })
    await killAndWait(app.worker('main'))
    await app.terminateChild('main')
    expect(app.state).toBe('running')
    await app.restartChild('main')
    using recorded = recordEvents({ path: 'app' })
    app.worker('main').cast(() => process.exit(0))
    expect(await app.exited).toMatchObject({ type: 'normal' })
    expect(moves(recorded.events)).toEqual(['main↓', 'a↓'])
    expect(ofType(recorded.events, 'supervisor.shutdown')).toMatchObject([{ because: 'autoShutdown' }])
  })

  test('52: or with the last of them; a significant supervisor passes it on', async () => {
    const significant = { restart: 'temporary', significant: true } as const
    const app = await supervise({
      name: 'app',
      autoShutdown: 'any-significant',
      children: [
        {
          id: 'jobs',
          ...significant,
          supervisor: {
            autoShutdown: 'all-significant',
            children: [child('one', significant), child('two', significant)],
          },
        },
      ],
    })
    const jobs = app.supervisor('jobs')
    app.worker('jobs/one').kill()
    await until('one is gone', () => jobs.countChildren().specs === 1)
    expect([jobs.state, app.state]).toEqual(['running', 'running'])
    app.worker('jobs/two').kill()
    expect(await app.exited).toMatchObject({ type: 'normal' })
  })
})

describe('administration', () => {
  test('53: each request has its answer', async () => {
    const app = await supervise({ name: 'app', children: [child('a')] })
    const { pid } = app.worker('a')
    expect(await rejection(app.restartChild('a'), SpecError)).toMatchObject({ fault: 'running', pid })
    expect(() => app.deleteChild('a')).toThrow(expect.objectContaining({ fault: 'running' }) as Error)
    await app.terminateChild('a')
    await app.terminateChild('a')
    expect(app.worker('a').state).toBe('stopped')
    const unknown = await rejection(app.terminateChild('b'), SpecError)
    expect(unknown).toMatchObject({ fault: 'not-found', value: 'b' })
    expect(unknown.message).toContain('`a`')
    app.deleteChild('a')
    expect(app.whichChildren()).toEqual([])
    await app.stop()
    expect(await rejection(app.startChild(child('c')), SpecError)).toMatchObject({ fault: 'ended' })
  })

  test('55: a monitor tells of the end of what lives, once, and at once of what does not', async () => {
    await using app = await supervise({ name: 'app', children: [child('a'), child('b')] })
    const told: string[] = []
    const tell =
      (who: string) =>
      ({ path, incarnation, reason }: { path: string; incarnation: number; reason: ExitReason | 'noproc' }) =>
        void told.push(`${who} ${path} ${incarnation} ${reason === 'noproc' ? reason : reason.type}`)
    app.monitor('a', tell('first'))
    app.monitor('a', tell('second'))
    app.monitor('a', tell('never'))[Symbol.dispose]()
    await killAndWait(app.worker('a'))
    await killAndWait(app.worker('a'))
    expect(told).toEqual(['first app/a 1 signal', 'second app/a 1 signal'])
    await app.terminateChild('b')
    app.monitor('b', tell('late'))
    app.monitor('c', tell('nobody'))
    await until('both are told', () => told.length === 4)
    expect(told.slice(2)).toEqual(['late app/b 1 noproc', 'nobody app/c 0 noproc'])
  })

  test('who has waited for the stop of a worker finds it stopped: its place, its name, and what waits for it', async () => {
    await using app = await supervise({ name: 'app', children: [child('a'), child('b')] })
    const a = app.worker('a')
    await a.current!.stop()
    expect(app.whichChildren().map(({ id, state }) => `${id} ${state}`)).toEqual(['a stopped', 'b up'])
    const error = await rejection(
      a.call(() => 1),
      WorkerStoppedError,
    )
    expect(error).toMatchObject({ worker: 'app/a', executed: 'no' })
    const own = await spawnWorker({ ...quiet, name: 'own' })
    await own.stop()
    expect(
      root()
        .whichChildren()
        .map(({ id }) => id),
    ).toEqual(['app'])
  })

  test('members of a pool are found by their own paths, and their pool keeps them', async () => {
    const jobs = { id: 'jobs', pool: { size: 1, worker: quiet } } as const
    const below = { id: 'below', supervisor: { children: [jobs] } } as const
    await using app = await supervise({ name: 'app', children: [jobs, below] })
    const member = app.worker('below/jobs/worker-1')
    expect(member).toBe([...app.pool('below/jobs')][0])
    const told: unknown[] = []
    app.monitor('jobs/worker-1', ({ path, reason }) => told.push(path, reason))
    app.monitor('jobs/worker-2', ({ path, reason }) => told.push(path, reason))
    await until('the one that is not there is told', () => told.length === 2)
    expect(told.splice(0)).toEqual(['app/jobs/worker-2', 'noproc'])
    await killAndWait(app.worker('jobs/worker-1'))
    expect(told).toEqual(['app/jobs/worker-1', expect.objectContaining({ type: 'signal' })])
    expect(() => app.deleteChild('jobs/worker-1')).toThrow(/member of a pool.*`resize`/)
    const { pid } = member
    await app.terminateChild('below/jobs/worker-1')
    expect(await app.pool('below/jobs').call(() => process.pid)).not.toBe(pid)
  })

  test('deaths while it is paused are one event', async () => {
    await using app = await supervise({
      name: 'app',
      strategy: 'rest-for-one',
      maxRestarts: 1,
      children: [child('a'), child('b'), child('c')],
    })
    const before = pids(app, 'a', 'b', 'c')
    app.pause()
    for (const id of ['c', 'a'] as const) {
      process.kill(before[id]!, 'SIGKILL')
      await waitUntilGone(before[id]!)
    }
    await until(
      'both are known',
      () => app.whichChildren().filter(({ state }) => state === 'up').length === 1,
    )
    app.resume()
    await until('all are back', () => app.countChildren().active === 3)
    expect(app.tree().budget.used).toBe(1)
    expect(app.worker('a').incarnation).toBe(2)
  })
})
