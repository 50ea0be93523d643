import { expect, it } from 'vitest'

import type { ChildSpec } from '../../../src/supervisor/spec/supervisor-spec.ts'
import { SimulatedTree } from '../../support/simulated-tree.ts'

const worker = (id: string, more: Partial<ChildSpec> = {}): ChildSpec => ({ id, worker: {}, ...more })
const incarnations = (world: SimulatedTree): Record<string, number> =>
  Object.fromEntries(world.app.whichChildren().map(({ id, incarnation }) => [id, incarnation]))

it('1: children start one after the other, in order', () => {
  const world = new SimulatedTree()
  const app = world.start({ children: ['a', 'b', 'c'].map((id) => worker(id)) })
  world.clock.runFor(100)
  expect(world.log).toEqual(['start a', 'up a', 'start b', 'up b', 'start c', 'up c'])
  expect(app.whichChildren().map(({ state }) => state)).toEqual(['up', 'up', 'up'])
  expect(new Set(app.whichChildren().map(({ pid }) => pid)).size).toBe(3)
  expect(app.state).toBe('running')
})

it('17: one-for-one brings back the one that died, and leaves the others alone', () => {
  const world = new SimulatedTree()
  world.started({ children: [worker('a'), worker('b')] })
  world.die('a')
  world.clock.runFor(100)
  expect(world.takeLog()).toEqual(['down a', 'start a', 'up a'])
  expect(incarnations(world)).toEqual({ a: 2, b: 1 })
})

it('18: one-for-all stops the others in reverse, and starts all in order; one restart counts', () => {
  const world = new SimulatedTree()
  const app = world.started({ strategy: 'one-for-all', children: [worker('a'), worker('b'), worker('c')] })
  world.die('b')
  world.clock.runFor(100)
  expect(world.takeLog()).toEqual([
    'down b',
    'stop c',
    'down c',
    'stop a',
    'down a',
    'start a',
    'up a',
    'start b',
    'up b',
    'start c',
    'up c',
  ])
  expect(app.tree().budget.used).toBe(1)
})

it('19: rest-for-one stops and starts those after it, whatever their names', () => {
  const world = new SimulatedTree()
  world.started({
    strategy: 'rest-for-one',
    children: ['m', 'b', 'z', 'a', 'k'].map((id) => worker(id)),
  })
  world.die('b')
  world.clock.runFor(100)
  const log = world.takeLog()
  expect(log.filter((line) => line.startsWith('stop'))).toEqual(['stop k', 'stop a', 'stop z'])
  expect(log.filter((line) => line.startsWith('up'))).toEqual(['up b', 'up z', 'up a', 'up k'])
  expect(incarnations(world)).toEqual({ m: 1, b: 2, z: 2, a: 2, k: 2 })
})

it('41: stops in the reverse order of start, and says the same to all who ask', async () => {
  const world = new SimulatedTree()
  const app = world.started({ children: ['a', 'b', 'c'].map((id) => worker(id)) })
  const stops = [app.stop(), app.stop()]
  world.clock.runFor(100)
  expect(world.takeLog()).toEqual(['stop c', 'down c', 'stop b', 'down b', 'stop a', 'down a'])
  const [first, second] = await Promise.all(stops)
  expect(first).toBe(second)
  expect(first?.type).toBe('shutdown')
  expect(app.state).toBe('dead')
  expect(world.clock.pending).toBe(0)
})

it('a group that goes down waits for a member that was told to end by somebody else', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ id }) => ({ stopMs: id === 'c' ? 50 : 1 })
  const app = world.started({ strategy: 'rest-for-one', children: ['a', 'b', 'c'].map((id) => worker(id)) })
  void app.terminateChild('c')
  world.die('a')
  world.clock.runFor(100)
  expect(world.takeLog()).toEqual([
    'stop c',
    'down a',
    'down c',
    'stop b',
    'down b',
    'start a',
    'up a',
    'start b',
    'up b',
  ])
})
