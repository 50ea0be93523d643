import { expect, it } from 'vitest'

import { SpecError } from '../../../src/errors/supervision-errors.ts'
import { SpawnError } from '../../../src/errors/worker-errors.ts'
import type { ChildSpec, SupervisorSpec } from '../../../src/supervisor/spec/supervisor-spec.ts'
import type { ChildDown } from '../../../src/supervisor/supervisor.ts'
import { SimulatedTree } from '../../support/simulated-tree.ts'

const worker = (id: string, more: Partial<ChildSpec> = {}): ChildSpec => ({ id, worker: {}, ...more })

/** Lets time pass until a promise has settled. */
async function settled<T>(world: SimulatedTree, promise: Promise<T>): Promise<T | Error> {
  const outcome = promise.catch((error: unknown) => error as Error)
  world.clock.runFor(1000)
  return outcome
}

it('2: a child that fails at the start has those before it stopped, and those after it never started', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ id }) => ({ boot: id === 'c' ? 'fail' : 'ready' })
  world.start({ children: ['a', 'b', 'c', 'd'].map((id) => worker(id)) })
  world.clock.runOut()
  expect(world.log).toEqual([
    'start a',
    'up a',
    'start b',
    'up b',
    'start c',
    'down c',
    'stop b',
    'down b',
    'stop a',
    'down a',
  ])
  expect(world.failure).toBeInstanceOf(SpawnError)
  expect(world.failure).toMatchObject({ worker: 'app/c', cause: { message: 'app/c failed' } })
  expect(world.exit?.type).toBe('boot')
})

it('2: one that fails within its start is the same, and so is one deep below', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ id }) => ({ boot: id === 'x' ? 'fail' : 'ready', bootMs: 0, stopMs: 0 })
  world.start({
    children: [
      worker('a'),
      { id: 'jobs', supervisor: { children: [worker('x'), worker('y')] } },
      worker('d'),
    ],
  })
  world.clock.runOut()
  expect(world.log).toEqual(['start a', 'up a', 'start jobs/x', 'down jobs/x', 'stop a', 'down a'])
  expect(world.failure?.message).toMatch(/`app`.*`jobs`.*`app\/jobs`.*`x`.*app\/jobs\/x failed/)
})

it('4: children that don’t depend on each other may start side by side', () => {
  const world = new SimulatedTree()
  const spec: SupervisorSpec = { parallelStart: true, maxConcurrentBoots: 2 }
  world.start({ ...spec, children: ['a', 'b', 'c'].map((id) => worker(id)) })
  expect(world.takeLog()).toEqual(['start a', 'start b'])
  world.clock.runOut()
  expect(world.isReady).toBe(true)
})

it('5: a child whose init says skip is kept without a process, or forgotten if it is temporary', () => {
  for (const restart of ['permanent', 'temporary'] as const) {
    const world = new SimulatedTree()
    world.behaviour = ({ id }) => ({ boot: id === 's' ? 'skip' : 'ready' })
    const app = world.started({ children: [worker('a'), worker('s', { restart })] })
    const specs = restart === 'permanent' ? 2 : 1
    expect(app.countChildren()).toEqual({ specs, active: 1, supervisors: 0, workers: specs })
    const [, skipped] = app.whichChildren()
    if (restart === 'permanent') expect(skipped).toMatchObject({ state: 'skipped', pid: undefined })
  }
})

it('8: a name has one owner until its spec is deleted', async () => {
  const world = new SimulatedTree()
  const app = world.started({ children: [worker('a')] })
  const { pid } = app.whichChildren()[0]!
  expect(await settled(world, app.startChild(worker('a')))).toMatchObject({
    fault: 'taken',
    pid,
    field: 'id',
  })
  await settled(world, app.terminateChild('a'))
  expect(await settled(world, app.startChild(worker('a')))).toMatchObject({ fault: 'present' })
  app.deleteChild('a')
  expect(await settled(world, app.startChild(worker('a')))).toBe('a')
})

it('8: a child that can’t be started is not kept', async () => {
  const world = new SimulatedTree()
  world.behaviour = () => ({ boot: 'fail' })
  const app = world.start({})
  world.clock.runOut()
  expect(await settled(world, app.startChild(worker('a')))).toMatchObject({ message: 'app/a failed' })
  expect(app.whichChildren()).toEqual([])
  expect(app.state).toBe('running')
})

it('53: what can’t be done with a child is said by a word', async () => {
  const world = new SimulatedTree()
  const app = world.started({ children: [worker('a')], maxChildren: 2 })
  const fault = async (promise: Promise<unknown>): Promise<unknown> => {
    const error = await settled(world, promise)
    return error instanceof SpecError ? error.fault : error
  }
  expect(await fault(app.restartChild('a'))).toBe('running')
  expect(() => app.deleteChild('a')).toThrow(expect.objectContaining({ fault: 'running' }))
  expect(await fault(app.terminateChild('z'))).toBe('not-found')
  expect(await fault(app.restartChild('z'))).toBe('not-found')
  expect(() => app.worker('z')).toThrow(/no child `z`. It has `a`/)
  expect(() => app.supervisor('a')).toThrow(/`a` is a worker/)
  await settled(world, app.startChild(worker('b')))
  expect(await fault(app.startChild(worker('c')))).toBe('full')
  expect(await fault(app.startChild(worker('d', { pool: {} })))).toBe('invalid')
  expect(await fault(app.terminateChild('a'))).toBeUndefined()
  expect(await fault(app.terminateChild('a'))).toBeUndefined()
  const stopped = app.stop()
  world.clock.runOut()
  await stopped
  expect(await fault(app.startChild(worker('e')))).toBe('ended')
})

