import type { CallOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import { RemoteRef } from '../../actors/remote-ref.ts'
import type { ArgumentKeeper } from '../worker/kept-arguments.ts'
import { isLossOf } from './crew.ts'
import type { Life } from './life.ts'
import { lastingReferenceError } from './pool-errors.ts'

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

const mayHaveRun = (error: unknown): boolean => (error as { executed?: unknown }).executed !== 'no'

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
        if (!isLossOf(life.member, error) && broadcast.isProven) this.#pool.unprepared(life, error)
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
    const failures = settled.flatMap((one, at) =>
      one.status === 'rejected' ? [{ reason: one.reason as unknown, member: lives[at]!.member }] : [],
    )
    const thrown = failures.filter(({ reason, member }) => !isLossOf(member, reason))
    const deadly = failures.filter(({ reason, member }) => isLossOf(member, reason) && mayHaveRun(reason))
    // Had those to come run what kills everybody, none would ever serve.
    const isDeadly = failures.length === lives.length && deadly.length > 0
    if (thrown.length > 0 || isDeadly) {
      if (isLasting) this.#lasting.splice(this.#lasting.indexOf(entry), 1)
      throw (thrown[0] ?? deadly[0])?.reason
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
