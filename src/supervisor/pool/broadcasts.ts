import type { CallOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import { WorkerDiedError, WorkerStoppedError } from '../../errors/worker-errors.ts'
import type { Life } from './life.ts'

/** Something that every member runs. */
interface Broadcast {
  readonly fn: Callable
  /** A copy for each time. */
  readonly args: () => readonly unknown[]
  readonly options: CallOptions | undefined
  /** Every member that was there has run it, so that one to come must be able to. */
  isProven: boolean
}

/** What broadcasts tell their pool. */
export interface BroadcastPool {
  /** A member has run all that it had to. */
  prepared(life: Life): void
  /** A new member could not run what all others could. */
  unprepared(life: Life, error: unknown): void
}

const isLoss = (error: unknown): boolean =>
  error instanceof WorkerDiedError || error instanceof WorkerStoppedError

const mayHaveRun = (error: unknown): boolean => (error as WorkerDiedError).executed !== 'no'

/** What every member of a pool runs, in one order: those that are there now, and those to come before their first call. */
export class Broadcasts {
  readonly #pool: BroadcastPool
  readonly #lasting: Broadcast[] = []
  /** For each life: its last broadcast so far. They run one after the other. */
  readonly #last = new WeakMap<Life, Promise<unknown>>()

  constructor(pool: BroadcastPool) {
    this.#pool = pool
  }

  /** Has a new life run what the others have run. */
  prepare(life: Life): void {
    if (this.#lasting.length === 0) {
      this.#pool.prepared(life)
      return
    }
    for (const broadcast of this.#lasting) {
      const mustRun = (error: unknown): void => {
        if (!isLoss(error) && broadcast.isProven) this.#pool.unprepared(life, error)
      }
      this.#run(life, withoutSignal(broadcast), mustRun).catch(() => {})
    }
  }

  /**
   * Has all of these run something, and, if it is to last, those to come.
   * @returns what each returned, without those that died meanwhile: whoever takes their place runs it as well
   * @throws what the first one threw, or the first death if all died with it; then those to come don't run it
   */
  async send(
    lives: readonly Life[],
    broadcast: Omit<Broadcast, 'isProven'>,
    isLasting: boolean,
  ): Promise<unknown[]> {
    const entry: Broadcast = { ...broadcast, isProven: false }
    const results = lives.map((life) => this.#run(life, entry))
    if (isLasting) this.#lasting.push(entry)
    const settled = await Promise.allSettled(results)
    const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
    const thrown = failures.filter((reason) => !isLoss(reason))
    // Had those to come run what kills everybody, none would ever serve.
    const isDeadly = failures.length === lives.length && failures.some((reason) => mayHaveRun(reason))
    if (thrown.length > 0 || isDeadly) {
      if (isLasting) this.#lasting.splice(this.#lasting.indexOf(entry), 1)
      throw thrown[0] ?? failures.find((reason) => mayHaveRun(reason))
    }
    entry.isProven = true
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  }

  #run(life: Life, broadcast: Broadcast, failed: (error: unknown) => void = () => {}): Promise<unknown> {
    life.preparing++
    const result = this.#callAfter(this.#last.get(life), life, broadcast, failed)
    this.#last.set(life, result)
    return result
  }

  async #callAfter(
    before: Promise<unknown> | undefined,
    life: Life,
    { fn, args, options }: Broadcast,
    failed: (error: unknown) => void,
  ): Promise<unknown> {
    try {
      if (before !== undefined) await before.catch(() => {})
      return await life.member.call(fn, args(), options)
    } catch (error) {
      failed(error)
      throw error
    } finally {
      life.preparing--
      if (life.preparing === 0) this.#pool.prepared(life)
    }
  }
}

/** Who has sent it may have given up waiting long ago. */
function withoutSignal(broadcast: Broadcast): Broadcast {
  const { signal: _, ...options } = broadcast.options ?? {}
  return { ...broadcast, options }
}
