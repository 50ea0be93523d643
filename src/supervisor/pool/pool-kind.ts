import { ownOptions } from '../../actors/resolve-options.ts'
import { systemSeams } from '../../actors/seams.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import { SpawnError } from '../../errors/worker-errors.ts'
import { type ChildKinds, type ResolvedChild, type ResolvedSpec, resolveSpec } from '../spec/resolve-spec.ts'
import type { ChildIdentity, ChildKind, ChildListener, ChildPlace, ChildRun } from '../tree/child-run.ts'
import { treeOf } from '../tree/child-tree.ts'
import { SupervisorActor } from '../tree/supervisor-actor.ts'
import { systemTreeSeams, type TreeSeams } from '../tree/tree-seams.ts'
import { CallKeeper } from '../worker/call-keeper.ts'
import type { WorkerHandle } from '../worker/worker-handle.ts'
import { WorkerKind } from '../worker/worker-kind.ts'
import type { PoolMember } from './crew.ts'
import { MemberKind, type MemberListener } from './member-kind.ts'
import { headStartMs } from './membership.ts'
import { PoolCore } from './pool-core.ts'
import type { PoolOptions } from './pool-options.ts'
import { neverStartedError, stoppedPoolError } from './pool-errors.ts'
import { PoolEnd } from './pool-end.ts'
import { Pool, type PoolPlace } from './pool.ts'
import { type ResolvedPool, resolvePool } from './resolve-pool.ts'
import { SupervisedCrew } from './supervised-crew.ts'

/** How long a member may take to end, in milliseconds; and once the pool has waited for its calls. */
const shutdownMs = { usual: 5000, drained: 1000 } as const

/** By default so many restarts a member are fine within the period, and so many in any case. */
const restarts = { each: 5, least: 10 } as const

/** Members that die under load are no reason to wait long, as long as they had been at work. */
const backoffDefaults = { maxMs: 5000, resetAfterMs: 1000 } as const

/** A pool has no children but its members, which come at run time. */
const noChild = (): never => {
  throw new Error('A pool has no children of its own.')
}
const noKinds: ChildKinds = { worker: noChild, supervisor: noChild, pool: noChild }

function supervisorOf(options: PoolOptions, { size, spares }: ResolvedPool): ResolvedSpec {
  const { periodMs, maxConcurrentBoots } = options
  const isGiven = typeof options.backoff === 'object' || options.backoff === undefined
  const backoff = isGiven ? { ...backoffDefaults, ...options.backoff } : options.backoff
  const maxRestarts = options.maxRestarts ?? Math.max(restarts.least, restarts.each * (size + spares))
  const given = Object.entries({ periodMs, backoff, maxConcurrentBoots }).filter(
    ([, value]) => value !== undefined,
  )
  const spec = resolveSpec({ maxRestarts, ...Object.fromEntries(given) }, noKinds)
  // Also where nobody shall wait: while a spare is at work nobody does.
  return spares > 0 ? { ...spec, backoff: { ...spec.backoff, firstMs: headStartMs } } : spec
}

interface Member {
  readonly kind: MemberKind
  readonly lives: ResolvedChild['lives']
}

/** A pool as a child of a supervisor: its options, read once, and what starts it anew for each incarnation. */
export class PoolKind implements ChildKind, PoolPlace, MemberListener {
  readonly kind = 'pool'
  readonly handle: Pool
  readonly #id: string
  readonly #options: PoolOptions
  readonly #spec: ResolvedSpec
  readonly #seams: TreeSeams
  readonly #core: PoolCore
  /** Of all that are to be members: a name keeps its handle and its count of lives, also when the pool is restarted. */
  readonly #members = new Map<string, Member>()
  readonly #end = new PoolEnd()
  #place: ChildPlace | undefined
  #watching: Disposable | undefined
  #actor: SupervisorActor | undefined
  #isHurried = false

