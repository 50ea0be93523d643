import { expect, test } from 'vitest'

import { Descendants, type WorkerTree } from '../../src/actors/descendants.ts'
import { type PlaceChange, placeMessage } from '../../src/actors/places.ts'

const placed = (path: string, more: Partial<PlaceChange> = {}): object =>
  placeMessage({ path, kind: 'supervisor', state: 'up', incarnation: 1, ...more })

const spawned = (path: string, pid: number): object => ({ path, incarnation: 1, type: 'worker.spawned', pid })

const exited = (path: string, pid: number): object => ({
  ...spawned(path, pid),
  type: 'worker.exited',
  reason: { type: 'exit', exitCode: 1, signal: null, stderrTail: '', lastFrames: [], uptimeMs: 1 },
})

const countOf = (trees: readonly WorkerTree[]): number =>
  trees.reduce((sum, { children }) => sum + 1 + countOf(children), 0)

/** What is below `host` after it was told all that. */
function after(...told: object[]): Descendants {
  const descendants = new Descendants('host')
  for (const one of told) descendants.heard(one)
  return descendants
}

test('no more than 10 000 places are kept, and what has gone makes room', () => {
  const crowd = after(...Array.from({ length: 10_100 }, (_, index) => placed(`host/s${index}`)))
  expect(countOf(crowd.tree())).toBe(10_000)
  crowd.heard(placed('host/s0', { state: 'removed' }))
  crowd.heard(placed('host/late'))
  crowd.heard(placed('host/too-late'))
  expect(countOf(crowd.tree())).toBe(10_000)
  expect(crowd.tree().at(-1)).toMatchObject({ name: 'late' })
})

test('no place is believed that is too deep to be walked', () => {
  const deep = after(...Array.from({ length: 3000 }, (_, index) => placed(`host${'/s'.repeat(index + 1)}`)))
  expect(countOf(deep.tree())).toBe(200)
  deep.heard(placed('host/s', { state: 'removed' }))
  expect(deep.tree()).toEqual([])
})

test('a place that goes takes all that is below it, and what is told of that later is nothing', () => {
  const below = after(placed('host/app'), placed('host/app/jobs', { kind: 'pool' }))
  below.heard(placed('host/app/jobs/one', { kind: 'worker', state: 'starting' }))
  below.heard(spawned('host/app/jobs/one', 7))
  expect(countOf(below.tree())).toBe(3)
  below.heard(placed('host/app', { state: 'removed' }))
  for (const late of [exited('host/app/jobs/one', 7), placed('host/app/jobs', { state: 'removed' })]) {
    below.heard(late)
  }
  expect(below.tree()).toEqual([])
})

test('a worker that dies loses what was in it, and keeps its place until its supervisor gives it up', () => {
  const below = after(placed('host/app', { kind: 'worker', state: 'up' }), spawned('host/app', 7))
  below.heard(placed('host/app/inner', { kind: 'worker', state: 'up' }))
  below.heard(spawned('host/app/inner', 8))
  below.heard(exited('host/app', 7))
  expect(below.tree()).toMatchObject([{ name: 'app', kind: 'worker', state: 'up', pid: 0, children: [] }])
  below.heard(placed('host/app', { kind: 'worker', state: 'backing-off' }))
  expect(below.tree()).toMatchObject([{ state: 'backing-off' }])
  below.heard(placed('host/app', { kind: 'worker', state: 'removed' }))
  expect(below.tree()).toEqual([])
})

test('a worker that no supervisor is known of comes and goes by its own events', () => {
  const below = after(spawned('host/app', 7), spawned('host/app', 8), exited('host/app', 7))
  expect(below.tree()).toMatchObject([{ pid: 8, kind: 'worker' }])
  below.heard(exited('host/app', 8))
  expect(below.tree()).toEqual([])
})

test('changes are passed on once they are believed, and no others', () => {
  const passed: string[] = []
  const below = new Descendants('host', ({ path, state }) => passed.push(`${path} ${state}`))
  for (const told of [
    placed('host/app'),
    placed('other/app'),
    placed('host/nobody/app'),
    placed('host/app', { state: 'removed' }),
    placed('host/app', { state: 'removed' }),
  ]) {
    expect(below.heard(told)).toBeUndefined()
  }
  expect(passed).toEqual(['host/app up', 'host/app removed'])
})
