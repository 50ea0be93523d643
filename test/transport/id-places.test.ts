import { describe, expect, test } from 'vitest'
import { IdPlaces } from '../../src/transport/id-places.ts'

const one = (id: number): { id: number } => ({ id })

describe('IdPlaces', () => {
  test('finds each of those that are in it, and no other', () => {
    const places = new IdPlaces<{ id: number }>()
    const model = new Map<number, { id: number }>()
    let seed = 1
    const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
    for (let id = 1; id <= 20_000; id++) {
      const added = one(id)
      places.add(added)
      model.set(id, added)
      // Up to some hundred at once, now and then one that stays for long.
      for (const other of [...model.values()].slice(0, 40)) {
        if (random(id % 3000 < 1500 ? 30 : 60) !== 0) continue
        expect(places.delete(other)).toBe(true)
        expect(places.delete(other)).toBe(false)
        expect(places.get(other.id)).toBeUndefined()
        model.delete(other.id)
      }
      expect(places.size).toBe(model.size)
      if (id % 1000 === 0) expect(places.all()).toEqual([...model.values()])
    }
    for (const [id, there] of model) expect(places.get(id)).toBe(there)
  })

  test('keeps one that stays while many others come and go', () => {
    const places = new IdPlaces<{ id: number }>()
    const staying = one(7)
    places.add(staying)
    for (let id = 8; id < 100_000; id++) {
      const passing = one(id)
      places.add(passing)
      expect(places.delete(passing)).toBe(true)
    }
    expect(places.get(7)).toBe(staying)
    expect(places.all()).toEqual([staying])
  })
})
