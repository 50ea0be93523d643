import type { CallOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import type { Clock } from '../../transport/clock.ts'
import type { ArgumentKeeper } from '../worker/kept-arguments.ts'
import { Broadcasts, copiesForThoseToCome } from './broadcasts.ts'
import type { Crew, CrewListener, PoolMember } from './crew.ts'
import { Dispatcher, type TaskTaker } from './dispatcher.ts'
import type { Life } from './life.ts'
import { Membership } from './membership.ts'
import { OneByOne } from './one-by-one.ts'
import { poolCall } from './pool-call.ts'
import type { PoolCallOptions } from './pool-call-options.ts'
import {
  backingOffError,
  emptyError,
  gaveUpError,
  overfullError,
  resizeOvertakenError,
  startingError,
  stoppedPoolError,
} from './pool-errors.ts'
import { memberStatsOf, type PoolStats } from './pool-stats.ts'
import { Recycling } from './recycling.ts'
import { replaceMember } from './replacing.ts'
import type { ResolvedPool } from './resolve-pool.ts'
import { Roster } from './roster.ts'
import { Undertakings } from './undertakings.ts'

/** What a pool is made of. */
export interface PoolCoreParts {
  readonly options: ResolvedPool
  /** Its place in the tree, once it has one. */
  readonly path: () => string
  readonly clock: Clock
  readonly keeper: ArgumentKeeper
  /** A member that is new could not run what was broadcast before. */
  readonly unprepared: (member: PoolMember, error: unknown) => void
}

/** `starting`: calls wait. `down`: it gave up, and its supervisor may start it again; until then calls are refused. */
type PoolState = 'starting' | 'up' | 'stopping' | 'stopped' | 'down'

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
  #state: PoolState = 'starting'
  #refusal: Error | undefined
  /** Why it has given up by itself, without its supervisor. */
  #failure: unknown
  #failedStarts = 0
  /** Its calls are let finish before it is stopped, and whoever they need comes back meanwhile. */
  #isDraining = false
  /** Members whose process is being replaced on purpose. */
  #replaced = new Set<string>()
  readonly #counts = { served: 0, restarts: 0, recycled: 0 }

  constructor(parts: PoolCoreParts) {
    const { options, clock } = parts
    this.#parts = parts
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
    return this.#failure
  }

  get state(): PoolState {
    return this.#state
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
    this.#state = 'starting'
    this.#refusal = undefined
    this.#failure = undefined
    this.#failedStarts = 0
    this.#isDraining = false
    this.#replaced = new Set()
  }

  /** It has no place any more, or is to be down there, and has had no crew: nobody will come. */
  neverStarted(error: Error): void {
    if (this.#crew !== undefined || this.#state !== 'starting') return
    this.#state = 'stopped'
    this.#refusal = error
    this.#refuseAll(error)
  }

  /** All members have been ready. */
  started(): void {
    if (this.#state === 'starting') this.#state = 'up'
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
    if (!life.isLeaving && this.#isAtWork) this.#counts.restarts++
    this.roster.remove(id)
    this.dispatcher.look()
  }

  failed(error: unknown): void {
    const limit = Math.max(leastFailures, 2 * this.#membership.count)
    const isAnybodyUp = this.roster.lives().some((life) => life.isPrepared && !life.isLeaving)
    const isHopeless = ++this.#failedStarts >= limit && !isAnybodyUp
    if (isHopeless && this.#state !== 'starting' && this.#isAtWork && this.#crew !== undefined)
      this.#giveUp(error, this.#crew)
  }

  stopped(id: string): void {
    if (this.#isAtWork && this.#membership.has(id)) void this.#replace(id)
  }

  ended(reason: ExitReason): void {
    // While it lets its calls finish it may give up as ever.
    const hasGivenUp = this.#isDraining && reason.type !== 'shutdown'
    const wasAsked = this.#state === 'stopping' && !hasGivenUp
    const path = this.#parts.path()
    if (hasGivenUp) this.#refusal = undefined
    this.#isDraining = false
    this.#state = wasAsked ? 'stopped' : 'down'
    this.#refusal ??= wasAsked ? stoppedPoolError(path) : gaveUpError(path, reason, reason.cause)
    for (const { id } of this.roster.lives()) this.roster.remove(id)
    this.#refuseAll(this.#refusal)
    this.#crew = undefined
  }

  /** Takes no more calls, and has those that wait rejected: the crew is about to be stopped. */
  close(): void {
    if (!this.#isAtWork) return
    this.#isDraining = false
    this.#state = 'stopping'
    this.#refusal = stoppedPoolError(this.#parts.path())
    this.#refuseAll(this.#refusal)
  }

  /** Takes no more calls; resolves when those that were made are over, and maps with all their items. */
  async drain(): Promise<void> {
    if (this.#isAtWork && !this.#isDraining) {
      this.#isDraining = true
      this.#state = 'stopping'
      this.#refusal = stoppedPoolError(this.#parts.path())
      if (this.dispatcher.isPaused) this.#refuseAll(this.#refusal)
    }
    await Promise.all([this.dispatcher.whenIdle(), this.#undertakings.whenOver()])
  }

  /** Begins nothing more for now; what waits while it is stopped would wait for ever. */
  pause(): void {
    this.dispatcher.pause()
    if (this.#isDraining) this.#refuseAll(stoppedPoolError(this.#parts.path()))
  }

  /** Its supervisor starts it again, in milliseconds since 1970. */
  backsOff(retryAt: number): void {
    if (this.#state === 'down' && this.#refusal !== undefined)
      this.#refusal = backingOffError(this.#refusal, this.#parts.path(), retryAt)
  }

  /** Its supervisor leaves it as it is, on purpose. */
  staysDown(): void {
    if (this.#crew !== undefined) return
    this.#state = 'stopped'
    this.#refusal = stoppedPoolError(this.#parts.path())
  }

  /** Members that are lost come back. */
  get #isAtWork(): boolean {
    return this.#state === 'starting' || this.#state === 'up' || this.#isDraining
  }

  /** Why no call is taken, if so. What was begun before the pool is stopped is let finish. */
  refusal(wasBegun = false): Error | undefined {
    if (wasBegun && this.#isDraining && !this.dispatcher.isPaused) return undefined
    return this.#refusal ?? (this.size === 0 ? emptyError(this.#parts.path()) : undefined)
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
    const copies = isLasting ? copiesForThoseToCome(this.#parts.keeper, args) : () => args
    const there = this.roster.lives().filter(({ isLeaving }) => !isLeaving)
    const broadcast = { fn, args: copies, options }
    return this.#undertakings.watch(this.#broadcasts.send(there, broadcast, isLasting))
  }

  /** Makes it larger or smaller, after changes of size that were asked for before; none waits for those that go. */
  async resize(size: number): Promise<void> {
    const { left } = await this.#changes.do(async () => {
      if (this.#refusal !== undefined) throw this.#refusal
      if (this.#state !== 'up' || this.#crew === undefined) throw startingError(this.#parts.path())
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
    if (!isDone) throw this.#refusal ?? resizeOvertakenError(this.#parts.path(), size)
  }

  stats(): PoolStats {
    const lives = this.roster.lives()
    return {
      state: this.#state,
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
    const isWanted = (): boolean => this.#crew === crew && this.#isAtWork && this.#membership.has(id)
    const failure = await replaceMember(crew, id, isWanted, this.#parts.clock)
    replaced.delete(id)
    if (failure !== undefined) this.#giveUp(failure, crew)
  }

  #giveUp(failure: unknown, crew: Crew): void {
    this.#state = 'down'
    this.#isDraining = false
    this.#failure = failure
    this.#refusal = gaveUpError(this.#parts.path(), undefined, failure)
    this.#refuseAll(this.#refusal)
    crew.stop()
  }
}
