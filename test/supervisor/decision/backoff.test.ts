import { expect, it } from 'vitest'

import { type Backoff, backoffDelayMs } from '../../../src/supervisor/decision/backoff.ts'
import { RestartWindow } from '../../../src/supervisor/decision/restart-window.ts'
import { Chance } from '../model/random-trees.ts'

const backoff: Backoff = { minMs: 100, maxMs: 1000, factor: 2, jitter: 0, resetAfterMs: 5000 }
const never = (): number => {
  throw new Error('Chance is not asked.')
}

it('the first restart is at once, then waits grow up to the longest', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 5000].map((attempt) => backoffDelayMs(backoff, attempt, () => 0.7))
  expect(waits).toEqual([0, 100, 200, 400, 800, 1000, 1000, 1000])
  expect(backoffDelayMs({ ...backoff, jitter: 1 }, 1, never)).toBe(0)
  expect(backoffDelayMs({ ...backoff, minMs: 0 }, 9, never)).toBe(0)
  // Where there is no hurry even those who shall not wait do, a moment.
  expect(
    [1, 9].map((attempt) => backoffDelayMs({ ...backoff, minMs: 0, firstMs: 50 }, attempt, never)),
  ).toEqual([50, 50])
})

it.each([1, 0.5, 0.2])(
  '35: with a jitter of %s waits are within bounds, differ, and repeat with their seed',
  (jitter) => {
    const sample = (): number[] => {
      const chance = new Chance(7)
      return Array.from({ length: 200 }, () => backoffDelayMs({ ...backoff, jitter }, 4, () => chance.next()))
    }
    const waits = sample()
    for (const wait of waits) {
      expect(wait).toBeGreaterThan(400 * (1 - jitter) - 1e-9)
      expect(wait).toBeLessThanOrEqual(400)
    }
    expect(new Set(waits).size).toBeGreaterThan(150)
    expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(400 * jitter * 0.9)
    expect(sample()).toEqual(waits)
  },
)

it('a window forgets what is as old as its period, to the digit', () => {
  const window = new RestartWindow(100)
  window.add(1000)
  window.add(1050.5)
  expect(window.usedAt(1099.999)).toBe(2)
  expect(window.usedAt(1100)).toBe(1)
  expect(window.timesAt(1150.4)).toEqual([1050.5])
  expect(window.usedAt(1150.5)).toBe(0)
})

it('a window of many restarts counts right, and keeps only what counts', () => {
  const window = new RestartWindow(10)
  for (let now = 0; now < 5000; now++) {
    window.add(now)
    expect(window.usedAt(now)).toBe(Math.min(now + 1, 10))
  }
})
