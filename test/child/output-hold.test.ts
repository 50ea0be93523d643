import { expect, test } from 'vitest'
import { OutputHold } from '../../src/child/output-hold.ts'
import { cell, cellBytes } from '../../src/child/sentinel-messages.ts'

/** A hold whose clock does something at each look at it: that is all that can happen while it holds. */
function held(looks: readonly ((hold: OutputHold, cells: Int32Array) => void)[], stepMs = 1) {
  const cells = new Int32Array(new SharedArrayBuffer(cellBytes))
  Atomics.store(cells, cell.ladder, 7)
  let look = 0
  const hold: OutputHold = new OutputHold(cells, () => {
    looks[look]?.(hold, cells)
    return look++ * stepMs
  })
  return { hold, cells, looks: () => look }
}

test('a write that nobody waits for is not held, not even while a ladder is under way', () => {
  const { hold, looks } = held([])
  hold.afterWrite()
  expect(looks()).toBe(0)
  expect(hold.isHolding).toBe(false)
})

test('a write is held until it has been looked at, once for each time that it was met elsewhere', () => {
  const seen: boolean[] = []
  const { hold, looks } = held([
    () => {},
    (one) => seen.push(one.isHolding),
    (one) => {
      seen.push(one.isHolding)
      one.release()
      seen.push(one.isHolding)
    },
  ])
  hold.want()
  hold.afterWrite()
  expect(seen).toEqual([true, true, false])
  hold.afterWrite()
  expect(looks()).toBe(3)
  hold.want()
  hold.afterWrite()
  expect(looks()).toBeGreaterThan(3)
})

test('what is being cut off stays where it is, and is held no longer for those who look again', () => {
  const seen: boolean[] = []
  const { hold, looks } = held([() => {}, (one) => one.cut(), (one) => seen.push(one.isHolding)])
  hold.want()
  hold.afterWrite()
  expect(seen).toEqual([false])
  // Nothing has cut it off here, so it ends by its own bound.
  expect(looks()).toBeGreaterThan(50)
})

test('a write is let go when the ladder is over', () => {
  const { hold, looks } = held([() => {}, (_, cells) => Atomics.store(cells, cell.ladder, 0)])
  hold.want()
  hold.afterWrite()
  expect(looks()).toBe(2)
})

test('a write is let go after a while, though nobody has looked', () => {
  const { hold, looks } = held([], 30)
  hold.want()
  hold.afterWrite()
  expect(looks()).toBeLessThan(10)
  expect(hold.isHolding).toBe(false)
})
