import { SpecError } from '../../errors/supervision-errors.ts'
import { isRestarted } from '../decision/decide.ts'
import { type ChildPlace, type Leaving, settledStates } from './child-run.ts'
import type { Child } from './child.ts'
import type { SupervisorActor } from './supervisor-actor.ts'

/** Has a child stopped for good; settles when it is gone. */
export function terminate(actor: SupervisorActor, child: Child): Promise<void> {
  return new Promise((resolve) => {
    if (child.state === 'removed') resolve()
    else actor.terminate(child, resolve)
  })
}

/** Has a child started again that is down; settles when it is up. */
export function restart(actor: SupervisorActor, child: Child): Promise<void> {
  const { id, path, state } = child
  const isDown = state === 'stopped' || state === 'finished' || state === 'skipped'
  if (actor.isEnding) {
    const message = `\`${path}\` can't be restarted: its supervisor ends. Start that one again.`
    return Promise.reject(new SpecError(message, { fault: 'ended', field: 'id', value: id, worker: path }))
  }
  if (isDown) return new Promise((resolve, reject) => actor.revive(child, { resolve, reject }))
  const isRunning = state === 'up' || state === 'stopping'
  const fault = state === 'removed' ? 'not-found' : isRunning ? 'running' : 'restarting'
  const advice = isRunning ? 'Stop it first with `terminateChild`.' : 'It comes by itself.'
  const message =
    state === 'removed'
      ? `\`${path}\` is gone, and its spec with it. Use \`startChild\`.`
      : `\`${path}\` can't be restarted: it is ${state}. ${advice}`
  return Promise.reject(
    new SpecError(message, { fault, field: 'id', value: id, worker: path, pid: child.life?.run?.pid }),
  )
}

/** A supervisor is ending, or is to end with all above it when it is its turn, and does not come back. */
function leavingOf({ above, isEnding, ending: { failure } }: SupervisorActor): Leaving | undefined {
  return above === undefined ? (isEnding ? { failure } : undefined) : above.status.leaving
}

/** Whether a child is in its last life: it has to go and does not come back, or has decided about its own end. */
function isInLastLife({ life, request, spec, isTemporary }: Child, actor: SupervisorActor): boolean {
  if (life === undefined) return false
  // With its group; with its supervisor it may come back.
  if (life.isCondemned) return isTemporary && request === undefined && !actor.isEnding
  const { current } = spec.kind
  const type = current?.identity.incarnation === life.identity.incarnation ? current.ending.own : undefined
  if (type === undefined) return false
  // Whoever asked for it is told that it could not be started.
  return (
    request !== undefined ||
    !isRestarted({ restart: spec.restart, type, wasReady: life.readyAtMs !== undefined })
  )
}

function leavingOfChild(child: Child, actor: SupervisorActor): Leaving | undefined {
  if (child.goal === 'down') return { failure: undefined }
  if (isInLastLife(child, actor)) return { failure: child.spec.kind.current?.ending.failure }
  return leavingOf(actor)
}

/** When a child is tried again, if that is not when its turn comes: with its group it waits for the back-off of others. */
function retryAtMsOf(child: Child, actor: SupervisorActor): number | undefined {
  const { state, position, retryAtMs } = child
  if (retryAtMs !== undefined || (state !== 'waiting' && state !== 'stopping')) return retryAtMs
  if (actor.state === 'dead') return actor.above?.status.retryAtMs
  const { strategy } = actor.spec
  if (strategy === 'one-for-one' || actor.children.count('backing-off') === 0) return undefined
  const times = Array.from(actor.children)
    .filter((other) => strategy === 'one-for-all' || other.position < position)
    .flatMap((other) => other.retryAtMs ?? [])
  return times.length === 0 ? undefined : Math.max(...times)
}

/** Once a supervisor is to end for good all below are told, be their turn far off: what waits for them is refused. */
export function announceEnd(actor: SupervisorActor): void {
  if (actor.ending.isAnnounced || leavingOf(actor) === undefined) return
  actor.ending.isAnnounced = true
  for (const child of actor.children) {
    if (!settledStates.has(child.state)) actor.children.retell(child)
    const below = child.spec.kind.current
    if (below !== undefined) announceEnd(below)
  }
}

/**
 * Forgets a child that is down, and its spec with it: it is not there either when its supervisor is started again.
 * @returns whether it was down
 */
export function forget(actor: SupervisorActor, child: Child): boolean {
  if (child.life !== undefined || (child.goal === 'up' && !settledStates.has(child.state))) return false
  child.spec.lives.isDeleted = true
  actor.children.remove(child)
  return true
}

/** The place of a child, as it is given to what fills it. */
export function placeOf(actor: SupervisorActor, child: Child): ChildPlace {
  return {
    id: child.id,
    path: child.path,
    get status() {
      return {
        ...child.status,
        get retryAtMs() {
          return retryAtMsOf(child, actor)
        },
        // Few ask, and the answer is with the topmost.
        get leaving() {
          return leavingOfChild(child, actor)
        },
      }
    },
    subscribe: (listener) => {
      child.listeners.add(listener)
      return { [Symbol.dispose]: () => void child.listeners.delete(listener) }
    },
    terminate: () => terminate(actor, child),
    restart: () => restart(actor, child),
  }
}
