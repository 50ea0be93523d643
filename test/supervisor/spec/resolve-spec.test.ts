import { expect, it } from 'vitest'

import { SpecError } from '../../../src/errors/supervision-errors.ts'
import type { SupervisorSpec } from '../../../src/supervisor/spec/supervisor-spec.ts'
import { SimulatedTree } from '../../support/simulated-tree.ts'

function faultOf(spec: unknown): SpecError {
  const world = new SimulatedTree()
  try {
    world.start(spec as SupervisorSpec)
  } catch (error) {
    expect(error).toBeInstanceOf(SpecError)
    expect(world.log).toEqual([])
    expect(world.clock.pending).toBe(0)
    return error as SpecError
  }
  throw new Error('It was taken as right.')
}

const child = (more: object): object => ({ children: [{ id: 'a', worker: {}, ...more }] })

it.each([
  [{ strategy: 'one-for-al' }, 'strategy', /'one-for-all'/],
  [{ maxRestarts: -1 }, 'maxRestarts', /at least 0/],
  [{ maxRestarts: Infinity }, 'maxRestarts', /never gives up/],
  [{ periodMs: 0 }, 'periodMs', /over 0/],
  [{ periodMs: '5s' }, 'periodMs', /got `"5s"` \(string\)/],
  [{ backoff: { minMs: 100, maxMs: 10 } }, 'backoff.maxMs', /at least `minMs`/],
  [{ backoff: { jitter: 2 } }, 'backoff.jitter', /from 0 to 1/],
  [{ backoff: { factor: 0.5 } }, 'backoff.factor', /at least 1/],
  [{ maxRestart: 3 }, 'maxRestart', /Did you mean `maxRestarts`/],
  [{ name: 'a/b' }, 'name', /slash/],
  [{ maxChildren: 0 }, 'maxChildren', /at least 1/],
  [{ maxConcurrentBoots: 0 }, 'maxConcurrentBoots', /at least 1/],
  [{ children: {} }, 'children', /an array/],
  [
    {
      children: [
        { id: 'a', worker: {} },
        { id: 'a', worker: {} },
      ],
    },
    'children[1].id',
    /unique.*children\[0\]/,
  ],
  [{ children: [null] }, 'children[0]', /an object/],
  [{ children: Array(1) }, 'children[0]', /an object/],
  [{ children: [{ worker: {} }] }, 'children[0].id', /its name/],
  [{ children: [{ id: 'a' }] }, 'children[0]', /none of them/],
  [{ children: [{ id: 'a', worker: {}, pool: {} }] }, 'children[0]', /`worker` and `pool`/],
  [child({ shutdownMs: -10 }), 'children[0].shutdownMs', /0 to/],
  [child({ restart: 'always' }), 'children[0].restart', /'permanent' or/],
  [{ strategy: 'one-for-all', parallelStart: true }, 'parallelStart', /one-for-all.*in order/],
  [{ strategy: 'rest-for-one', parallelStart: true }, 'parallelStart', /rest-for-one/],
  [child({ significant: true }), 'children[0].significant', /always restarted/],
  [child({ significant: true, restart: 'transient' }), 'children[0].significant', /autoShutdown/],
  [
    { maxChildren: 1, children: [1, 2].map((id) => ({ id: `${id}`, worker: {} })) },
    'children',
    /maxChildren/,
  ],
  [
    { children: [{ id: 'j', supervisor: { children: [{ id: 'x', worker: {}, restarts: 1 }] } }] },
    'children[0].supervisor.children[0].restarts',
    /Did you mean `restart`/,
  ],
  [{ children: [{ id: 'j', supervisor: { name: 'k' } }] }, 'children[0].supervisor.name', /its id/],
  [{ children: [{ id: 'j', supervisor: {}, init: () => {} }] }, 'children[0].init', /only a worker/],
  [{ children: [{ id: 'p', pool: {} }] }, 'children[0].pool', /no pool in a simulation/],
])('6: %j', (spec, field, message) => {
  const error = faultOf(spec)
  expect(error.fault).toBe('invalid')
  expect(error.field).toBe(field)
  expect(error.message).toContain(field)
  expect(error.message).toMatch(message)
})

it('7: what the defaults are', () => {
  const app = new SimulatedTree().start({
    children: [
      { id: 'a', worker: {} },
      { id: 'j', supervisor: {} },
    ],
  })
  expect(app.whichChildren()).toMatchObject([
    { id: 'a', kind: 'worker', restart: 'permanent', shutdownMs: 5000, significant: false },
    { id: 'j', kind: 'supervisor', restart: 'permanent', shutdownMs: Infinity },
  ])
  expect(app.tree()).toMatchObject({
    strategy: 'one-for-one',
    budget: { used: 0, maxRestarts: 3, periodMs: 5000 },
  })
})

/** A supervisor in a supervisor, and so on. */
function nested(depth: number, innermost: object): SupervisorSpec {
  let spec: SupervisorSpec = innermost
  for (let level = 1; level < depth; level++) spec = { children: [{ id: 's', supervisor: spec }] }
  return spec
}

it('supervisors a hundred deep start, back off, and stop, also from deep in a stack', async () => {
  const world = new SimulatedTree()
  const innermost = { maxRestarts: 9, children: [{ id: 'a', worker: {} }] }
  const app = world.started(nested(100, innermost))
  const path = `${'s/'.repeat(99)}a`
  expect(world.alive).toEqual([path])
  for (const _ of [1, 2]) {
    world.die(path)
    world.clock.runFor(5)
  }
  expect(world.places.get(`app/${path}`)?.status.state).toBe('backing-off')
  const deep = (frames: number): unknown => (frames === 0 ? app.stop() : [deep(frames - 1)])
  deep(2000)
  world.clock.runOut()
  expect(world.exit?.type).toBe('shutdown')
})

it('deeper ones are refused before anything starts, as is a spec that contains itself', async () => {
  const error = faultOf(nested(101, {}))
  expect(error).toMatchObject({ fault: 'invalid', value: {} })
  expect(error.message).toMatch(/nested 100 deep.*`supervise`/)
  const itself: { children: object[] } = { children: [] }
  itself.children.push({ id: 's', supervisor: itself })
  expect(faultOf(itself).message).toContain('contain itself')
  const world = new SimulatedTree()
  const app = world.started(nested(99, {}))
  const last = app.supervisor('s/'.repeat(98).slice(0, -1))
  const deepest = last.startChild({ id: 'a', supervisor: {} })
  world.clock.runFor(10)
  const refused = (await deepest).startChild({ id: 'b', supervisor: {} })
  await expect(refused).rejects.toMatchObject({ name: 'SpecError', fault: 'invalid' })
})
