import { expect, it } from 'vitest'

import type { MaltsterEvent } from '../../../src/actors/events.ts'
import type { ChildSpec } from '../../../src/supervisor/spec/supervisor-spec.ts'
import { SimulatedTree } from '../../support/simulated-tree.ts'

const worker = (id: string, more: Partial<ChildSpec> = {}): ChildSpec => ({ id, worker: {}, ...more })

/** What each event of these types was led to by: its type, and of whom. */
function causes(world: SimulatedTree, ...types: MaltsterEvent['type'][]): string[] {
  const name = (event: MaltsterEvent): string => {
    const about = 'child' in event ? ` ${event.child.id}` : event.path === 'app' ? '' : ` in ${event.path}`
    return `${event.type.replace('supervisor.', '')}${about}`
  }
  return world.events.flatMap((event) => {
    if (!types.includes(event.type)) return []
    const cause = world.events.find(({ seq }) => seq === event.cause)
    return [`${name(event)} < ${cause === undefined ? 'nothing' : name(cause)}`]
  })
}

it('of two that die at once each back-off is led to by its own death', () => {
  const world = new SimulatedTree()
  world.started({ maxRestarts: 9, children: [worker('a'), worker('b')] })
  for (const _ of [1, 2]) {
    world.die('a')
    world.die('b')
    world.clock.runFor(10)
  }
  expect(causes(world, 'supervisor.backoff')).toEqual([
    'backoff a < childTerminated a',
    'backoff b < childTerminated b',
  ])
})

it('a stop that somebody asked for is led to by nothing, whatever has died before', async () => {
  const world = new SimulatedTree()
  const app = world.started({ children: [worker('a')] })
  world.die('a')
  world.clock.runFor(10)
  void app.stop()
  world.clock.runOut()
  expect(causes(world, 'supervisor.shutdown')).toEqual(['shutdown < nothing'])
})

it('an end by the rules is led to by the event that tells of them, and leads to the death above', () => {
  const world = new SimulatedTree()
  const jobs = { maxRestarts: 0, children: [worker('a')] }
  world.started({ maxRestarts: 0, children: [{ id: 'jobs', supervisor: jobs }] })
  world.die('jobs/a')
  world.clock.runOut()
  const types = ['gaveUp', 'shutdown', 'childTerminated', 'escalated'] as const
  expect(causes(world, ...types.map((type) => `supervisor.${type}` as const))).toEqual([
    'childTerminated a < nothing',
    'gaveUp a < childTerminated a',
    'shutdown in app/jobs < gaveUp a',
    'childTerminated jobs < shutdown in app/jobs',
    'escalated jobs < childTerminated jobs',
    'gaveUp jobs < childTerminated jobs',
    'shutdown < gaveUp jobs',
  ])
})

it('a start that fails leads to the end of those before, and what was significant to the end of all', () => {
  const failed = new SimulatedTree()
  failed.behaviour = ({ id }) => ({ boot: id === 'b' ? 'fail' : 'ready' })
  failed.start({ children: [worker('a'), worker('b')] })
  failed.clock.runOut()
  expect(causes(failed, 'supervisor.shutdown')).toEqual(['shutdown < startError b'])
  const done = new SimulatedTree()
  const significant = worker('a', { restart: 'transient', significant: true })
  done.started({ autoShutdown: 'any-significant', children: [significant, worker('b')] })
  done.die('a', 'normal')
  done.clock.runOut()
  expect(causes(done, 'supervisor.shutdown')).toEqual(['shutdown < childTerminated a'])
})
