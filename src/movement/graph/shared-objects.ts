import { partsOfData } from './data-walk.ts'
import type { Parcel } from './parcel.ts'
import { rowKind } from './rows.ts'

type WithObjects = Pick<Parcel, 'objects'>

/** Objects that are part of several of these. */
export function sharedObjects(parcels: Iterable<WithObjects>): Set<object> {
  const bySize = [...parcels].toSorted((one, other) => other.objects.size - one.objects.size)
  const [largest, ...others] = bySize.map(({ objects }) => objects)
  const met = new Set<object>()
  const shared = new Set<object>()
  for (const objects of others) {
    for (const object of objects) {
      if (met.has(object) || largest!.has(object)) shared.add(object)
      met.add(object)
    }
  }
  return shared
}

/**
 * Those of the shared objects of a parcel that something refers to which is not shared itself: what only they lead to is
 * part of them.
 */
export function entrances(parcel: Parcel, shared: ReadonlySet<object>): Set<object> {
  const found = new Set<object>()
  const rows = parcel.objectsOfRows()
  const seen = new Set<unknown>()
  const waiting: object[] = []
  const meet = (part: unknown): void => {
    if (typeof part !== 'object' || part === null || seen.has(part)) return
    seen.add(part)
    waiting.push(part)
  }
  meet(parcel.rows[0])
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const row = rows.has(next as unknown[]) ? (next as unknown[]) : undefined
    const object = row === undefined ? next : (rows.get(row) as object | undefined)
    if (object !== undefined && shared.has(object)) found.add(object)
    else if (row === undefined) for (const part of partsOfData(next)) meet(part)
    else if (row[0] === rowKind.data) meet(row[1])
    else for (const index of slotsOf(row)) meet(parcel.rows[index])
  }
  return found
}

/** The rows that a row refers to, and some that it does not: a level of integrity looks like one. */
function slotsOf(row: readonly unknown[]): number[] {
  return row.flatMap((part) => {
    if (!Array.isArray(part)) return []
    return part.length === 1 && typeof part[0] === 'number' ? [part[0]] : slotsOf(part)
  })
}
