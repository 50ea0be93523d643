import { SpecError } from '../errors/supervision-errors.ts'
import { ownPath } from './nesting.ts'
import { PoolKind } from './pool/pool-kind.ts'
import { installReports } from './report/install-reports.ts'
import { type ChildKinds, resolveSpec, type ResolvedSpec } from './spec/resolve-spec.ts'
import type { Supervisor } from './supervisor.ts'
import type { ChildKind } from './tree/child-run.ts'
import type { Child } from './tree/child.ts'
import type { SupervisorActor } from './tree/supervisor-actor.ts'
import { SupervisorKind, treeKinds } from './tree/supervisor-kind.ts'
import { systemTreeSeams } from './tree/tree-seams.ts'
import { WorkerKind } from './worker/worker-kind.ts'

/** What the children of a tree are, when they are real. */
export const systemKinds: ChildKinds = treeKinds(
  {
    worker: (options, { id, init }) => new WorkerKind(id, options, { init }),
    pool: (options, { id }) => new PoolKind(id, options),
  },
  systemTreeSeams,
)

/** Nobody's start has to wait for anybody else's: what is started by hand is started at once. */
const spec: ResolvedSpec = resolveSpec({ name: 'root', maxConcurrentBoots: Infinity }, systemKinds)

const nobody = { ready: () => {}, skipped: () => {}, failed: () => {}, exited: () => {} }

let top: SupervisorKind | undefined
let incarnation = 0
const lastNumbers = new Map<string, number>()

/** The root, which is there from its first use on; a stopped one is followed by another. */
function planted(): SupervisorKind {
  if (top !== undefined && top.current?.state !== 'dead') return top
  installReports()
  top ??= new SupervisorKind('root', spec, systemKinds, systemTreeSeams)
  top.start({ id: 'root', path: ownPath(), incarnation: ++incarnation }, nobody)
  return top
}

/**
 * The one tree of this host: what `spawnWorker`, `pool` and `supervise` start are its children, temporary ones, so that
 * nothing of it comes back by itself; give permanent ones a supervisor of their own. Its path is empty, or, in a worker
 * that is a host itself, that worker's. Source: the application's top supervisor of OTP.
 *
 * @returns the root supervisor; the same one until it is stopped
 * @example
 * import { root, spawnWorker } from 'maltster'
 *
 * await using worker = await spawnWorker({ name: 'kernel' })
 * console.log(root().whichChildren().map(({ path, state }) => `${path}: ${state}`)) // [ 'kernel: up' ]
 */
export function root(): Supervisor {
  return planted().handle
}

/** A name that nobody has: `worker-1`, `worker-2`, … */
export function freeName(prefix: string): string {
  const children = planted().current?.children
  let number = lastNumbers.get(prefix) ?? 0
  let name: string
  do name = `${prefix}-${++number}`
  while (children?.get(name) !== undefined)
  lastNumbers.set(prefix, number)
  return name
}

/**
 * Starts a temporary child of the root; resolves when it is ready.
 * @throws {SpecError} if the name has an owner who is alive, or the root is stopping
 * @throws what kept it from starting; then it is no child
 */
export async function addToRoot(id: string, kind: ChildKind, shutdownMs: number): Promise<void> {
  const actor = withFreeName(id)
  const child = {
    id,
    kind,
    restart: 'temporary',
    shutdownMs,
    significant: false,
    lives: { count: 0, isStopped: false },
  } as const
  await new Promise<void>((resolve, reject) => void actor.admit(child, { resolve, reject }))
}

/** The root, in which nobody has that name: to be used in the same turn. */
function withFreeName(id: string): SupervisorActor {
  for (;;) {
    const actor = planted().current!
    if (actor.isEnding) {
      const message = 'The root supervisor is stopping: nothing can be started until it has ended.'
      throw new SpecError(message, { fault: 'ended', field: 'name', value: id })
    }
    const owner = actor.children.get(id)
    if (owner === undefined) return actor
    const isDead = owner.isTemporary && owner.life === undefined && owner.request === undefined
    if (!isDead) throw taken(owner)
    // Its supervisor has not come to that yet. Who hears that it is gone may stop the root, or take the name.
    actor.terminate(owner, () => {})
  }
}

function taken({ id, path, spec: { kind }, state, life }: Child): SpecError {
  const pid = life?.run?.pid
  const who = pid === undefined ? `which is ${state}` : `which is ${state}, process ${pid}`
  const message = `The name \`${id}\` belongs to the ${kind.kind} \`${path}\`, ${who}. Take another name, or stop it first.`
  return new SpecError(message, { fault: 'taken', field: 'name', value: id, worker: path, pid })
}
