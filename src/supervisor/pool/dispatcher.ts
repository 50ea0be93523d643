import { whenAborted } from '../../movement/abort.ts'
import { rejection } from '../../actors/remote-error.ts'
import type { WorkerDiedError } from '../../errors/worker-errors.ts'
import { KeepAlive } from './keep-alive.ts'
import type { Life } from './life.ts'
import { isLossOf, type PoolMember } from './crew.ts'
import type { Roster } from './roster.ts'
import { type PoolKey, slotOfKey } from './slot-of-key.ts'
import { type Turn, Turns } from './turns.ts'
import { WaitingRoom } from './waiting-room.ts'

/** Something to be done by one member. */
export interface Task {
  readonly priority: number
  /** With others of the same key on one member, as long as it lives. */
  readonly key: PoolKey | undefined
  /** Each of them takes it out of the line when it aborts; what has begun is not its business. */
  readonly signals: readonly AbortSignal[]
  /** Whether it can be done anew as it was meant, if it was with a member and certainly did not run there. */
  readonly mayMove: boolean
  /** Why it can't be sent to anybody, which is known already. */
  readonly failure?: Error | undefined
  /** Part of something that was begun before, such as a map: taken as long as the pool lets that finish. */
  readonly wasBegun?: boolean
  run(member: PoolMember): Promise<unknown>
}

/** What a dispatcher asks and tells its pool. */
export interface DispatcherPool {
  readonly roster: Roster
  readonly maxQueued: number
  /** Why nothing is taken now, if so; of what was begun before, or of what is new. */
  refusal(wasBegun: boolean): Error | undefined
  /** What a call is told that would be one too many. */
  overfull(waiting: number): Error
  /** A member has done with something. */
  served(life: Life): void
}

/** How often a task is handed on that certainly did not run where it was. */
const maxHandovers = 2

class Job implements Turn {
  readonly seq: number
  readonly task: Task
  readonly settle: (result: unknown) => void
  priority: number
  slot: number | undefined
  isWaiting = false
  run: (() => Promise<unknown>) | undefined
  handovers = 0
  release: () => void = () => {}

  constructor(seq: number, task: Task, settle: (result: unknown) => void) {
    this.seq = seq
    this.task = task
    this.settle = settle
    this.priority = task.priority
  }
}

/** Where tasks go. */
export type TaskTaker = Pick<Dispatcher, 'submit' | 'wouldBegin'>

/** Hands tasks to members: by priority, by key, and one after the other. */
export class Dispatcher {
  readonly #pool: DispatcherPool
  readonly #room: WaitingRoom<Job>
  readonly #turns: Turns<Job>
  readonly #keepAlive = new KeepAlive()
  readonly #idleWaiters: (() => void)[] = []
  #lastSeq = 0
  #running = 0

  constructor(pool: DispatcherPool) {
    this.#pool = pool
    this.#room = new WaitingRoom((slot) => pool.roster.isFree(slot))
    this.#turns = new Turns(this.#room)
  }

  /** How many wait for a member. */
  get waiting(): number {
    return this.#room.count
  }

  /** How many are with a member. */
  get running(): number {
    return this.#running
  }

  get isPaused(): boolean {
    return this.#turns.isPaused
  }

  pause(): void {
    this.#turns.pause()
  }

  resume(): void {
    this.#turns.resume()
  }

  /** Members have come or gone: as many tasks as there are places for begin. */
  look(): void {
    this.#turns.look()
  }

  /** There are more slots, or fewer: what waits for one by its key may have to wait for another one. */
  reroute(): void {
    this.#room.reroute(({ task }) => this.#slotOf(task.key))
    this.look()
  }

  /** Whether a call would go to a member at once. */
  wouldBegin(key: PoolKey | undefined): boolean {
    return !this.isPaused && this.#pool.roster.isFree(this.#slotOf(key))
  }

  /** Resolves with what the task does, once a member could take it. */
  submit(task: Task): Promise<unknown> {
    const aborted = task.signals.find((signal) => signal.aborted)
    if (aborted !== undefined) return Promise.reject(aborted.reason as Error)
    const refusal = this.#pool.refusal(task.wasBegun === true)
    if (refusal !== undefined) return rejection(refusal)
    const { maxQueued } = this.#pool
    if (this.waiting >= maxQueued) return rejection(this.#pool.overfull(this.waiting))
    if (task.failure !== undefined) return rejection(task.failure)
    return new Promise((settle) => {
      const job = new Job(++this.#lastSeq, task, settle)
      this.#watch(job)
      this.#enqueue(job)
    })
  }

  /** Rejects all that wait. */
  refuseAll(error: Error): void {
    for (const job of this.#room.all()) this.#drop(job, error)
  }

  /** Resolves when nothing waits and nothing runs. */
  whenIdle(): Promise<void> {
    if (this.waiting === 0 && this.#running === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idleWaiters.push(resolve))
  }

  #enqueue(job: Job): void {
    job.slot = this.#slotOf(job.task.key)
    this.#turns.add(job, () => this.#begin(job))
    if (job.isWaiting) this.#keepAlive.hold()
  }

  #slotOf(key: PoolKey | undefined): number | undefined {
    return key === undefined ? undefined : slotOfKey(key, this.#pool.roster.size)
  }

  #watch(job: Job): void {
    const { signals } = job.task
    if (signals.length === 0) return
    const forget = signals.map((signal) => whenAborted(signal, () => this.#drop(job, signal.reason)))
    job.release = () => {
      for (const one of forget) one()
    }
  }

  #drop(job: Job, reason: unknown): void {
    if (!this.#room.remove(job)) return
    job.release()
    job.settle(rejection(reason))
    this.#noteRest()
  }

  /** p-queue's turn for it has come, and a place is free. */
  async #begin(job: Job): Promise<void> {
    const { roster } = this.#pool
    const life = roster.claim(job.slot)
    this.#running++
    try {
      // The waiting room has looked a moment ago; were it wrong, the call would wait on.
      if (life === undefined) this.#enqueue(job)
      else await this.#runOn(life, job)
    } finally {
      this.#running--
      if (life !== undefined) {
        life.release()
        this.#pool.served(life)
      }
      this.#noteRest()
    }
  }

  async #runOn(life: Life, job: Job): Promise<void> {
    try {
      const value = await job.task.run(life.member)
      job.release()
      job.settle(value)
    } catch (error) {
      if (isLossOf(life.member, error)) {
        // It may take a turn until the supervisor tells so.
        life.isLeaving = true
        this.#pool.roster.assign()
        this.look()
        if (didNotRun(error) && this.#handOn(job)) return
      }
      job.release()
      job.settle(rejection(error))
    }
  }

  /** Another member gets what certainly did not run: that is no second attempt, but the first. */
  #handOn(job: Job): boolean {
    const { signals, mayMove } = job.task
    const isAborted = signals.some((signal) => signal.aborted)
    if (!mayMove || isAborted || job.handovers === maxHandovers) return false
    if (this.#pool.refusal(true) !== undefined) return false
    job.handovers++
    this.#enqueue(job)
    return true
  }

  #noteRest(): void {
    if (this.waiting > 0) return
    this.#keepAlive.letGo()
    if (this.#running === 0) for (const resolve of this.#idleWaiters.splice(0)) resolve()
  }
}

const didNotRun = (error: unknown): boolean => (error as WorkerDiedError).executed === 'no'
