import { expect, it } from 'vitest'

import type { ChildSpec } from '../../../src/supervisor/spec/supervisor-spec.ts'
import { SimulatedTree } from '../../support/simulated-tree.ts'

const worker = (id: string, more: Partial<ChildSpec> = {}): ChildSpec => ({ id, worker: {}, ...more })
const backoff = { minMs: 100, maxMs: 400, factor: 2, jitter: 0, resetAfterMs: 1000 }

/** A child with deaths at the given uptimes; the waits before each restart. */
function waits(uptimes: readonly number[]): number[] {
  const world = new SimulatedTree()
  world.started({ maxRestarts: 100, periodMs: 60_000, backoff, children: [worker('a')] })
  return uptimes.map((uptimeMs) => {
    world.clock.runFor(uptimeMs)
    world.die('a')
    const diedAt = world.clock.nowMs()
    let startedAt = diedAt
    const before = world.log.length
    while (world.log[before] !== 'start a' && world.clock.step()) startedAt = world.clock.nowMs()
    world.clock.runFor(1)
    return startedAt - diedAt
  })
}

it('36: a row of failures ends with an incarnation that was up long enough, and not with a shorter one', () => {
  expect(waits([10, 10, 10, 10, 10])).toEqual([0, 100, 200, 400, 400])
  expect(waits([10, 10, 999, 10])).toEqual([0, 100, 200, 400])
  expect(waits([10, 10, 1000, 10])).toEqual([0, 100, 0, 100])
})

it('a child that backs off says until when, and a stop cancels that', async () => {
  const world = new SimulatedTree()
  const app = world.started({ backoff, children: [worker('a')] })
  for (const ms of [10, 5]) {
    world.die('a')
    world.clock.runFor(ms)
  }
  expect(app.whichChildren()).toMatchObject([{ state: 'backing-off', pid: undefined }])
  const { retryAtMs } = app.whichChildren()[0]!
  expect(retryAtMs).toBe(world.clock.nowMs() - 5 + 100)
  const stopped = app.terminateChild('a')
  await stopped
  expect(world.clock.pending).toBe(0)
  expect(app.whichChildren()).toMatchObject([{ state: 'stopped', retryAtMs: undefined }])
})

it('a restart on request is at once, and begins a new row', async () => {
  const world = new SimulatedTree()
  const app = world.started({ maxRestarts: 100, backoff, children: [worker('a')] })
  for (const ms of [2, 5]) {
    world.die('a')
    world.clock.runFor(ms)
  }
  await app.terminateChild('a')
  const back = app.restartChild('a')
  world.clock.runFor(2)
  await back
  world.takeLog()
  world.die('a')
  world.clock.runFor(1)
  expect(world.takeLog()).toEqual(['down a', 'start a', 'up a'])
})

it('a whole tree that stops leaves no timer', async () => {
  const world = new SimulatedTree()
  const app = world.started({ maxRestarts: 100, backoff, children: [worker('a'), worker('b')] })
  for (const ms of [2, 5]) {
    world.die('a')
    world.clock.runFor(ms)
  }
  const stopped = app.stop()
  world.clock.runOut()
  await stopped
  expect(world.clock.nowMs()).toBeLessThan(100)
})

it('one-for-all waits with all of them down, and rest-for-one with those before it up', () => {
  for (const [strategy, up] of [
    ['one-for-all', []],
    ['rest-for-one', ['a']],
  ] as const) {
    const world = new SimulatedTree()
    world.started({ strategy, maxRestarts: 100, backoff, children: [worker('a'), worker('b'), worker('c')] })
    for (const ms of [20, 50]) {
      world.die('b')
      world.clock.runFor(ms)
    }
    expect(world.alive).toEqual(up)
    world.clock.runFor(60)
    expect(world.alive).toEqual(['a', 'b', 'c'])
  }
})

it('T: a sibling that fails in a restart of all has all start anew', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ id, incarnation }) => ({ boot: id === 'b' && incarnation === 2 ? 'fail' : 'ready' })
  world.started({
    strategy: 'one-for-all',
    backoff: { minMs: 0 },
    children: ['a', 'b', 'c'].map((id) => worker(id)),
  })
  world.die('c')
  world.clock.runFor(100)
  const from = world.log.indexOf('start a')
  expect(world.log.slice(from)).toEqual([
    'start a',
    'up a',
    'start b',
    'down b',
    'stop a',
    'down a',
    'start a',
    'up a',
    'start b',
    'up b',
    'start c',
    'up c',
  ])
})

it('U: a sibling that fails in a restart of the rest has only the rest start anew', () => {
  const world = new SimulatedTree()
  world.behaviour = ({ id, incarnation }) => ({ boot: id === 'b' && incarnation === 2 ? 'fail' : 'ready' })
  world.started({
    strategy: 'rest-for-one',
    backoff: { minMs: 0 },
    children: ['a', 'b', 'c'].map((id) => worker(id)),
  })
  world.die('a')
  world.clock.runFor(100)
  const from = world.log.indexOf('start a')
  expect(world.log.slice(from)).toEqual([
    'start a',
    'up a',
    'start b',
    'down b',
    'start b',
    'up b',
    'start c',
    'up c',
  ])
})

it('38: fifty that die at once come back, each once, and no more boot at a time than may', async () => {
  const world = new SimulatedTree()
  world.behaviour = () => ({ bootMs: 7 })
  const app = world.started({ maxRestarts: 100, maxConcurrentBoots: 4 })
  const ids = Array.from({ length: 50 }, (_, index) => `w${index}`)
  const starts = ids.map((id) => app.startChild(worker(id)))
  world.clock.runOut()
  await Promise.all(starts)
  world.takeLog()
  for (const id of ids) world.die(id)
  let booting = 0
  let most = 0
  while (world.clock.step()) {
    for (const line of world.takeLog()) {
      if (line.startsWith('start')) most = Math.max(most, ++booting)
      else if (line.startsWith('up')) booting--
    }
  }
  expect(most).toBe(4)
  expect(app.whichChildren().map(({ state, incarnation }) => `${state} ${incarnation}`)).toEqual(
    ids.map(() => 'up 2'),
  )
})

it.each([
  ['one-for-all', [60_010, 60_010, 60_010]],
  ['rest-for-one', [undefined, 60_010, 60_010]],
  ['one-for-one', [undefined, 60_010, undefined]],
] as const)('under %s all that wait for a back-off know how long it is', (strategy, times) => {
  const world = new SimulatedTree()
  const long = { minMs: 60_000, maxMs: 60_000, jitter: 0 }
  world.behaviour = () => ({ bootMs: 0, stopMs: 0 })
  world.started({ strategy, backoff: long, children: ['a', 'b', 'c'].map((id) => ({ id, worker: {} })) })
  for (const _ of [1, 2]) {
    world.die('b')
    world.clock.runFor(10)
  }
  expect(['a', 'b', 'c'].map((id) => world.places.get(`app/${id}`)!.status.retryAtMs)).toEqual(times)
})
