import { expect, it } from 'vitest'

import { RestartLimitError } from '../../../src/errors/supervision-errors.ts'
import type { ChildSpec, SupervisorSpec } from '../../../src/supervisor/spec/supervisor-spec.ts'
import { SimulatedTree } from '../../support/simulated-tree.ts'

const worker = (id: string, more: Partial<ChildSpec> = {}): ChildSpec => ({ id, worker: {}, ...more })
const atOnce = { minMs: 0 }

/** Has the first child die so often, with so long from death to death. */
function crashes(spec: SupervisorSpec, times: number, everyMs: number): SimulatedTree {
  const world = new SimulatedTree()
  world.started({ backoff: atOnce, children: [worker('a')], ...spec })
  for (let death = 0; death < times && world.exit === undefined; death++) {
    world.die('a')
    world.clock.runFor(everyMs)
  }
  return world
}

it('29: two restarts in the period are fine if two are allowed, and the third is not', () => {
  expect(crashes({ maxRestarts: 2, periodMs: 1000 }, 2, 100).exit).toBeUndefined()
  const { exit } = crashes({ maxRestarts: 2, periodMs: 1000 }, 3, 100)
  expect(exit?.type).toBe('escalated')
  expect(exit?.cause).toBeInstanceOf(RestartLimitError)
  expect((exit!.cause as RestartLimitError).history).toHaveLength(3)
})

it('30: with none allowed the first restartable death is the end, and others are not', () => {
  expect(crashes({ maxRestarts: 0 }, 1, 10).exit?.type).toBe('escalated')
  for (const [restart, type] of [
    ['temporary', 'signal'],
    ['transient', 'normal'],
  ] as const) {
    const world = new SimulatedTree()
    world.started({ maxRestarts: 0, children: [worker('a', { restart })] })
    world.die('a', type)
    world.clock.runFor(100)
    expect(world.exit).toBeUndefined()
  }
})

it('31: the window is half-open and exact to the millisecond, whatever its phase', () => {
  for (const phaseMs of [0, 1, 250, 499.5, 999]) {
    for (const [gapMs, isAlive] of [
      [999, false],
      [999.999, false],
      [1000, true],
      [1001, true],
    ] as const) {
      const world = new SimulatedTree()
      world.started({ maxRestarts: 1, periodMs: 1000, backoff: atOnce, children: [worker('a')] })
      world.clock.runUntil(10_000 + phaseMs)
      world.die('a')
      world.clock.runUntil(10_000 + phaseMs + gapMs)
      world.die('a')
      world.clock.runFor(10)
      expect(world.exit === undefined, `${gapMs} ms apart at ${phaseMs}`).toBe(isAlive)
    }
  }
})

it('32: crashes further apart than the period never add up', () => {
  expect(crashes({ maxRestarts: 1, periodMs: 1000 }, 40, 1001).exit).toBeUndefined()
})

it('33: failed boots count: five allowed are six lives', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ incarnation }) => ({ boot: incarnation === 1 ? 'ready' : 'fail' })
  world.started({ maxRestarts: 5, backoff: atOnce, children: [worker('a')] })
  world.die('a')
  world.clock.runFor(1000)
  expect(world.log.filter((line) => line === 'start a')).toHaveLength(5)
  expect(world.exit?.type).toBe('escalated')
})

it('a window for each child, where restarts are counted by child', () => {
  const world = new SimulatedTree()
  const app = world.started({
    maxRestarts: 1,
    intensityScope: 'child',
    children: [worker('a'), worker('b')],
  })
  world.die('a')
  world.die('b')
  world.clock.runFor(100)
  expect(app.state).toBe('running')
  expect(app.tree().budget.used).toBe(2)
  world.die('b')
  world.clock.runFor(100)
  expect((world.exit!.cause as RestartLimitError).child).toBe('app/b')
})

