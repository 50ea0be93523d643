import type { ResolvedChild } from '../spec/resolve-spec.ts'
import { placeOf } from './child-place.ts'
import type { Child } from './child.ts'
import type { SupervisorActor } from './supervisor-actor.ts'

/** Gives a child its place below a supervisor. It waits there, unless it was stopped on purpose. */
export function takeIn(actor: SupervisorActor, spec: ResolvedChild, isDynamic: boolean): Child {
  const { identity, children } = actor
  const path = identity.path === '' ? spec.id : `${identity.path}/${spec.id}`
  const { lives } = spec
  const child = children.add(spec, path, isDynamic)
  // A stop on purpose holds, also when the supervisor itself has been restarted.
  if (actor.spec.resurrect) lives.isStopped = false
  if (lives.isStopped) {
    child.isFirst = false
    children.want(child, 'down')
    children.setState(child, 'stopped')
  }
  spec.kind.attach?.(placeOf(actor, child))
  return child
}
