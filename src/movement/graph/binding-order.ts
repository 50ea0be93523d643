import { circleRefusal } from './capture-refusals.ts'
import { firstNeeds } from './first-needs.ts'
import type { Parcel } from './parcel.ts'
import type { BindingUse } from './survey.ts'

/** Bindings that refer to each other in a circle, so that all are made anew if one is; mostly one alone. */
export type BindingGroup = readonly BindingUse[]

/**
 * Puts bindings in the order in which they can be made, each after those whose values become part of its own. In a circle
 * those come first that have to be there when others are made; what only refers to them gets them afterwards.
 * @throws {CaptureError} if each of two has to be there before the other
 */
export function inOrder(uses: readonly BindingUse[], parcels: ReadonlyMap<number, Parcel>): BindingGroup[] {
  if (isInOrder(uses)) return uses.map((use) => [use])
  const byId = new Map(uses.map((use) => [use.id, use]))
  const groups = circlesOf(uses, ({ needs }) => needs.flatMap((id) => byId.get(id) ?? []))
  return groups.map((group) => (group.length === 1 ? group : inCircle(group, parcels)))
}

/** As they are found most of the time. */
function isInOrder(uses: readonly BindingUse[]): boolean {
  const before = new Set<number>()
  return uses.every(({ id, needs }) => {
    const isLast = needs.every((need) => before.has(need))
    before.add(id)
    return isLast
  })
}

function inCircle(group: BindingGroup, parcels: ReadonlyMap<number, Parcel>): BindingGroup {
  const byId = new Map(group.map((use) => [use.id, use]))
  // As they were found, so that the order is the same each time.
  const circles = circlesOf(group, ({ id }) => {
    const first = firstNeeds(parcels.get(id)!)
    return [...first].flatMap((need) => (need === id ? [] : (byId.get(need) ?? [])))
  })
  return circles.map(([use, other]) => {
    if (other !== undefined) throw circleRefusal(use!.name, other.name, use!.path)
    return use!
  })
}

interface Visit {
  readonly use: BindingUse
  readonly needs: readonly BindingUse[]
  next: number
  /** When it was begun, and the earliest that it leads to; see Tarjan's algorithm. */
  readonly begun: number
  earliest: number
}

/** The circles of a graph, each after those that it leads to: Tarjan's algorithm, without recursion. */
function circlesOf(
  uses: readonly BindingUse[],
  needsOf: (use: BindingUse) => readonly BindingUse[],
): BindingUse[][] {
  const visits = new Map<BindingUse, Visit>()
  const open: BindingUse[] = []
  const isOpen = new Set<BindingUse>()
  const circles: BindingUse[][] = []
  const path: Visit[] = []
  const begin = (use: BindingUse): void => {
    const begun = visits.size
    const visit = { use, needs: needsOf(use), next: 0, begun, earliest: begun }
    visits.set(use, visit)
    open.push(use)
    isOpen.add(use)
    path.push(visit)
  }
  for (const use of uses) {
    if (!visits.has(use)) begin(use)
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const need = visit.needs[visit.next++]
      if (need === undefined) {
        path.pop()
        const before = path.at(-1)
        if (before !== undefined) before.earliest = Math.min(before.earliest, visit.earliest)
        if (visit.earliest === visit.begun) circles.push(closed(open, isOpen, visit.use))
      } else if (!visits.has(need)) begin(need)
      else if (isOpen.has(need)) visit.earliest = Math.min(visit.earliest, visits.get(need)!.begun)
    }
  }
  return circles
}

function closed(open: BindingUse[], isOpen: Set<BindingUse>, first: BindingUse): BindingUse[] {
  const circle = open.splice(open.lastIndexOf(first))
  for (const use of circle) isOpen.delete(use)
  return circle
}
