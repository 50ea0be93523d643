import { expect, test } from 'vitest'
import { CaptureError } from '../../../src/errors/data-errors.ts'
import { inOrder } from '../../../src/movement/graph/binding-order.ts'
import type { Parcel } from '../../../src/movement/graph/parcel.ts'
import { rowKind } from '../../../src/movement/graph/rows.ts'
import type { BindingUse } from '../../../src/movement/graph/survey.ts'

/** By number: what a binding needs, and what of that has to be there first. */
type Needs = Readonly<Record<number, readonly [needs: number[], first?: number[]]>>

function order(all: Needs): number[][] {
  const uses = Object.entries(all).map(
    ([id, [needs]]) =>
      ({ id: Number(id), name: `n${id}`, path: `fn → n${id}`, needs }) as unknown as BindingUse,
  )
  const parcels = new Map(
    Object.entries(all).map(([id, [, first = []]]) => [
      Number(id),
      { rows: [[rowKind.data, 0]], eager: new Set(first) } as unknown as Parcel,
    ]),
  )
  return inOrder(uses, parcels).map((group) => group.map(({ id }) => id))
}

test.each<[string, Needs, number[][]]>([
  ['as they are, if that is right', { 1: [[]], 2: [[1]], 3: [[1, 2]] }, [[1], [2], [3]]],
  ['each after those it needs', { 1: [[3]], 2: [[]], 3: [[2]] }, [[2], [3], [1]]],
  ['one that needs itself', { 1: [[1]], 2: [[]] }, [[1], [2]]],
])('%s', (_what, needs, expected) => {
  expect(order(needs)).toEqual(expected)
})

test('a circle is together, behind what it needs, and begins with what has to be there first', () => {
  const groups = order({ 1: [[2], [2]], 2: [[3, 4]], 3: [[1], [1]], 4: [[]] })
  expect(groups).toEqual([[4], [2, 1, 3]])
})

test('a chain of thousands, the last one first', () => {
  const count = 20_000
  const all: Record<number, [number[]]> = {}
  for (let id = 1; id <= count; id++) all[id] = [id < count ? [id + 1] : []]
  expect(order(all).flat()).toEqual(Array.from({ length: count }, (_, index) => count - index))
})

test('two that each have to be there first are refused by name', () => {
  expect(() => order({ 1: [[2], [2]], 2: [[1], [1]] })).toThrow(CaptureError)
  expect(() => order({ 1: [[2], [2]], 2: [[1], [1]] })).toThrow(/`n\d` and `n\d` would each have to be there/)
})
