import { expect, it } from 'vitest'

import { RestartLimitError } from '../../../src/errors/supervision-errors.ts'
import type { ChildSpec } from '../../../src/supervisor/spec/supervisor-spec.ts'
import { SimulatedTree } from '../../support/simulated-tree.ts'

const worker = (id: string, more: Partial<ChildSpec> = {}): ChildSpec => ({ id, worker: {}, ...more })

it('42: a child that does not end in its time is killed then, and the next is told to end', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ id }) => ({ stopMs: id === 'b' ? Infinity : 1 })
  const app = world.started({ children: [worker('a'), worker('b', { shutdownMs: 100 })] })
  const from = world.clock.nowMs()
  void app.stop()
  world.clock.runUntil(from + 99.9)
  expect(world.takeLog()).toEqual(['stop b'])
  world.clock.runUntil(from + 100)
  expect(world.takeLog()).toEqual(['kill b', 'down b', 'stop a'])
  world.clock.runOut()
  expect(world.exit?.type).toBe('shutdown')
  expect(world.events.filter(({ type }) => type === 'supervisor.shutdownError')).toHaveLength(1)
})

it('43: a time of 0 kills at once, and nothing else is said', () => {
  const world = new SimulatedTree()
  const app = world.started({ children: [worker('a', { shutdownMs: 0 })] })
  void app.stop()
  world.clock.runOut()
  expect(world.takeLog()).toEqual(['kill a', 'down a'])
})

it('44: a time of Infinity is waited for; it is the default of a supervisor', () => {
  const world = new SimulatedTree()
  world.behaviour = () => ({ stopMs: 50_000 })
  const slow = [worker('x', { shutdownMs: Infinity })]
  const app = world.started({ children: [{ id: 'jobs', supervisor: { children: slow } }] })
  expect(app.whichChildren()).toMatchObject([{ shutdownMs: Infinity }])
  void app.stop()
  world.clock.runFor(49_999)
  expect(world.alive).toEqual(['jobs/x'])
  world.clock.runOut()
  expect(world.takeLog()).toEqual(['stop jobs/x', 'down jobs/x'])
})

it('45: a supervisor below that has less time kills what is left of its children', () => {
  const world = new SimulatedTree()
  world.behaviour = () => ({ stopMs: Infinity })
  const stuck = ['x', 'y'].map((id) => worker(id, { shutdownMs: Infinity }))
  const app = world.started({ children: [{ id: 'jobs', shutdownMs: 200, supervisor: { children: stuck } }] })
  void app.stop()
  world.clock.runFor(199)
  expect(world.takeLog()).toEqual(['stop jobs/y'])
  world.clock.runOut()
  expect(world.takeLog()).toEqual(['kill jobs/x', 'down jobs/x', 'kill jobs/y', 'down jobs/y'])
})

it('46: children that came at run time are stopped side by side, with one timer for each time they have', async () => {
  const world = new SimulatedTree()
  const stops: Record<string, number> = { a: 1000, b: 1000, c: 5000, first: 10 }
  world.behaviour = ({ id }) => ({ stopMs: stops[id]! })
  const app = world.started({ children: [worker('first')] })
  const starts = ['a', 'b', 'c'].map((id) => app.startChild(worker(id, { shutdownMs: 2000 })))
  world.clock.runFor(100)
  await Promise.all(starts)
  world.takeLog()
  const from = world.clock.nowMs()
  void app.stop()
  // Three ends, and one timer for all three.
  expect(world.clock.pending).toBe(3 + 1)
  world.clock.runFor(1999)
  expect(world.takeLog()).toEqual(['stop a', 'stop b', 'stop c', 'down a', 'down b'])
  world.clock.runOut()
  expect(world.takeLog()).toEqual(['kill c', 'down c', 'stop first', 'down first'])
  expect(world.clock.nowMs() - from).toBe(2010)
})

it('I: what dies by itself while its supervisor stops is neither restarted nor counted', () => {
  const world = new SimulatedTree()
  world.behaviour = () => ({ stopMs: 50 })
  const app = world.started({ maxRestarts: 0, children: [worker('a'), worker('c')] })
  void app.stop()
  world.die('a')
  world.clock.runOut()
  expect(world.takeLog()).toEqual(['stop c', 'down a', 'down c'])
  expect(world.exit?.type).toBe('shutdown')
})

it('51: any-significant ends with the first that ends by itself and is not restarted', async () => {
  const cases = [
    { restart: 'temporary', type: 'signal', ends: true },
    { restart: 'temporary', type: 'normal', ends: true },
    { restart: 'transient', type: 'normal', ends: true },
    { restart: 'transient', type: 'signal', ends: false },
    { restart: 'transient', type: 'shutdown', ends: false },
  ] as const
  for (const { restart, type, ends } of cases) {
    const world = new SimulatedTree()
    world.started({
      autoShutdown: 'any-significant',
      children: [worker('s', { restart, significant: true }), worker('t', { restart, significant: true })],
    })
    world.die('s', type)
    world.clock.runOut()
    expect(world.exit?.type, `${restart} ${type}`).toBe(ends ? 'normal' : undefined)
  }
  const world = new SimulatedTree()
  const app = world.started({
    autoShutdown: 'any-significant',
    strategy: 'one-for-all',
    children: [worker('s', { restart: 'temporary', significant: true }), worker('p')],
  })
  world.die('p')
  world.clock.runOut()
  expect(world.exit, 'stopped for a sibling').toBeUndefined()
  const again = app.startChild(worker('s', { restart: 'transient', significant: true }))
  world.clock.runOut()
  await again
  const stopped = app.terminateChild('s')
  world.clock.runOut()
  await stopped
  expect(world.exit, 'stopped on request').toBeUndefined()
})