it('53: a child that is on its way back can neither be restarted nor deleted, and its name is taken', async () => {
  const world = new SimulatedTree()
  const backoff = { minMs: 60_000, maxMs: 60_000, jitter: 0 }
  const app = world.started({ backoff, children: [worker('a')] })
  for (const ms of [5, 5]) {
    world.die('a')
    world.clock.runFor(ms)
  }
  expect(await settled(world, app.restartChild('a'))).toMatchObject({ fault: 'restarting' })
  expect(() => app.deleteChild('a')).toThrow(expect.objectContaining({ fault: 'restarting' }))
  expect(await settled(world, app.startChild(worker('a')))).toMatchObject({ fault: 'present' })
})

it('55: a monitor tells once; at once if there is nobody; never if it is not wanted any more', async () => {
  const world = new SimulatedTree()
  const app = world.started({ children: [worker('a'), worker('b')] })
  const downs: ChildDown[] = []
  const unwanted = app.monitor('a', (down) => downs.push(down))
  app.monitor('a', (down) => downs.push(down))
  app.monitor('a', (down) => downs.push(down))
  unwanted[Symbol.dispose]()
  world.die('a')
  expect(downs).toMatchObject([
    { path: 'app/a', incarnation: 1, reason: { type: 'signal' } },
    { path: 'app/a', incarnation: 1, reason: { type: 'signal' } },
  ])
  world.clock.runFor(10)
  world.die('a')
  expect(downs).toHaveLength(2)
  const atOnce: ChildDown[] = []
  app.monitor('a', (down) => atOnce.push(down))
  app.monitor('nobody', (down) => atOnce.push(down))
  app.monitor('nobody', (down) => atOnce.push(down))[Symbol.dispose]()
  await Promise.resolve()
  expect(atOnce).toEqual([
    { path: 'app/a', incarnation: 2, reason: 'noproc' },
    { path: 'app/nobody', incarnation: 0, reason: 'noproc' },
  ])
})

it('N: no question waits for a child that is slow to end or to boot', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ incarnation }) => ({ stopMs: 4000, bootMs: incarnation === 1 ? 1 : 4000 })
  const app = world.started({ strategy: 'one-for-all', children: [worker('a'), worker('b')] })
  world.die('a')
  world.clock.runFor(1)
  expect(app.whichChildren().map(({ state }) => state)).toEqual(['waiting', 'stopping'])
  expect(app.countChildren().active).toBe(0)
  expect(app.tree()).toMatchObject({
    state: 'restarting',
    children: [{ id: 'a' }, { id: 'b', state: 'stopping' }],
  })
  world.clock.runFor(4001)
  expect(app.whichChildren().map(({ state }) => state)).toEqual(['starting', 'waiting'])
})

it('while it is paused deaths are kept, and count as one event when it goes on', () => {
  const world = new SimulatedTree()
  const app = world.started({ strategy: 'one-for-all', maxRestarts: 1, children: [worker('a'), worker('b')] })
  app.pause()
  world.die('b')
  world.clock.runFor(500)
  world.die('a')
  world.clock.runFor(500)
  expect(app.state).toBe('paused')
  expect(world.alive).toEqual([])
  app.resume()
  world.clock.runFor(100)
  expect(world.alive).toEqual(['a', 'b'])
  expect(app.tree().budget.used).toBe(1)
})

it('a place follows its child through the restart of its supervisor, to the end', async () => {
  const world = new SimulatedTree()
  world.started({
    backoff: { minMs: 100, jitter: 0 },
    children: [{ id: 'jobs', supervisor: { maxRestarts: 0, children: [worker('x'), worker('y')] } }],
  })
  const states: string[] = []
  const watch = (): void => {
    const place = world.places.get('app/jobs/y')!
    place.subscribe(({ state, incarnation }) => states.push(`${state} ${incarnation}`))
  }
  watch()
  world.die('jobs/x')
  world.clock.runFor(1)
  expect(states).toEqual(['stopping 1', 'waiting 1'])
  watch()
  world.clock.runFor(50)
  expect(states.slice(2)).toEqual(['starting 2', 'up 2'])
  world.die('jobs/x')
  world.clock.runFor(5)
  // The supervisor backs off, and so its children are shown.
  expect(world.places.get('app/jobs/y')!.status).toMatchObject({ state: 'backing-off' })
  const stopped = world.app.stop()
  world.clock.runOut()
  await stopped
  expect(states.at(-1)).toBe('removed 2')
})

