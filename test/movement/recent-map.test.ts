import { expect, test } from 'vitest'
import { RecentMap } from '../../src/movement/recent-map.ts'

test('RecentMap forgets what was used longest ago', () => {
  const map = new RecentMap<string, number>(2)
  map.set('a', 1)
  map.set('b', 2)
  expect(map.get('a')).toBe(1)
  map.set('c', 3)
  expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2])
})

test('RecentMap replaces without growing', () => {
  const map = new RecentMap<string, number>(1)
  map.set('a', 1)
  map.set('a', 2)
  expect([map.get('a'), map.get('b'), map.size]).toEqual([2, undefined, 1])
})
