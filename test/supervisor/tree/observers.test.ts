import { describe, expect, test } from 'vitest'

import type { MaltsterEvent } from '../../../src/actors/events.ts'
import type { Supervisor } from '../../../src/supervisor/supervisor.ts'
import { SimulatedTree } from '../../support/simulated-tree.ts'

const strategies = ['one-for-one', 'one-for-all', 'rest-for-one'] as const

/** How a tree comes to emit such an event: `a` dies so often, of so many that may. */
const ways = {
  'supervisor.childTerminated': { deaths: 1, maxRestarts: 9 },
  'supervisor.backoff': { deaths: 2, maxRestarts: 9 },
  'supervisor.progress': { deaths: 1, maxRestarts: 9 },
  'supervisor.state': { deaths: 1, maxRestarts: 9 },
  'supervisor.startError': { deaths: 1, maxRestarts: 9, fails: true },
  'supervisor.gaveUp': { deaths: 1, maxRestarts: 0 },
  'supervisor.shutdown': { deaths: 1, maxRestarts: 0 },
} as const
const types = Object.keys(ways) as (keyof typeof ways)[]

type Act = (app: Supervisor) => Promise<unknown>

/** What an observer does at the first event of a type after the start; answers how that ended. */
async function actedAt(
  world: SimulatedTree,
  type: keyof typeof ways,
  strategy: (typeof strategies)[number],
  act: Act,
): Promise<string> {
  const { deaths, maxRestarts, fails } = { fails: false, ...ways[type] }
  const children = ['z', 'a', 'b'].map((id) => ({ id, worker: {} }))
  const app = world.started({
    strategy,
    maxRestarts,
    backoff: { minMs: 50, resetAfterMs: Infinity },
    children,
  })
  let outcome = 'no such event'
  world.stream.observe(
    (event: MaltsterEvent) => {
      if (outcome !== 'no such event' || event.type !== type) return
      outcome = 'never settled'
      act(app).then(
        () => (outcome = 'settled'),
        (error: Error) => (outcome = `refused: ${error.name}`),
      )
    },
    { types: [type] },
  )
  let left = fails ? 1 : 0
  world.behaviour = () => ({ boot: left-- > 0 ? 'fail' : 'ready' })
  for (let death = 0; death < deaths; death++) {
    world.die('a')
    world.clock.runFor(20)
  }
  world.clock.runFor(5000)
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  return outcome
}

const stateOf = (app: Supervisor, id: string): string | undefined =>
  app.whichChildren().find((child) => child.id === id)?.state

describe.each(strategies)('an observer of a %s supervisor', (strategy) => {
  test.each(types)('may stop it at %s', async (type) => {
    const world = new SimulatedTree()
    expect(await actedAt(world, type, strategy, (app) => app.stop())).toBe('settled')
    expect(world.app.state).toBe('dead')
    expect(world.alive).toEqual([])
  })

  test.each(types)('may have the dead child stopped at %s', async (type) => {
    const world = new SimulatedTree()
    expect(await actedAt(world, type, strategy, (app) => app.terminateChild('a'))).toBe('settled')
    expect(world.alive).not.toContain('a')
    if (world.app.state === 'dead') return
    expect(stateOf(world.app, 'a')).toBe('stopped')
    expect(world.alive).toEqual(['z', 'b'])
    expect(world.app.state).toBe('running')
  })

  test.each(types)('may have the dead child stopped and started again at %s', async (type) => {
    const world = new SimulatedTree()
    const act: Act = async (app) => {
      const stopped = app.terminateChild('a')
      await (stateOf(app, 'a') === 'stopped' ? app.restartChild('a') : stopped)
    }
    expect(await actedAt(world, type, strategy, act)).toMatch(/^settled$|^refused: SpawnError$|SpecError$/)
    if (world.app.state === 'dead') expect(world.alive).toEqual([])
    else expect(world.app.state).toBe('running')
  })

  test.each(types)('may start another child at %s', async (type) => {
    const world = new SimulatedTree()
    const outcome = await actedAt(world, type, strategy, (app) => app.startChild({ id: 'c', worker: {} }))
    if (world.app.state === 'dead') {
      expect(outcome).toMatch(/^refused: Sp/)
      expect(world.alive).toEqual([])
    } else {
      expect(outcome).toBe('settled')
      expect(world.alive.toSorted()).toEqual(['a', 'b', 'c', 'z'])
    }
  })
})

test('whoever monitors a child may stop the supervisor, or the child, when it ends', async () => {
  for (const act of [(app) => app.stop(), (app) => app.terminateChild('a')] satisfies Act[]) {
    const world = new SimulatedTree()
    const app = world.started({ children: [{ id: 'a', worker: {} }] })
    let isSettled = false
    app.monitor('a', () => void act(app).then(() => (isSettled = true)))
    world.die('a')
    world.clock.runFor(1000)
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    expect({ isSettled, alive: world.alive }).toEqual({ isSettled: true, alive: [] })
  }
})

test('a monitor that throws is a process warning; the others are told, and the child comes back', async () => {
  const warnings: string[] = []
  const listen = ({ message }: Error): void => void warnings.push(message)
  process.on('warning', listen)
  const world = new SimulatedTree()
  const app = world.started({ children: [{ id: 'a', worker: {} }] })
  const told: string[] = []
  const throws = (what: string) => (): never => {
    told.push(what)
    throw new Error(`${what} threw`)
  }
  app.monitor('a', throws('first'))
  app.monitor('a', () => void told.push('second'))
  app.monitor('nobody', throws('third'))
  world.die('a')
  world.clock.runFor(1000)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  expect(told.toSorted()).toEqual(['first', 'second', 'third'])
  expect(warnings.map((words) => words.split('\n')[0])).toEqual([
    'A monitor of app/a threw: Error: first threw',
    'A monitor of app/nobody threw: Error: third threw',
  ])
  expect(world.alive).toEqual(['a'])
  expect(stateOf(app, 'a')).toBe('up')
})