it('what was stopped on purpose is so as soon as its end is known, whatever else ends in that turn', () => {
  const world = new SimulatedTree()
  const children = [worker('a'), worker('b'), worker('t', { restart: 'temporary' }), worker('d')]
  const app = world.started({ strategy: 'one-for-all', children })
  const states = (): string[] => app.whichChildren().map(({ id, state }) => `${id} ${state}`)
  world.die('a')
  world.die('b', 'shutdown')
  world.die('t', 'shutdown')
  expect(states()).toEqual(['a waiting', 'b stopped', 'd up'])
  world.clock.runFor(100)
  expect(states()).toEqual(['a up', 'b stopped', 'd up'])
  expect(app.tree().budget.used).toBe(1)
  app.pause()
  world.die('d', 'shutdown')
  expect(states()).toEqual(['a up', 'b stopped', 'd waiting'])
  app.resume()
  world.clock.runFor(100)
  expect(states()).toEqual(['a up', 'b stopped', 'd stopped'])
})

it('where each is decided about by itself, a stop on purpose waits for those that ended before it', () => {
  const world = new SimulatedTree()
  const significant = { restart: 'transient', significant: true } as const
  const children = [worker('a', significant), worker('b', significant)]
  world.started({ coalesce: false, autoShutdown: 'all-significant', children })
  world.die('a', 'normal')
  world.die('b', 'shutdown')
  // When `a` ended there was another one yet.
  expect(world.app.whichChildren().map(({ state }) => state)).toEqual(['waiting', 'waiting'])
  world.clock.runFor(100)
  expect(world.app.whichChildren().map(({ state }) => state)).toEqual(['finished', 'stopped'])
})

it('a path that leads into another host is refused, with the way to it; nobody is told that it is not there', async () => {
  const world = new SimulatedTree()
  const app = world.started({ children: [{ id: 'jobs', supervisor: { children: [worker('outer')] } }] })
  const path = 'jobs/outer/app/x'
  const refused = expect.objectContaining({
    name: 'SpecError',
    fault: 'not-found',
    value: path,
    message: expect.stringMatching(
      /`jobs\/outer` is a worker.*another host.*`app\/x`.*worker\('jobs\/outer'\)\.call/,
    ),
  })
  expect(() => app.worker(path as never)).toThrow(refused)
  expect(() => app.monitor(path, () => expect.unreachable())).toThrow(refused)
  expect(() => app.deleteChild(path)).toThrow(refused)
  await expect(app.terminateChild(path)).rejects.toThrow(refused)
  await expect(app.restartChild(path)).rejects.toThrow(refused)
})

it('an id that is no text is a TypeError that says so', async () => {
  const world = new SimulatedTree()
  const app = world.started({ children: [worker('a')] })
  for (const id of [undefined, null, 3, {}] as never[]) {
    for (const name of ['worker', 'pool', 'supervisor', 'deleteChild'] as const) {
      expect(() => app[name](id)).toThrow(/^Expected an id or a path, got/)
    }
    expect(() => app.monitor(id, () => {})).toThrow(TypeError)
    await expect(app.terminateChild(id)).rejects.toThrow(TypeError)
    await expect(app.restartChild(id)).rejects.toThrow(TypeError)
  }
})

it('a child whose spec was deleted is not there either when its supervisor is started again', async () => {
  const world = new SimulatedTree()
  const children = [worker('a'), worker('b'), worker('c')]
  const app = world.started({ children: [{ id: 'jobs', supervisor: { maxRestarts: 0, children } }] })
  const jobs = app.supervisor('jobs')
  for (const id of ['b', 'c']) {
    await settled(world, jobs.terminateChild(id))
    jobs.deleteChild(id)
  }
  // The id is free, and who has it now comes at run time: it is not restored.
  await settled(world, jobs.startChild(worker('b')))
  expect(jobs.whichChildren().map(({ id }) => id)).toEqual(['a', 'b'])
  world.die('jobs/a')
  world.clock.runFor(1000)
  expect(jobs.whichChildren().map(({ id, state }) => `${id} ${state}`)).toEqual(['a up'])
})

it('a child below a supervisor that was stopped is down, and can be deleted; it does not come back', async () => {
  const world = new SimulatedTree()
  const app = world.started({
    children: [{ id: 'jobs', supervisor: { children: [worker('a'), worker('b')] } }],
  })
  await settled(world, app.terminateChild('jobs'))
  const jobs = app.supervisor('jobs')
  expect(jobs.whichChildren().map(({ id, state }) => `${id} ${state}`)).toEqual(['a stopped', 'b stopped'])
  app.deleteChild('jobs/a')
  expect(jobs.whichChildren().map(({ id }) => id)).toEqual(['b'])
  await settled(world, app.restartChild('jobs'))
  expect(jobs.whichChildren().map(({ id, state }) => `${id} ${state}`)).toEqual(['b up'])
  expect(() => app.deleteChild('jobs/b')).toThrow('it is up')
})
