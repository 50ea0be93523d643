import type { CallOptions } from '../../../src/actors/call-options.ts'
import type { ExitReason } from '../../../src/errors/exit-reason.ts'
import { WorkerDiedError } from '../../../src/errors/worker-errors.ts'
import { defaultLimits } from '../../../src/transport/limits.ts'
import { systemClock } from '../../../src/transport/clock.ts'
import { CallKeeper } from '../../../src/supervisor/worker/call-keeper.ts'
import type { FunctionKeeper } from '../../../src/supervisor/worker/kept-functions.ts'
import type { Crew, PoolMember } from '../../../src/supervisor/pool/crew.ts'
import type { PoolOptions } from '../../../src/supervisor/pool/pool-options.ts'
import { PoolCore } from '../../../src/supervisor/pool/pool-core.ts'
import { resolvePool } from '../../../src/supervisor/pool/resolve-pool.ts'

export const exitReason = (type: ExitReason['type'], cause?: unknown): ExitReason => ({
  type,
  exitCode: null,
  signal: type === 'signal' ? 'SIGKILL' : null,
  stderrTail: '',
  lastFrames: [],
  uptimeMs: 1,
  ...(cause === undefined ? {} : { cause }),
})

/** Simulated members run functions as they are. */
const asTheyAre: FunctionKeeper = {
  keepFunction: (fn) => ({ fn, byteLength: 0 }),
  rememberFunction: (fn) => fn,
}

/** A member that runs functions in this process, until it is said to be dead. */
export class SimulatedMember implements PoolMember {
  readonly path: string
  readonly pid: number
  readonly incarnation: number
  /** What it is asked for its memory. */
  rssBytes = 0
  /** How often it was asked. */
  measured = 0
  wasKilled = false
  readonly #inFlight = new Set<(error: Error) => void>()
  #isDead = false

  constructor(id: string, incarnation: number) {
    this.path = `pool/${id}`
    this.incarnation = incarnation
    this.pid = 1000 * Number(id.split('-')[1]) + incarnation
  }

  get calls(): number {
    return this.#inFlight.size
  }

  async call(fn: unknown, args: readonly unknown[], options?: CallOptions): Promise<unknown> {
    options?.signal?.throwIfAborted()
    if (this.#isDead) throw this.#deathError('no')
    let settle: (error: Error) => void = () => {}
    const death = new Promise<never>((_, reject) => {
      settle = reject
      this.#inFlight.add(reject)
    })
    try {
      const run = async (): Promise<unknown> => (fn as (...own: unknown[]) => unknown).call(this, ...args)
      return await Promise.race([death, run()])
    } finally {
      this.#inFlight.delete(settle)
    }
  }

  stats(): Promise<{ rssBytes: number }> {
    this.measured++
    return Promise.resolve({ rssBytes: this.rssBytes })
  }

  kill(): void {
    this.wasKilled = true
  }

  /** Its process is dead, and its supervisor does not know. */
  die(executed: 'no' | 'unknown' = 'unknown'): void {
    this.#isDead = true
    for (const reject of this.#inFlight) reject(this.#deathError(executed))
  }

  #deathError(executed: 'no' | 'unknown'): WorkerDiedError {
    const context = { worker: this.path, reason: exitReason('signal'), executed }
    return new WorkerDiedError(`${this.path} died`, context)
  }
}

/** A crew whose members begin and end when the test says so, or at once. */
export class SimulatedCrew implements Crew {
  readonly core: PoolCore
  /** Errors for the next starts, of replacements as well. */
  readonly failures: Error[] = []
  readonly log: string[] = []
  /** So many members are dead when they are told to be ready. */
  bornDead = 0
  /** It has been told to end, or has given up; the pool is told later. */
  isEnding = false
  readonly #members = new Map<string, SimulatedMember>()
  readonly #incarnations = new Map<string, number>()

  constructor(core: PoolCore) {
    this.core = core
  }

  member(id: string): SimulatedMember {
    const member = this.#members.get(id)
    if (member === undefined) throw new Error(`${id} is not up`)
    return member
  }

  get up(): string[] {
    return [...this.#members.keys()]
  }

  begin(id: string): void {
    const incarnation = (this.#incarnations.get(id) ?? 0) + 1
    this.#incarnations.set(id, incarnation)
    const member = new SimulatedMember(id, incarnation)
    this.#members.set(id, member)
    if (this.bornDead-- > 0) member.die()
    this.core.ready(id, member)
  }

  /** A member dies, and its supervisor learns of it. */
  lose(id: string, executed?: 'no' | 'unknown'): void {
    this.member(id).die(executed)
    this.#members.delete(id)
    this.core.gone(id)
  }

  async add(id: string): Promise<void> {
    this.log.push(`add ${id}`)
    await Promise.resolve()
    this.#failIfSaid()
    this.begin(id)
  }

  async remove(id: string): Promise<void> {
    this.log.push(`remove ${id}`)
    await Promise.resolve()
    if (this.#members.has(id)) this.lose(id)
  }

  async replace(id: string): Promise<void> {
    this.log.push(`replace ${id}`)
    await Promise.resolve()
    if (this.#members.has(id)) this.lose(id)
    this.#failIfSaid()
    this.begin(id)
  }

  stop(): void {
    this.log.push('stop')
    this.isEnding = true
    for (const id of this.up) this.lose(id)
    this.core.ended(exitReason('shutdown'))
  }

  #failIfSaid(): void {
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
  }
}

/** A pool with simulated members, all of them up. */
export function simulatedPool(options: PoolOptions = {}): {
  core: PoolCore
  crew: SimulatedCrew
  unprepared: unknown[]
} {
  const unprepared: unknown[] = []
  const core = new PoolCore({
    options: resolvePool({ size: 2, ...options }),
    path: () => 'pool',
    clock: systemClock,
    keeper: new CallKeeper(defaultLimits, 'auto', asTheyAre),
    unprepared: (_, error) => unprepared.push(error),
  })
  const crew = new SimulatedCrew(core)
  core.enter(crew)
  for (const id of core.memberIds) crew.begin(id)
  core.started()
  return { core, crew, unprepared }
}

/** A promise that the test settles, and what it came to so far. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** What became of a promise, once all that is under way has had its turn. */
export async function outcomeOf(promise: Promise<unknown>, count?: number): Promise<unknown> {
  let outcome: unknown = 'pending'
  promise.then(
    (value) => (outcome = { value }),
    (error: unknown) => (outcome = { error }),
  )
  await turns(count)
  return outcome
}

/** Lets everything that is queued in this process run. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