  /** @throws {TypeError | RangeError | SpecError | CaptureError} for wrong options, before anything is started */
  constructor(id: string, options: PoolOptions, seams: TreeSeams = systemTreeSeams) {
    const resolved = resolvePool(options)
    if (options.name !== undefined && options.name !== id) {
      throw new TypeError(`Its name in the tree is its id, \`${id}\`; leave \`name\` out.`)
    }
    this.#id = id
    this.#options = { ...options, worker: ownOptions(options.worker ?? {}) }
    this.#spec = supervisorOf(options, resolved)
    this.#seams = seams
    this.#core = new PoolCore({
      options: resolved,
      path: () => this.path,
      clock: seams.clock,
      keeper: new CallKeeper(resolved.limits, resolved.capture),
      unprepared: (member, error) => this.#reportUnprepared(member, error),
    })
    // Their options are checked by the first, be the pool of size 0.
    this.#member('worker-1')
    this.handle = new Pool(this.#core, this)
  }

  get path(): string {
    return this.#place?.path ?? this.#id
  }

  get clock(): TreeSeams['clock'] {
    return this.#seams.clock
  }

  /** The supervisor of its members. */
  get current(): SupervisorActor | undefined {
    return this.#actor
  }

  get exited(): Promise<ExitReason> {
    return this.#end.exited
  }

  handles(): WorkerHandle[] {
    return this.#core.memberIds.map((id) => this.#member(id).kind.handle)
  }

  describe(): Readonly<Record<string, unknown>> {
    const { members: _, ...stats } = this.#core.stats()
    if (this.#actor === undefined) return { pool: stats, children: [] }
    const { strategy, budget, children } = treeOf(this.#id, this.#actor)
    return { strategy, budget, pool: stats, children }
  }

  attach(place: ChildPlace): void {
    this.#watching?.[Symbol.dispose]()
    this.#place = place
    this.#end.watch(place)
    this.#watching = place.subscribe(({ state, retryAtMs }) => {
      const { clock } = this.#seams
      const { leaving } = place.status
      if (state === 'removed' || leaving?.failure !== undefined)
        this.#core.neverStarted(neverStartedError(place.path))
      else if (leaving !== undefined) this.#core.neverStarted(stoppedPoolError(place.path))
      // After that: who was never started is told so, and not that it stays down.
      if (state === 'stopped') this.#core.staysDown()
      else if (state === 'backing-off' && retryAtMs !== undefined)
        this.#core.backsOff(Math.ceil(clock.wallTimeMs() + retryAtMs - clock.nowMs()))
    })
  }

  async terminate(): Promise<void> {
    this.#isHurried = true
    await this.#place?.terminate()
  }

  start({ path, incarnation }: ChildIdentity, listener: ChildListener): ChildRun {
    let startError: Error | undefined
    this.#isHurried = false
    this.#end.begun()
    const ended = (reason: ExitReason, cause?: number): void => {
      const own = this.#reasonOf(reason, startError)
      this.#core.ended(own)
      this.#end.ended(own)
      listener.exited(own, cause)
    }
    const actor = new SupervisorActor(this.#spec, { path, incarnation }, this.#seams, {
      ready: () => {},
      skipped: () => {},
      failed: () => {},
      exited: ended,
      gaveUp: (failure) => this.#core.gaveUp(failure),
    })
    actor.above = this.#place
    this.#actor = actor
    const crew = new SupervisedCrew(actor, (id) => this.#childOf(id))
    this.#core.enter(crew)
    actor.start()
    let isTold = false
    this.#startMembers(crew).then(
      () => {
        if (isTold) return
        this.#core.started()
        listener.ready()
      },
      (error: Error) => {
        if (isTold || actor.isEnding) return
        startError = notStarted(path, error)
        listener.failed(startError)
        actor.end('stop')
      },
    )
    const stop = (givenMs: number): void => {
      isTold = true
      this.#core.close()
      actor.end(givenMs === 0 ? 'kill' : 'stop')
    }
    return { pid: undefined, stop }
  }

  ready(id: string, member: PoolMember): void {
    this.#core.ready(id, member)
  }

  gone(id: string): void {
    this.#core.gone(id)
  }

  failed(error: unknown): void {
    this.#core.failed(error)
  }

  stopped(id: string): void {
    this.#core.stopped(id)
  }

  removed(id: string): void {
    if (!this.#core.memberIds.includes(id)) this.#members.delete(id)
  }

  shutdownMs(givenMs: number): number {
    return this.#isHurried ? Math.min(givenMs, shutdownMs.drained) : givenMs
  }

  /** To its own supervisor a pool that has not come up, or has given up, is not one that was stopped. */
  #reasonOf(reason: ExitReason, startError: Error | undefined): ExitReason {
    if (startError !== undefined) return { ...reason, type: 'boot', cause: startError }
    const { failure } = this.#core
    return failure === undefined ? reason : { ...reason, type: 'escalated', cause: failure }
  }

  async #startMembers(crew: SupervisedCrew): Promise<void> {
    await Promise.all(this.#core.memberIds.map((id) => crew.add(id)))
  }

  #member(id: string): Member {
    const known = this.#members.get(id)
    if (known !== undefined) return known
    const { worker = {}, init } = this.#options
    const { clock, events } = this.#seams
    const seams = { ...systemSeams, clock, events }
    const kind = new MemberKind(new WorkerKind(id, worker, { init, seams }), this)
    const member = { kind, lives: { count: 0, isStopped: false } }
    this.#members.set(id, member)
    return member
  }

  #childOf(id: string): ResolvedChild {
    const { kind, lives } = this.#member(id)
    return { id, kind, lives, restart: 'permanent', shutdownMs: shutdownMs.usual, significant: false }
  }

  #reportUnprepared(member: PoolMember, error: unknown): void {
    const { events } = this.#seams
    const incarnation = this.#place?.status.incarnation ?? 1
    events.emit(
      { path: this.path, incarnation },
      { type: 'pool.broadcastFailed', member: member.path, error },
    )
    if (events.isObserved('pool.broadcastFailed', this.path)) return
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const message = `A new member, ${member.path}, could not run what was broadcast before: ${words}`
    process.emitWarning(message, 'MaltsterWarning')
  }
}

function notStarted(path: string, error: Error): Error {
  if (!(error instanceof SpawnError)) return error
  const message = `Pool ${path} could not be started, because of one of its members: ${error.message}`
  return new SpawnError(message, { worker: error.worker, pid: error.pid, reason: error.reason, cause: error })
}
