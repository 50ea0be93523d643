import { RemoteRef } from '../../actors/remote-ref.ts'
import { WorkerDiedError } from '../../errors/worker-errors.ts'
import type { ArgumentKeeper } from '../worker/kept-arguments.ts'
import { isLossOf } from './crew.ts'
import { type Broadcast, type BroadcastRun, judge, LastingBroadcast } from './lasting-broadcast.ts'
import type { Life } from './life.ts'
import { lastingReferenceError } from './pool-errors.ts'

/** What broadcasts tell their pool. */
export interface BroadcastPool {
  /** A member has run all that it had to, or has done what it could of what not all have to. */
  prepared(life: Life): void
  /** A new member could not run what others could. */
  unprepared(life: Life, error: unknown): void
  /** A new member has died before it had run all that it had to. */
  lost(life: Life, error: unknown): void
}

/** What every member of a pool runs, in one order: those that are there now, and those to come before their first call. */
export class Broadcasts {
  readonly #pool: BroadcastPool
  readonly #lasting: LastingBroadcast[] = []
  /** For each life: its last broadcast so far. They run one after the other. */
  readonly #last = new WeakMap<Life, Promise<unknown>>()

  constructor(pool: BroadcastPool) {
    this.#pool = pool
  }

  /** Has a new life run what the others have run. */
  prepare(life: Life): void {
    if (this.#lasting.length === 0) this.#pool.prepared(life)
    for (const broadcast of this.#lasting) {
      const run = this.#run(life, broadcast.forNewcomers)
      broadcast.arrived(run)
      void this.#follow(run, broadcast)
    }
  }

  /**
   * Has all of these run something, and, if it is to last, those to come. What lasts waits for its proof, which is one
   * member that has run it: if none of these can, it is the first to come.
   * @returns what each returned, without those that died meanwhile: whoever takes their place runs it as well
   * @throws what the first one threw, or the first death if all died with it; then those to come don't run it
   */
  async send(lives: readonly Life[], what: Broadcast, isLasting: boolean): Promise<unknown[]> {
    const runs = lives.map((life) => this.#run(life, what))
    for (const run of runs) void this.#release(run)
    if (!isLasting) return (await judge(runs)) ?? []
    const broadcast = new LastingBroadcast(what)
    this.#lasting.push(broadcast)
    try {
      const values = await broadcast.prove(runs)
      broadcast.settle(true)
      return values
    } catch (error) {
      this.#lasting.splice(this.#lasting.indexOf(broadcast), 1)
      broadcast.settle(false)
      throw error
    }
  }

  /** Nobody is to come: what waits for somebody to run it rejects. */
  refuse(error: Error): void {
    for (const broadcast of this.#lasting) broadcast.refuse(error)
  }

  #run(life: Life, what: Broadcast): BroadcastRun {
    life.preparing++
    const outcome = callAfter(this.#last.get(life), life, what)
    outcome.catch(() => {})
    this.#last.set(life, outcome)
    return { life, outcome }
  }

  async #release({ life, outcome }: BroadcastRun): Promise<void> {
    await outcome.catch(() => {})
    this.#done(life)
  }

  /** What becomes of a new member that has to run it. */
  async #follow({ life, outcome }: BroadcastRun, broadcast: LastingBroadcast): Promise<void> {
    try {
      await outcome
    } catch (error) {
      if (error instanceof WorkerDiedError && isLossOf(life.member, error)) this.#pool.lost(life, error)
      else if (!isLossOf(life.member, error) && (await broadcast.isProven)) this.#pool.unprepared(life, error)
    }
    this.#done(life)
  }

  #done(life: Life): void {
    life.preparing--
    if (life.preparing === 0) this.#pool.prepared(life)
  }
}

async function callAfter(
  before: Promise<unknown> | undefined,
  life: Life,
  { fn, args, options }: Broadcast,
): Promise<unknown> {
  if (before !== undefined) await before.catch(() => {})
  return life.member.call(fn, args(), options)
}

/**
 * Copies of arguments: what those to come run must be what those of today have run, whatever its owner does to it
 * meanwhile.
 * @throws {TypeError} if a reference is among them, which may not live as long
 */
export function copiesForThoseToCome(
  keeper: ArgumentKeeper,
  args: readonly unknown[],
): () => readonly unknown[] {
  const { live, copy } = keeper.keep(args)
  const reference = live.find((one) => one instanceof RemoteRef)
  if (reference !== undefined) throw lastingReferenceError(reference)
  return copy
}
