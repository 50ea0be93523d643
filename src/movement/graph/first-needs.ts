import type { Parcel } from './parcel.ts'
import { rowKind } from './rows.ts'

/**
 * The bindings that have to have their values before a parcel can be made: what it is itself, what something in it is an
 * instance of, binds or inherits from, and what a class needs while it is defined. All others are put in their places
 * when they are there.
 */
export function firstNeeds({ rows, eager }: Parcel): Set<number> {
  const first = new Set(eager)
  const add = (slot: unknown): void => {
    const row = Array.isArray(slot) && slot.length > 0 ? rows[slot[0] as number] : undefined
    if (row?.[0] === rowKind.held) first.add(row[1] as number)
    else if (row?.[0] === rowKind.registered) add(row[2])
  }
  add([0])
  for (const row of rows) for (const slot of slotsFirst(row)) add(slot)
  return first
}

function slotsFirst(row: readonly unknown[]): unknown[] {
  switch (row[0]) {
    case rowKind.object:
      return [row[1], ...inherited(row[2])]
    case rowKind.error:
      return [row[2]]
    case rowKind.bound:
      return row.slice(1)
    case rowKind.prototype:
      return [row[1]]
    case rowKind.function:
      return inherited(row[3])
    default:
      return []
  }
}

const inherited = (others: unknown): unknown[] =>
  (others as unknown[][]).flatMap((other) => (other[0] === null ? other.slice(1, 3) : []))
