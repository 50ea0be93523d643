import type { BindingUse } from './survey.ts'

/** What a worker holds, by number. */
type Held = ReadonlyMap<number, { readonly use: BindingUse }>

/** All that some bindings refer to, directly or not, and they themselves. */
function reachedFrom(ids: Iterable<number>, held: Held): Set<number> {
  const reached = new Set(ids)
  for (const id of reached) for (const need of held.get(id)?.use.needs ?? []) reached.add(need)
  return reached
}

/** Whether nobody here can refer to it any more. */
const isGone = ({ owners }: BindingUse): boolean =>
  owners.length > 0 && owners.every((owner) => owner.deref() === undefined)

/** What a worker holds for nobody: here it is gone, and nothing that the worker holds refers to it. */
export function heldForNobody(held: Held): number[] {
  const needed = reachedFrom(
    [...held].flatMap(([id, { use }]) => (isGone(use) ? [] : [id])),
    held,
  )
  return [...held.keys()].filter((id) => !needed.has(id))
}

/** What a worker holds only because a variable of a module refers to it, with that variable. */
export function heldOnlyFor(variable: number, held: Held): number[] {
  const reached = reachedFrom([variable], held)
  const others = reachedFrom(
    [...held.keys()].filter((id) => !reached.has(id)),
    held,
  )
  return [...reached].filter((id) => held.has(id) && !others.has(id))
}
