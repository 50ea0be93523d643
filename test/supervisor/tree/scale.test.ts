import { expect, it } from 'vitest'

import { SimulatedTree } from '../../support/simulated-tree.ts'

interface Costs {
  readonly startMs: number
  readonly backMs: number
  readonly stopMs: number
  readonly countMs: number
}

function timed(what: () => void): number {
  const from = performance.now()
  what()
  return performance.now() - from
}

/** So many children: started, all killed at once, back, and stopped. What it took of this process's time. */
async function costs(count: number): Promise<Costs> {
  const world = new SimulatedTree()
  const app = world.started({ maxRestarts: count, maxConcurrentBoots: 64 })
  const ids = Array.from({ length: count }, (_, index) => `w${index}`)
  const starts: Promise<unknown>[] = []
  const startMs = timed(() => {
    for (const id of ids) starts.push(app.startChild({ id, worker: {} }))
    world.clock.runOut()
  })
  await Promise.all(starts)
  const countMs = timed(() => {
    expect(app.countChildren()).toEqual({ specs: count, active: count, supervisors: 0, workers: count })
  })
  const backMs = timed(() => {
    for (const id of ids) world.die(id)
    world.clock.runOut()
  })
  expect(app.countChildren().active).toBe(count)
  for (const { incarnation } of app.whichChildren()) expect(incarnation).toBe(2)
  world.takeLog()
  let stopped: Promise<unknown> | undefined
  const stopMs = timed(() => {
    stopped = app.stop()
    world.clock.runOut()
  })
  await stopped
  const log = world.takeLog()
  // Each is told once and ends once, and no more than that was done.
  expect(log).toHaveLength(2 * count)
  expect(world.alive).toEqual([])
  return { startMs, backMs, stopMs, countMs }
}

it(
  '56: a thousand children: start, kill all, back, stop; ten times the children are no fifty times the work',
  { timeout: 120_000 },
  async () => {
    await costs(200)
    const [few, some, many] = [await costs(100), await costs(1000), await costs(10_000)]
    const rows = { 100: few, 1000: some, 10_000: many }
    for (const [count, cost] of Object.entries(rows)) {
      const shown = Object.entries(cost).map(([what, ms]) => `${what.replace('Ms', '')} ${ms.toFixed(1)} ms`)
      console.log(`${count} children: ${shown.join(', ')}`)
    }
    for (const what of ['startMs', 'backMs', 'stopMs'] as const) {
      // OTP's own bound for its supervisors. A square would be a hundred times.
      expect(many[what] / some[what], what).toBeLessThan(50)
    }
  },
)

it.each(['one-for-all', 'rest-for-one'] as const)('a %s group of a thousand goes down and up', (strategy) => {
  const count = 1000
  const world = new SimulatedTree()
  const ids = Array.from({ length: count }, (_, index) => `w${index}`)
  world.started({ strategy, children: ids.map((id) => ({ id, worker: {} })) })
  world.die('w0')
  world.clock.runOut()
  expect(world.alive).toEqual(ids)
  // One death, all others told to end and gone, all begun and up again.
  expect(world.takeLog()).toHaveLength(1 + 2 * (count - 1) + 2 * count)
})
