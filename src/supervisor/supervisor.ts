import { shown } from '../actors/option-checks.ts'
import { staysHere } from '../transport/codec/process-handles.ts'
import type { ExitReason } from '../errors/exit-reason.ts'
import { SpecError, type SpecFault } from '../errors/supervision-errors.ts'
import type { Pool } from './pool/pool.ts'
import type { CheckedChild, ChildIdOf, KindOf, PathOf, SpecAt } from './spec/child-paths.ts'
import { resolveChild } from './spec/resolve-spec.ts'
import type { ChildSpec } from './spec/supervisor-spec.ts'
import { forget, restart, terminate } from './tree/child-place.ts'
import {
  type ChildCounts,
  type ChildInfo,
  countsOf,
  infoOf,
  type SupervisorTree,
  treeOf,
} from './tree/child-tree.ts'
import type { Child } from './tree/child.ts'
import type { SupervisorActor } from './tree/supervisor-actor.ts'
import type { SupervisorSource } from './tree/supervisor-kind.ts'
import type { SupervisorState } from './tree/supervisor-machine.ts'
import type { WorkerHandle } from './worker/worker-handle.ts'

/** What is told when a child that was monitored has ended. Source: OTP's `DOWN`. */
export interface ChildDown {
  /** Place in the tree. */
  readonly path: string
  /** The life that has ended; 0 if there was none. */
  readonly incarnation: number
  /** Why it ended; `noproc` if it was not alive when the monitor was made. */
  readonly reason: ExitReason | 'noproc'
}

/** A child, and where it is. */
interface Found {
  readonly actor: SupervisorActor
  readonly child: Child
  /** What it is a child of, if that is not the supervisor that was asked. */
  readonly parent: Child | undefined
}

/** What looking a child up gives, by its kind. */
interface Handles<Spec> {
  readonly worker: WorkerHandle
  readonly supervisor: Supervisor<Spec>
  readonly pool: Pool
}

/** The handle of a child that was started with this spec. */
export type HandleOf<Spec extends ChildSpec> = Handles<
  // oxlint-disable-next-line typescript/no-explicit-any -- it is not used then
  Spec extends { readonly supervisor: infer Sub } ? Sub : any
>[KindOf<Spec>]

/**
 * A supervisor: it starts its children in order, watches them, brings back by its rules those that die, and stops them in
 * reverse order when it ends. `supervise` makes one; `docs/supervision.md` has the rules.
 *
 * It stands for a place in the tree, as a `WorkerHandle` does: if the supervisor itself is restarted by the one above it,
 * this object goes on with its next incarnation. No member that only asks ever waits for a child. Source: OTP's
 * `supervisor`, Elixir's `DynamicSupervisor`.
 *
 * @example
 * import { supervise } from 'maltster'
 *
 * await using app = await supervise({
 *   name: 'app',
 *   children: [{ id: 'kernel', worker: {} }],
 * })
 * console.log(await app.worker('kernel').call(() => 6 * 7)) // 42
 */
// oxlint-disable-next-line typescript/no-explicit-any -- so that a supervisor of any spec is one
export class Supervisor<Spec = any> implements AsyncDisposable {
  readonly #source: SupervisorSource

  /** @internal */
  constructor(source: SupervisorSource) {
    this.#source = source
  }

  /** Its name among its siblings. */
  get name(): string {
    return this.#source.id
  }

  /** Its place in the tree; empty for the root. */
  get path(): string {
    return this.#source.current?.identity.path ?? this.#source.place?.path ?? ''
  }

  /** Counts its lives. */
  get incarnation(): number {
    return this.#source.current?.identity.incarnation ?? 0
  }

  /** In one word: `starting`, `running`, `restarting` (some child), `paused`, `stopping` or `dead`. */
  get state(): SupervisorState {
    return this.#source.current?.state ?? 'dead'
  }

  /**
   * Resolves when this incarnation has ended and all its children are gone. To wait for it does not hold the event loop
   * of the host: something else has to, if the host is to live as long.
   */
  get exited(): Promise<ExitReason> {
    return this.#actor.exited
  }

  /**
   * The worker at a place below this supervisor.
   * @param idOrPath - the id of a child, or a path such as `jobs/parser`; `jobs/worker-1` is a member of the pool `jobs`
   * @returns its handle, which follows it from incarnation to incarnation
   * @throws {SpecError} if there is no such worker
   */
  worker(idOrPath: PathOf<Spec, 'worker'>): WorkerHandle {
    return this.#handle(idOrPath, 'worker') as WorkerHandle
  }

  /**
   * The supervisor at a place below this one.
   * @param idOrPath - the id of a child, or a path
   * @throws {SpecError} if there is no such supervisor
   */
  supervisor<Path extends PathOf<Spec, 'supervisor'>>(idOrPath: Path): Supervisor<SpecAt<Spec, Path>> {
    return this.#handle(idOrPath, 'supervisor') as Supervisor<SpecAt<Spec, Path>>
  }

  /**
   * The pool at a place below this supervisor.
   * @param idOrPath - the id of a child, or a path
   * @throws {SpecError} if there is no such pool
   */
  pool(idOrPath: PathOf<Spec, 'pool'>): Pool {
    return this.#handle(idOrPath, 'pool') as Pool
  }

