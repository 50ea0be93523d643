import type { CallOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import type { Clock } from '../../transport/clock.ts'
import type { CallKeeper } from '../worker/call-keeper.ts'
import { Broadcasts, copiesForThoseToCome } from './broadcasts.ts'
import type { Crew, CrewListener, PoolMember } from './crew.ts'
import { Dispatcher, type TaskTaker } from './dispatcher.ts'
import type { Life } from './life.ts'
import { Membership } from './membership.ts'
import { OneByOne } from './one-by-one.ts'
import { poolCall } from './pool-call.ts'
import type { PoolCallOptions } from './pool-call-options.ts'
import { emptyError, overfullError, resizeOvertakenError, startingError } from './pool-errors.ts'
import { memberStatsOf, type PoolStats } from './pool-stats.ts'
import { Recycling } from './recycling.ts'
import { replaceMember } from './replacing.ts'
import type { ResolvedPool } from './resolve-pool.ts'
import { Roster } from './roster.ts'
import { type PoolState, Standing } from './standing.ts'
import { Undertakings } from './undertakings.ts'

/** What a pool is made of. */
export interface PoolCoreParts {
  readonly options: ResolvedPool
  /** Its place in the tree, once it has one. */
  readonly path: () => string
  readonly clock: Clock
  readonly keeper: CallKeeper
  /** A member that is new could not run what was broadcast before. */
  readonly unprepared: (member: PoolMember, error: unknown) => void
}

/** A spare runs this as soon as it is up: of the first call of a process the most part is code that has never run. */
const warmUp = (nothing: number): number => nothing

/**
 * A pool of which nobody is up gives up when so many starts in a row have failed, and twice as many as it has members; to
 * start is to boot, and to run `init` and what was broadcast:
 * growing waits keep it below its limit of restarts, and what waits would wait for ever.
 */
const leastFailures = 5

/**
 * A pool without its processes: who takes which call, what new members have to run, who is to be replaced. Outlives its
 * crew: a supervisor that starts the pool again gives it another one.
 */
export class PoolCore implements CrewListener {
  readonly roster: Roster
  readonly dispatcher: Dispatcher
  readonly #parts: PoolCoreParts
  readonly #broadcasts: Broadcasts
  readonly #recycling: Recycling
  readonly #changes = new OneByOne()
  readonly #undertakings = new Undertakings()
  readonly #membership: Membership
  #crew: Crew | undefined
  readonly #standing: Standing
  #failedStarts = 0
  /** Members whose process is being replaced on purpose. */
  #replaced = new Set<string>()
  readonly #counts = { served: 0, restarts: 0, recycled: 0 }

  constructor(parts: PoolCoreParts) {
    const { options, clock } = parts
    this.#parts = parts
    this.#standing = new Standing(parts.path, (error) => this.#refuseAll(error))
    this.roster = new Roster(options)
    this.roster.resize(options.size)
    this.dispatcher = new Dispatcher({
      roster: this.roster,
      maxQueued: options.maxQueued,
      refusal: (wasBegun) => this.refusal(wasBegun),
      overfull: (waiting) => overfullError(parts.path(), waiting),
      served: (life) => {
        this.#counts.served++
        this.#recycling.served(life)
      },
    })
    this.#broadcasts = new Broadcasts({
      prepared: (life) => this.#prepared(life),
      unprepared: (life, error) => this.#unprepared(life, error),
      lost: (life, error) => this.#startFailed(life, error),
    })
    this.#recycling = new Recycling(options.recycle, clock, (life) => this.#retire(life))
    const { roster, dispatcher } = this
    const emptied = (): void => this.#refuseAll(emptyError(parts.path()))
    this.#membership = new Membership({ roster, dispatcher, clock, emptied }, options.size, options.spares)
  }

  get size(): number {
    return this.#membership.size
  }

  /** Why it has given up, if it was not its supervisor that did. */
  get failure(): unknown {
    return this.#standing.failure
  }

  get state(): PoolState {
    return this.#standing.state
  }

  /** The members that there are to be, in the order of their numbers. */
  get memberIds(): string[] {
    return this.#membership.ids
  }

  /** How many calls can be under way at once when all are there. */
  get capacity(): number {
    return Math.max(1, this.size * this.#parts.options.concurrency)
  }

  /** It has a crew from now on, whose members are those of `memberIds`. */
  enter(crew: Crew): void {
    this.#crew = crew
    this.#standing.entered()
    this.#failedStarts = 0
    this.#replaced = new Set()
  }

  /** It has no place any more, or is to be down there, and has had no crew: nobody will come. */
  neverStarted(error: Error): void {
    if (this.#crew === undefined) this.#standing.neverStarted(error)
  }

  /** All members have been ready. */
  started(): void {
    this.#standing.started()
  }

  ready(id: string, member: PoolMember): void {
    const life = this.roster.add(id, member)
    if (!this.#membership.has(id)) life.isLeaving = true
    this.#broadcasts.prepare(life)
    if (life.slot === undefined && !life.isLeaving) member.call(warmUp, [0]).catch(() => {})
  }

  gone(id: string): void {
    const life = this.roster.lifeOf(id)
    if (life === undefined) return
    if (!life.isLeaving && this.#standing.isAtWork) this.#counts.restarts++
    this.roster.remove(id)
    this.dispatcher.look()
  }

  failed(error: unknown): void {
    const limit = Math.max(leastFailures, 2 * this.#membership.count)
    const isAnybodyUp = this.roster.lives().some((life) => life.isPrepared && !life.isLeaving)
    const isHopeless = ++this.#failedStarts >= limit && !isAnybodyUp
    if (isHopeless && this.state !== 'starting' && this.#standing.isAtWork && this.#crew !== undefined)
      this.#giveUp(error, this.#crew)
  }

  stopped(id: string): void {
    if (this.#standing.isAtWork && this.#membership.has(id)) void this.#replace(id)
  }

  /** Its supervisor has given up: whoever is left of the crew ends next. */
  gaveUp(failure: Error): void {
    this.#standing.gaveUp(failure)
  }

  ended(reason: ExitReason): void {
    for (const { id } of this.roster.lives()) this.roster.remove(id)
    this.#standing.ended(reason)
    this.#crew = undefined
  }

  /** Takes no more calls, and has those that wait rejected: the crew is about to be stopped. */
  close(): void {
    this.#standing.close()
  }

  /** Takes no more calls; resolves when those that were made are over, and maps with all their items. */
  async drain(): Promise<void> {
    this.#standing.drain(this.dispatcher.isPaused)
    await Promise.all([this.dispatcher.whenIdle(), this.#undertakings.whenOver()])
  }

  /** Begins nothing more for now; what waits while it is stopped would wait for ever. */
  pause(): void {
    this.dispatcher.pause()
    this.#standing.paused()
  }

  /** Its supervisor starts it again, in milliseconds since 1970. */
  backsOff(retryAt: number): void {
    this.#standing.backsOff(retryAt)
  }

  /** Its supervisor leaves it as it is, on purpose. */
  staysDown(): void {
    if (this.#crew === undefined) this.#standing.staysDown()
  }

  /** Why no call is taken, if so. What was begun before the pool is stopped is let finish. */
  refusal(wasBegun = false): Error | undefined {
    if (wasBegun && this.#standing.isDraining && !this.dispatcher.isPaused) return undefined
    return this.#standing.refusal ?? (this.size === 0 ? emptyError(this.#parts.path()) : undefined)
  }

  /** Keeps what waits as it was. */
  get keeper(): CallKeeper {
    return this.#parts.keeper
  }

  call(fn: Callable, args: readonly unknown[], options: PoolCallOptions | undefined): Promise<unknown> {
    const { keeper, clock } = this.#parts
    const begin = (dispatcher: TaskTaker) => poolCall({ dispatcher, keeper, clock }, fn, args, options)
    return options?.retry === undefined ? begin(this.dispatcher) : this.undertake(begin)
  }

  /** Begins something that makes calls until it is over: a pool that is stopped lets it finish. */
  undertake<T>(begin: (dispatcher: TaskTaker) => Promise<T>): Promise<T> {
    const { dispatcher } = this
    if (this.refusal() !== undefined) return begin(dispatcher)
    const begun: TaskTaker = {
      wouldBegin: (key) => dispatcher.wouldBegin(key),
      submit: (task) => dispatcher.submit({ ...task, wasBegun: true }),
    }
    return this.#undertakings.watch(begin(begun))
  }

  async broadcast(
    fn: Callable,
    args: readonly unknown[],
    options: CallOptions | undefined,
    isLasting: boolean,
  ): Promise<unknown[]> {
    const refusal = this.refusal()
    if (refusal !== undefined) throw refusal
    const { keeper } = this.#parts
    // It may have to wait for one before it, and those to come run what those of today have run.
    const { fn: kept, failure } = keeper.keepFunction(fn, options)
    if (failure !== undefined) throw failure
    const copies = isLasting ? copiesForThoseToCome(keeper, args) : keeper.keep(args).copy
    const there = this.roster.lives().filter(({ isLeaving }) => !isLeaving)
    const broadcast = { fn: kept, args: copies, options }
    return this.#undertakings.watch(this.#broadcasts.send(there, broadcast, isLasting))
  }

  /** Makes it larger or smaller, after changes of size that were asked for before; none waits for those that go. */
  async resize(size: number): Promise<void> {
    const { left } = await this.#changes.do(async () => {
      const { refusal, state } = this.#standing
      if (refusal !== undefined) throw refusal
      if (state !== 'up' || this.#crew === undefined) throw startingError(this.#parts.path())
      const crew = this.#crew
      const isCurrent = (): boolean => this.#crew === crew
      if (size > this.size) await this.#grow(size, crew)
      return { left: size < this.size ? this.#membership.shrink(size, crew, isCurrent) : undefined }
    })
    await left
  }

  async #grow(size: number, crew: Crew): Promise<void> {
    const isCurrent = (): boolean => this.#crew === crew && !crew.isEnding
    const hasSpares = this.stats().spares > 0
    const isDone = await this.#membership.grow(size, crew, hasSpares, isCurrent)
    if (!isDone) throw this.#standing.refusal ?? resizeOvertakenError(this.#parts.path(), size)
  }

  stats(): PoolStats {
    const lives = this.roster.lives()
    return {
      state: this.state,
      size: this.size,
      spares: lives.filter(({ slot, isLeaving }) => slot === undefined && !isLeaving).length,
      waiting: this.dispatcher.waiting,
      running: this.dispatcher.running,
      ...this.#counts,
      members: lives.map(memberStatsOf),
    }
  }

  /** Somebody has come, or is about to leave. */
  #rearrange(): void {
    this.roster.assign()
    this.dispatcher.look()
  }

  /** Only now its start has gone well. */
  #prepared(life: Life): void {
    if (!life.isPrepared && !life.hasFailed) {
      life.isPrepared = true
      this.#failedStarts = 0
    }
    this.#rearrange()
  }

  #unprepared(life: Life, error: unknown): void {
    if (life.hasFailed) return
    life.isLeaving = true
    this.#counts.restarts++
    this.#rearrange()
    this.#parts.unprepared(life.member, error)
    life.member.kill()
    this.#startFailed(life, error)
  }

  /** Its process had started, but what it had to run before its first call has not gone well. */
  #startFailed(life: Life, error: unknown): void {
    if (life.hasFailed || life.isPrepared) return
    life.hasFailed = true
    this.failed(error)
  }

  #refuseAll(error: Error): void {
    this.dispatcher.refuseAll(error)
    this.#broadcasts.refuse(error)
  }

  #retire(life: Life): void {
    life.isLeaving = true
    this.#counts.recycled++
    this.#rearrange()
    void this.#afterIdle(life)
  }

  async #afterIdle(life: Life): Promise<void> {
    await life.whenIdle()
    // If it has died instead, its supervisor has seen to that.
    if (this.roster.lifeOf(life.id) === life) await this.#replace(life.id)
  }

  async #replace(id: string): Promise<void> {
    const crew = this.#crew
    const replaced = this.#replaced
    if (crew === undefined || replaced.has(id)) return
    replaced.add(id)
    const isWanted = (): boolean => this.#crew === crew && this.#standing.isAtWork && this.#membership.has(id)
    const failure = await replaceMember(crew, id, isWanted, this.#parts.clock)
    replaced.delete(id)
    if (failure !== undefined) this.#giveUp(failure, crew)
  }

  #giveUp(failure: unknown, crew: Crew): void {
    this.#standing.giveUp(failure)
    crew.stop()
  }
}
