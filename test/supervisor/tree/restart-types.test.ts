import { expect, it } from 'vitest'

import type { ExitType } from '../../../src/errors/exit-reason.ts'
import type { ChildSpec, RestartType } from '../../../src/supervisor/spec/supervisor-spec.ts'
import { SimulatedTree } from '../../support/simulated-tree.ts'

const worker = (id: string, more: Partial<ChildSpec> = {}): ChildSpec => ({ id, worker: {}, ...more })

const deaths: readonly ExitType[] = [
  'normal',
  'exit',
  'signal',
  'killed',
  'out-of-memory',
  'unresponsive',
  'transport',
]
const isBack: Record<RestartType, (death: ExitType) => boolean> = {
  permanent: () => true,
  transient: (death) => death !== 'normal',
  temporary: () => false,
}

for (const restart of ['permanent', 'transient', 'temporary'] as const) {
  const number = { permanent: 10, transient: 11, temporary: 12 }[restart]
  it.each(deaths)(`${number}: a ${restart} child that ends by "%s"`, (death) => {
    const world = new SimulatedTree()
    const app = world.started({ children: [worker('a', { restart }), worker('b')] })
    world.die('a', death)
    world.clock.runFor(100)
    expect(world.alive.includes('a')).toBe(isBack[restart](death))
    const [a] = app.whichChildren().filter(({ id }) => id === 'a')
    if (restart === 'temporary') expect(a).toBeUndefined()
    else
      expect(a).toMatchObject(
        isBack[restart](death) ? { state: 'up', incarnation: 2 } : { state: 'finished' },
      )
  })
}

it('11: a transient child that has finished can be started again', async () => {
  const world = new SimulatedTree()
  const app = world.started({ children: [worker('a', { restart: 'transient' })] })
  world.die('a', 'normal')
  world.clock.runFor(10)
  const back = app.restartChild('a')
  world.clock.runFor(10)
  await back
  expect(app.whichChildren()).toMatchObject([{ state: 'up', incarnation: 2 }])
})

it('12: the id of a temporary child is free when it is gone', async () => {
  const world = new SimulatedTree()
  const app = world.started({ children: [worker('a', { restart: 'temporary' })] })
  world.die('a')
  world.clock.runFor(10)
  expect(app.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 })
  const again = app.startChild(worker('a'))
  world.clock.runFor(10)
  await again
  expect(world.alive).toEqual(['a'])
})

it.each(['permanent', 'transient', 'temporary'] as const)(
  'a %s child that somebody stopped by itself stays down, and nothing is counted',
  (restart) => {
    const world = new SimulatedTree()
    const app = world.started({ maxRestarts: 0, children: [worker('a', { restart })] })
    world.die('a', 'shutdown')
    world.clock.runFor(100)
    expect(world.alive).toEqual([])
    expect(app.state).toBe('running')
    expect(app.whichChildren().map(({ state }) => state)).toEqual(restart === 'temporary' ? [] : ['stopped'])
  },
)

it('22: a temporary child that is stopped for its sibling is not brought back', () => {
  const world = new SimulatedTree()
  const app = world.started({
    strategy: 'one-for-all',
    children: [worker('a'), worker('t', { restart: 'temporary' }), worker('b')],
  })
  world.die('a')
  world.clock.runFor(100)
  expect(world.alive).toEqual(['a', 'b'])
  expect(app.state).toBe('running')
})

it.each(['one-for-all', 'rest-for-one'] as const)(
  '23: under %s a temporary death touches nobody',
  (strategy) => {
    const world = new SimulatedTree()
    const app = world.started({
      strategy,
      maxRestarts: 0,
      children: [worker('t', { restart: 'temporary' }), worker('a')],
    })
    world.takeLog()
    world.die('t')
    world.clock.runFor(100)
    expect(world.takeLog()).toEqual(['down t'])
    expect(app.state).toBe('running')
  },
)

it.each([false, true])(
  '28: what had ended stays down in a restart of all; resurrect: %s',
  async (resurrect) => {
    const world = new SimulatedTree()
    const app = world.started({
      strategy: 'one-for-all',
      resurrect,
      children: [worker('a'), worker('f', { restart: 'transient' }), worker('s')],
    })
    world.die('f', 'normal')
    const stopped = app.terminateChild('s')
    world.clock.runFor(10)
    await stopped
    world.die('a')
    world.clock.runFor(100)
    expect(world.alive).toEqual(resurrect ? ['a', 'f', 's'] : ['a'])
  },
)

it('a child that was stopped stays down when its supervisor is restarted', async () => {
  const world = new SimulatedTree()
  const app = world.started({
    children: [
      { id: 'jobs', supervisor: { maxRestarts: 0, children: [worker('a'), worker('b'), worker('c')] } },
    ],
  })
  const stopped = app.terminateChild('jobs/b')
  world.clock.runFor(10)
  await stopped
  world.die('jobs/a')
  world.clock.runFor(100)
  expect(world.alive).toEqual(['jobs/a', 'jobs/c'])
  expect(app.supervisor('jobs').incarnation).toBe(2)
  expect(app.supervisor('jobs').whichChildren()).toMatchObject([
    { id: 'a', state: 'up', incarnation: 2 },
    { id: 'b', state: 'stopped', incarnation: 1 },
    { id: 'c', state: 'up', incarnation: 2 },
  ])
})
