import type { CallOptions } from '../../actors/call-options.ts'
import type { Callable } from '../../actors/callable.ts'
import { whenAborted } from '../../movement/abort.ts'
import { isLossOf } from './crew.ts'
import { KeepAlive } from './keep-alive.ts'
import type { Life } from './life.ts'

/** Something that every member runs. */
export interface Broadcast {
  readonly fn: Callable
  /** A copy for each time. */
  readonly args: () => readonly unknown[]
  readonly options: CallOptions | undefined
}

/** A broadcast in one member. */
export interface BroadcastRun {
  readonly life: Life
  readonly outcome: Promise<unknown>
}

const mayHaveRun = (error: unknown): boolean => (error as { executed?: unknown }).executed !== 'no'

/**
 * What a broadcast came to in some members.
 * @returns what each returned that is still there; undefined if certainly none has run it
 * @throws what the first one threw, or the first death if all died with it
 */
export async function judge(runs: readonly BroadcastRun[]): Promise<unknown[] | undefined> {
  const settled = await Promise.allSettled(runs.map(({ outcome }) => outcome))
  const failures = settled.flatMap((one, at) =>
    one.status === 'rejected' ? [{ reason: one.reason as unknown, member: runs[at]!.life.member }] : [],
  )
  const thrown = failures.find(({ reason, member }) => !isLossOf(member, reason))
  if (thrown !== undefined) throw thrown.reason
  if (failures.length < runs.length)
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  // Had those to come run what kills everybody, none would ever serve.
  const deadly = failures.find(({ reason }) => mayHaveRun(reason))
  if (deadly !== undefined) throw deadly.reason
  return undefined
}

/** A broadcast that those to come run as well, once one member has shown that it can be run. */
export class LastingBroadcast {
  /** As those run it who come. Its sender may end that while it waits, and not afterwards: the pool has it then. */
  readonly forNewcomers: Broadcast
  /** Whether those to come must be able to run it; known when its sender is told what it came to. */
  readonly isProven: Promise<boolean>
  readonly #keepAlive = new KeepAlive()
  readonly #withdrawal = new AbortController()
  readonly #forget: () => void
  #settle!: (isProven: boolean) => void
  /** Those that came before it was known. */
  #newcomers: BroadcastRun[] = []
  #isSettled = false
  #refusal: Error | undefined
  #wake: () => void = () => {}

  constructor(what: Broadcast) {
    const { signal, ...options } = what.options ?? {}
    this.#forget = signal === undefined ? () => {} : whenAborted(signal, () => this.#withdraw(signal.reason))
    this.forNewcomers = {
      ...what,
      options: signal === undefined ? options : { ...options, signal: this.#withdrawal.signal },
    }
    if (signal?.aborted === true) this.#withdraw(signal.reason)
    this.isProven = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** A new member runs it. */
  arrived(run: BroadcastRun): void {
    if (this.#isSettled) return
    this.#newcomers.push(run)
    this.#wake()
  }

  /** Nobody is to come that could be its proof. */
  refuse(error: Error): void {
    this.#refusal = error
    this.#wake()
  }

  /** It is known what it came to. */
  settle(isProven: boolean): void {
    this.#forget()
    this.#isSettled = true
    this.#newcomers = []
    this.#settle(isProven)
  }

  /**
   * Waits until somebody has run it: one of these, or else the first to come that does.
   * @throws {Error} as `judge`; or why nobody is to come, or the reason of its signal, which ends the wait for them
   */
  async prove(runs: readonly BroadcastRun[]): Promise<unknown[]> {
    for (let asked = runs; ; asked = await this.#nextNewcomers()) {
      const values = await judge(asked)
      if (values !== undefined) return values
    }
  }

  #withdraw(reason: unknown): void {
    this.#withdrawal.abort(reason)
    this.#wake()
  }

  async #nextNewcomers(): Promise<BroadcastRun[]> {
    this.#keepAlive.hold()
    try {
      while (this.#newcomers.length === 0) {
        this.#withdrawal.signal.throwIfAborted()
        if (this.#refusal !== undefined) throw this.#refusal
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      return this.#newcomers.splice(0)
    } finally {
      this.#keepAlive.letGo()
    }
  }
}
