import type { CallOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import type { Worker } from '../../actors/worker.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import { SpawnError } from '../../errors/worker-errors.ts'
import type { ModuleReference } from '../../movement/module-reference.ts'
import type { ChildIdentity, ChildKind, ChildListener, ChildPlace, ChildRun } from '../tree/child-run.ts'
import type { WorkerHandle } from '../worker/worker-handle.ts'
import type { CrewListener, PoolMember } from './crew.ts'

/** What a member tells its pool of its lives, besides what it tells the supervisor. */
export interface MemberListener extends Omit<CrewListener, 'ended'> {
  /** It has no place in the tree any more. */
  removed(id: string): void
  /** How long it may take to end, in milliseconds, of the time that it was given. */
  shutdownMs(givenMs: number): number
}

/** A worker as a child of a supervisor. */
type WorkerChild = ChildKind & { readonly handle: WorkerHandle }

/** A member of a pool: a worker like any other, of whose lives the pool hears in the turn in which they begin and end. */
export class MemberKind implements ChildKind {
  readonly kind = 'worker'
  readonly #worker: WorkerChild
  readonly #pool: MemberListener
  #watching: Disposable | undefined

  constructor(worker: WorkerChild, pool: MemberListener) {
    this.#worker = worker
    this.#pool = pool
  }

  get handle(): WorkerHandle {
    return this.#worker.handle
  }

  describe(): Readonly<Record<string, unknown>> {
    return this.#worker.describe?.() ?? {}
  }

  attach(place: ChildPlace): void {
    this.#watching?.[Symbol.dispose]()
    this.#worker.attach?.(place)
    this.#watching = place.subscribe(({ state }) => {
      if (state === 'stopped') this.#pool.stopped(place.id)
      else if (state === 'removed') this.#pool.removed(place.id)
    })
  }

  start(identity: ChildIdentity, listener: ChildListener): ChildRun {
    const { id } = identity
    const pool = this.#pool
    let isSkipped = false
    const run = this.#worker.start(identity, {
      skipped: () => {
        isSkipped = true
      },
      failed: (error) => {
        listener.failed(error)
        pool.failed(error)
      },
      ready: () => {
        listener.ready()
        // It may have been told to end while it booted.
        const worker = this.handle.current
        if (worker !== undefined) pool.ready(id, memberOf(worker))
      },
      exited: (reason, cause) => {
        pool.gone(id)
        if (isSkipped) {
          const error = skippedError(identity.path, run.pid, reason)
          listener.failed(error)
          pool.failed(error)
        }
        listener.exited(reason, cause)
      },
    })
    return {
      // Behind a launcher it is known only later.
      get pid() {
        return run.pid
      },
      stop: (shutdownMs) => run.stop(pool.shutdownMs(shutdownMs)),
    }
  }
}

const skippedError = (path: string, pid: number | undefined, reason: ExitReason): SpawnError =>
  new SpawnError(
    `\`init\` returned 'skip' in ${path}, and a pool can't do with less than its size. \`resize\` makes it smaller.`,
    { worker: path, pid, reason },
  )

function memberOf(worker: Worker): PoolMember {
  const { path, pid, incarnation } = worker
  return {
    path,
    pid,
    incarnation,
    call: (fn: Callable, args: readonly unknown[], options?: CallOptions) =>
      worker.call(fn as ModuleReference, args, options),
    stats: () => worker.stats(),
    kill: () => worker.kill(),
  }
}