it('52: all-significant ends with the last; a significant supervisor passes it on, another does not', () => {
  for (const significant of [true, false]) {
    const world = new SimulatedTree()
    const leaf = (id: string): ChildSpec => worker(id, { restart: 'temporary', significant: true })
    world.started({
      autoShutdown: 'all-significant',
      children: [
        {
          id: 'jobs',
          restart: 'transient',
          significant,
          supervisor: { autoShutdown: 'all-significant', children: [leaf('x'), leaf('y')] },
        },
        worker('other'),
      ],
    })
    world.die('jobs/x')
    world.clock.runOut()
    expect(world.alive).toEqual(['jobs/y', 'other'])
    world.die('jobs/y')
    world.clock.runOut()
    expect(world.exit?.type).toBe(significant ? 'normal' : undefined)
    expect(world.alive).toEqual(significant ? [] : ['other'])
  }
})

it('a supervisor that ended because all was done is brought back if it is permanent', () => {
  const world = new SimulatedTree()
  const done = worker('x', { restart: 'temporary', significant: true })
  const app = world.started({
    children: [{ id: 'jobs', supervisor: { autoShutdown: 'any-significant', children: [done] } }],
  })
  world.die('jobs/x', 'normal')
  world.clock.runFor(50)
  expect(app.supervisor('jobs').incarnation).toBe(2)
  expect(world.life('jobs/x')?.identity.incarnation).toBe(2)
})

it('48: who is down hears at once that nobody will start it again, however far down and far off its turn', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ id }) => ({ stopMs: id === 'last' ? 4000 : 1 })
  const app = world.started({
    children: [
      {
        id: 'jobs',
        supervisor: { strategy: 'rest-for-one', children: [worker('a'), worker('b'), worker('c')] },
      },
      worker('last'),
    ],
  })
  const jobs = app.supervisor('jobs')
  void jobs.terminateChild('c')
  world.clock.runFor(10)
  for (const _ of [1, 2]) {
    world.die('jobs/a')
    world.clock.runFor(10)
  }
  expect(jobs.whichChildren().map(({ state }) => state)).toEqual(['backing-off', 'waiting', 'stopped'])
  const told: unknown[] = []
  for (const id of ['a', 'b', 'c']) {
    const place = world.places.get(`app/jobs/${id}`)!
    place.subscribe(({ state }) => void told.push([id, state, place.status.leaving]))
  }
  void app.stop()
  expect(told).toEqual([
    ['a', 'backing-off', { failure: undefined }],
    ['b', 'waiting', { failure: undefined }],
  ])
  expect(world.takeLog().at(-1)).toBe('stop last')
  world.clock.runOut()
  expect(world.exit?.type).toBe('shutdown')
})

it.each([
  { restart: 'temporary', by: 'signal', told: 'failure' },
  { restart: 'transient', by: 'signal', told: 'nothing' },
  { restart: 'permanent', by: 'signal', told: 'nothing' },
  { restart: 'temporary', by: 'normal', told: 'end' },
  { restart: 'transient', by: 'normal', told: 'end' },
  { restart: 'permanent', by: 'normal', told: 'nothing' },
] as const)(
  '48: who is down hears it as soon as a $restart supervisor ends by itself for good ($by: $told)',
  ({ restart, by, told }) => {
    const world = new SimulatedTree()
    world.behaviour = ({ id }) => ({ stopMs: id === 'slow' ? 4000 : 1 })
    const last = worker('last', { restart: 'transient', significant: true })
    const children = [worker('slow'), worker('a'), last]
    const autoShutdown = 'any-significant'
    const backoff = { minMs: 60_000, maxMs: 60_000, jitter: 0 }
    const app = world.started({
      children: [{ id: 'jobs', restart, supervisor: { autoShutdown, maxRestarts: 2, backoff, children } }],
    })
    for (const _ of [1, 2]) {
      world.die('jobs/a')
      world.clock.runFor(10)
    }
    const place = world.places.get('app/jobs/a')!
    expect(place.status.state).toBe('backing-off')
    const heard: unknown[] = []
    place.subscribe(() => {
      const { leaving } = place.status
      heard.push(leaving === undefined ? 'nothing' : leaving.failure === undefined ? 'end' : 'failure')
    })
    world.die('jobs/last', by)
    world.clock.runFor(1)
    expect(app.supervisor('jobs').state).toBe('stopping')
    expect(heard[0]).toBe(told)
    if (told === 'failure') expect(place.status.leaving?.failure).toBeInstanceOf(RestartLimitError)
    world.clock.runFor(5000)
    const isBack = world.life('jobs/a') !== undefined
    expect(isBack).toBe(told === 'nothing')
  },
)