it('B: of two that die at once under one-for-one both count', () => {
  const world = new SimulatedTree()
  world.started({ maxRestarts: 1, children: [worker('a'), worker('b')] })
  world.die('a')
  world.die('b')
  world.clock.runFor(100)
  expect(world.exit?.type).toBe('escalated')
})

it.each([
  { coalesce: true, order: ['a', 'c'], isAlive: true },
  { coalesce: true, order: ['c', 'a'], isAlive: true },
  { coalesce: false, order: ['a', 'c'], isAlive: true },
  { coalesce: false, order: ['c', 'a'], isAlive: false },
])('D: rest-for-one, $order at once, coalesce $coalesce', ({ coalesce, order, isAlive }) => {
  const world = new SimulatedTree()
  world.started({
    strategy: 'rest-for-one',
    maxRestarts: 1,
    coalesce,
    children: [worker('a'), worker('b'), worker('c')],
  })
  for (const id of order) world.die(id)
  world.clock.runFor(100)
  expect(world.exit === undefined).toBe(isAlive)
  if (isAlive) expect(world.alive).toEqual(['a', 'b', 'c'])
})

it('C: one-for-all takes a second death of the same turn as part of the first', () => {
  const world = new SimulatedTree()
  world.started({
    strategy: 'one-for-all',
    maxRestarts: 1,
    children: ['a', 'b', 'c'].map((id) => worker(id)),
  })
  world.die('c')
  world.die('a')
  world.clock.runFor(100)
  expect(world.app.tree().budget.used).toBe(1)
  expect(world.alive).toEqual(['a', 'b', 'c'])
})

it('34: a supervisor that gives up is abnormal to its parent, and its cause leads to the leaf', () => {
  const world = new SimulatedTree()
  const leaves = { maxRestarts: 0, children: [worker('leaf')] }
  const app = world.started({
    maxRestarts: 1,
    backoff: atOnce,
    children: [{ id: 'jobs', restart: 'transient', supervisor: leaves }, worker('other')],
  })
  world.die('jobs/leaf')
  world.clock.runFor(100)
  expect(app.supervisor('jobs').incarnation).toBe(2)
  expect(world.life('jobs/leaf')?.identity.incarnation).toBe(2)
  expect(world.life('other')?.identity.incarnation).toBe(1)
  world.die('jobs/leaf', 'out-of-memory')
  world.clock.runFor(100)
  const error = world.exit!.cause as RestartLimitError
  expect(error.child).toBe('app/jobs')
  expect(error.reason.type).toBe('escalated')
  expect(error.cause).toBeInstanceOf(RestartLimitError)
  expect(error.leaf).toMatchObject({ path: 'app/jobs/leaf', reason: { type: 'out-of-memory' } })
  expect(world.events.map(({ type }) => type)).toContain('supervisor.escalated')
  expect(world.events.map(({ type }) => type)).toContain('supervisor.gaveUp')
})

it('W: two levels of three restarts are sixteen lives of the leaf', () => {
  const world = new SimulatedTree()
  world.started({
    backoff: atOnce,
    children: [{ id: 'jobs', supervisor: { backoff: atOnce, children: [worker('leaf')] } }],
  })
  let lives = 0
  for (; world.exit === undefined && lives < 100; lives++) {
    world.die('jobs/leaf')
    world.clock.runFor(10)
  }
  expect(lives).toBe(16)
})

it('37: a child that never comes up does not keep others from coming back', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ id, incarnation }) => ({ boot: id === 'bad' && incarnation > 1 ? 'fail' : 'ready' })
  const app = world.started({ maxRestarts: 1000, children: [worker('bad'), worker('good')] })
  world.die('bad')
  world.clock.runFor(2000)
  world.die('good')
  world.clock.runFor(10)
  expect(app.whichChildren()).toMatchObject([
    { id: 'bad', state: 'backing-off' },
    { id: 'good', state: 'up', incarnation: 2 },
  ])
  const { length } = world.log.filter((line) => line === 'start bad')
  expect(length).toBeLessThan(10)
})