  /**
   * The children in the order of their start. (OTP lists the newest first.)
   * @returns a new array
   */
  whichChildren(): ChildInfo[] {
    const { current } = this.#source
    return current === undefined ? [] : Array.from(current.children, infoOf)
  }

  /**
   * How many children there are.
   * @returns specs, those of them that are up, supervisors (pools among them) and workers
   */
  countChildren(): ChildCounts {
    return countsOf(this.#source.current?.children ?? [])
  }

  /**
   * Starts a child that is not part of the spec, as the last in the order of start. It is not restored when this
   * supervisor is itself restarted. It may have to wait, for room among the boots, or behind the back-off of a group; the
   * host is held open for so long.
   *
   * @param spec - as in `children` of a supervisor's spec
   * @returns the handle of the child, when it is ready
   * @throws {SpecError} if the spec is not right, the id has an owner, `maxChildren` are there, or this supervisor ends
   * @throws {SpawnError | Error} what kept it from starting; nothing is kept of it then
   */
  async startChild<const Given extends ChildSpec>(
    spec: Given & CheckedChild<Given>,
  ): Promise<HandleOf<Given>> {
    const actor = this.#actor
    if (actor.isEnding) throw this.#fault('ended', 'id', spec?.id, 'it has ended. Start it again first.')
    const resolved = resolveChild(spec, this.#source.spec, this.#source.kinds, depthOf(this.path))
    const owner = actor.children.get(resolved.id)
    if (owner !== undefined) throw this.#taken(owner)
    const { maxChildren } = this.#source.spec
    if (actor.children.size >= maxChildren) {
      throw this.#fault('full', 'maxChildren', maxChildren, 'it is full. Raise it, or delete a child first.')
    }
    await new Promise<void>((resolve, reject) => {
      actor.admit(resolved, { resolve, reject })
    })
    return resolved.kind.handle as HandleOf<Given>
  }

  /**
   * Stops a child on purpose: it is not restarted, its spec is kept (unless it is temporary), and calls to it are
   * refused. No harm if it is down already. A restart of its siblings, or of this supervisor, leaves it down, unless
   * the spec says `resurrect`. A member of a pool is followed by another, since a pool keeps its size.
   *
   * @param idOrPath - the id of a child, or a path
   * @returns when it is gone
   * @throws {SpecError} if there is no such child
   */
  async terminateChild(idOrPath: ChildIdOf<Spec> | (string & {})): Promise<void> {
    const { actor, child } = this.#find(idOrPath)
    await terminate(actor, child)
  }

  /**
   * Starts a child again that was stopped, or has ended for good. Its row of failures is forgotten.
   *
   * @param idOrPath - the id of a child, or a path
   * @returns when it is ready
   * @throws {SpecError} if there is no such child, or if it is running or about to be
   * @throws {SpawnError | Error} what kept it from starting; it is down as before then
   */
  async restartChild(idOrPath: ChildIdOf<Spec> | (string & {})): Promise<void> {
    const { actor, child } = this.#find(idOrPath)
    await restart(actor, child)
  }

  /**
   * Forgets the spec of a child that is down, also for when this supervisor is started again; its id is free then.
   *
   * @param idOrPath - the id of a child, or a path
   * @throws {SpecError} if there is no such child, if it is running or about to be, or a member of a pool
   */
  deleteChild(idOrPath: ChildIdOf<Spec> | (string & {})): void {
    const { actor, child, parent } = this.#find(idOrPath)
    if (parent?.spec.kind.kind === 'pool') {
      const why = `\`${idOrPath}\` is a member of a pool, which has as many as its size. Use \`resize\` of the pool.`
      throw this.#fault('running', 'id', idOrPath, why)
    }
    if (forget(actor, child)) return
    const isRunning = child.state === 'up' || child.state === 'stopping'
    const why = `\`${child.id}\` can't be deleted: it is ${child.state}. Stop it first with \`terminateChild\`.`
    throw this.#fault(isRunning ? 'running' : 'restarting', 'id', child.id, why)
  }

  /**
   * Tells when a child ends: the incarnation that is alive now, or at once if there is none. Once, or never if it is
   * disposed of before. A listener that throws disturbs nothing; it becomes a process warning. Source: OTP's monitors.
   *
   * @param idOrPath - the id of a child, or a path
   * @param listener - called with what has ended, and why
   * @returns to be disposed of when it is not wanted any more
   * @throws {TypeError} if the listener is not a function, or the path no text
   * @throws {SpecError} if the path leads into a worker that is a host itself
   */
  monitor(idOrPath: ChildIdOf<Spec> | (string & {}), listener: (down: ChildDown) => void): Disposable {
    if (typeof listener !== 'function') {
      throw new TypeError(`Expected \`listener\` to be a function, got ${typeof listener}.`)
    }
    const child = this.#lookUp(idOrPath)?.child
    // It may well be alive there.
    if (child === undefined) this.#checkHost(idOrPath)
    const path = child?.path ?? (this.path === '' ? idOrPath : `${this.path}/${idOrPath}`)
    const incarnation = child?.incarnation ?? 0
    let isWanted = true
    const tell = (reason: ExitReason | 'noproc'): void => {
      if (!isWanted) return
      isWanted = false
      try {
        listener({ path, incarnation, reason })
      } catch (error) {
        const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
        process.emitWarning(`A monitor of ${path} threw: ${words}`, 'MaltsterWarning')
      }
    }
    if (child?.life === undefined) queueMicrotask(() => tell('noproc'))
    else child.monitors.add(tell)
    return {
      [Symbol.dispose]: () => {
        isWanted = false
        child?.monitors.delete(tell)
      },
    }
  }

  /**
   * Holds back what it does by itself: deaths are noted, and nothing is started until `resume`. Then they count as one
   * event. For tests of several deaths at once. Source: `sys:suspend`.
   */
  pause(): void {
    this.#actor.pause()
  }

  /** Goes on after `pause`. */
  resume(): void {
    this.#actor.resume()
  }

  /**
   * Everything below, as it is known now, as plain data. Of a worker that is a host itself, `children` has what was started
   * in it, as `Worker.children` does: workers, supervisors and pools, with their states and paths, at any depth.
   * @returns a new object, which can be sent or written as JSON
   */
  tree(): SupervisorTree {
    return treeOf(this.name, this.#actor)
  }

  /**
   * Stops all its children in order, and itself, on purpose: the supervisor above does not restart it. More than once is
   * no harm.
   * @returns why it ended, when all are gone
   */
  async stop(): Promise<ExitReason> {
    const { place } = this.#source
    const { exited } = this
    if (place === undefined) this.#actor.end('stop')
    else void place.terminate()
    return exited
  }

  /** As `stop`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  get #actor(): SupervisorActor {
    const { current } = this.#source
    if (current === undefined) throw this.#fault('ended', 'id', this.name, 'it has not been started yet.')
    return current
  }

  #lookUp(path: string): Found | undefined {
    if (typeof path !== 'string') throw new TypeError(`Expected an id or a path, got ${shown(path)}.`)
    let found: Found | undefined
    let actor = this.#source.current
    for (const id of path.split('/')) {
      const child = actor?.children.get(id)
      if (actor === undefined || child === undefined) return undefined
      found = { actor, child, parent: found?.child }
      actor = child.spec.kind.current
    }
    return found
  }

  #find(path: string): Found {
    const found = this.#lookUp(path)
    if (found !== undefined) return found
    this.#checkHost(path)
    const ids = this.whichChildren().map(({ id }) => `\`${id}\``)
    const there = ids.length === 0 ? 'It has none.' : `It has ${ids.join(', ')}.`
    throw this.#fault('not-found', 'id', path, `it has no child \`${path}\`. ${there}`)
  }

  /** Refuses a path that leads through a worker: what was started there is of another host. */
  #checkHost(path: string): void {
    const ids = path.split('/')
    for (const [index] of ids.entries()) {
      const above = ids.slice(0, index).join('/')
      if (above === '' || this.#lookUp(above)?.child.spec.kind.kind !== 'worker') continue
      const why =
        `\`${above}\` is a worker, and what was started in it is in another host, out of reach from here. Have a function ` +
        `look \`${ids.slice(index).join('/')}\` up there: \`worker('${above}').call(…)\`. From here \`tree()\` shows it, and ` +
        '`observe` tells of its events, its end among them.'
      throw this.#fault('not-found', 'id', path, why)
    }
  }

  #handle(path: string, kind: 'worker' | 'supervisor' | 'pool'): unknown {
    const { child } = this.#find(path)
    const { kind: actual, handle } = child.spec.kind
    if (actual === kind) return handle
    throw this.#fault(
      'not-found',
      'id',
      path,
      `\`${path}\` is a ${actual}, not a ${kind}. Use \`${actual}()\`.`,
    )
  }

  #taken(owner: Child): SpecError {
    const pid = owner.life?.run?.pid
    const who = pid === undefined ? `which is ${owner.state}` : `which is ${owner.state}, process ${pid}`
    const isRunning = owner.state === 'up' || owner.state === 'stopping'
    const advice = isRunning ? 'Take another id.' : 'Delete it first, or use `restartChild`.'
    const why = `the id \`${owner.id}\` belongs to \`${owner.path}\`, ${who}. ${advice}`
    return this.#fault(isRunning ? 'taken' : 'present', 'id', owner.id, why, pid)
  }

  #fault(fault: SpecFault, field: string, value: unknown, why: string, pid?: number): SpecError {
    const { path } = this
    const who = path === '' ? 'the root supervisor' : `supervisor \`${path}\``
    const message = `${who[0]!.toUpperCase()}${who.slice(1)}: ${why}`
    return new SpecError(message, { fault, field, value, worker: path, pid })
  }
}

/** How many supervisors there are from the top down to that place. */
const depthOf = (path: string): number => (path === '' ? 0 : path.split('/').length)

staysHere(Supervisor, {
  what: 'a Supervisor, whose children were started here',
  remedy:
    "Ask it from here, or send a `proxy` function that does; or start one there, with `await import('maltster')`.",
})
