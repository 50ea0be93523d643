import type { ExitReason } from '../../errors/exit-reason.ts'
import { backingOffError, gaveUpError, stoppedPoolError } from './pool-errors.ts'

/** `starting`: calls wait. `down`: it gave up, and its supervisor may start it again; until then calls are refused. */
export type PoolState = 'starting' | 'up' | 'stopping' | 'stopped' | 'down'

/** How a pool stands: whether it takes calls and members that are lost come back, and if not, why. */
export class Standing {
  readonly #path: () => string
  readonly #refuseAll: (error: Error) => void
  #state: PoolState = 'starting'
  #refusal: Error | undefined
  /** Why it has given up by itself, without its supervisor. */
  #failure: unknown
  /** Its calls are let finish before it is stopped, and whoever they need comes back meanwhile. */
  #isDraining = false

  /** @param refuseAll - has all that wait rejected */
  constructor(path: () => string, refuseAll: (error: Error) => void) {
    this.#path = path
    this.#refuseAll = refuseAll
  }

  get state(): PoolState {
    return this.#state
  }

  /** Why no call is taken, if so. */
  get refusal(): Error | undefined {
    return this.#refusal
  }

  get failure(): unknown {
    return this.#failure
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Members that are lost come back. */
  get isAtWork(): boolean {
    return this.#state === 'starting' || this.#state === 'up' || this.#isDraining
  }

  /** It has a crew, which is about to come. */
  entered(): void {
    this.#state = 'starting'
    this.#refusal = undefined
    this.#failure = undefined
    this.#isDraining = false
  }

  neverStarted(error: Error): void {
    if (this.#state === 'starting') this.#refuse('stopped', error)
  }

  started(): void {
    if (this.#state === 'starting') this.#state = 'up'
  }

  /** The crew is about to be stopped. */
  close(): void {
    if (!this.isAtWork) return
    this.#isDraining = false
    this.#refuse('stopping', stoppedPoolError(this.#path()))
  }

  /** What was made is let finish, unless that is paused. */
  drain(isPaused: boolean): void {
    if (!this.isAtWork || this.#isDraining) return
    this.#isDraining = true
    this.#state = 'stopping'
    this.#refusal = stoppedPoolError(this.#path())
    if (isPaused) this.paused()
  }

  /** What waits while it is stopped would wait for ever. */
  paused(): void {
    if (this.#isDraining) this.#refuseAll(stoppedPoolError(this.#path()))
  }

  /** Its supervisor has given up: whoever is left of the crew ends next. */
  gaveUp(failure: Error): void {
    if (!this.isAtWork) return
    this.#isDraining = false
    this.#refuse('down', gaveUpError(this.#path(), undefined, failure))
  }

  /** It gives up by itself. */
  giveUp(failure: unknown): void {
    this.#isDraining = false
    this.#failure = failure
    this.#refuse('down', gaveUpError(this.#path(), undefined, failure))
  }

  /** The crew is gone. */
  ended(reason: ExitReason): void {
    // While it lets its calls finish it may give up as ever.
    const hasGivenUp = this.#isDraining && reason.type !== 'shutdown'
    const wasAsked = this.#state === 'stopping' && !hasGivenUp
    if (hasGivenUp) this.#refusal = undefined
    this.#isDraining = false
    const path = this.#path()
    const refusal = wasAsked ? stoppedPoolError(path) : gaveUpError(path, reason, reason.cause)
    this.#refuse(wasAsked ? 'stopped' : 'down', this.#refusal ?? refusal)
  }

  /** Its supervisor starts it again, in milliseconds since 1970. */
  backsOff(retryAt: number): void {
    if (this.#state === 'down' && this.#refusal !== undefined)
      this.#refusal = backingOffError(this.#refusal, this.#path(), retryAt)
  }

  /** Its supervisor leaves it as it is, on purpose. */
  staysDown(): void {
    this.#state = 'stopped'
    this.#refusal = stoppedPoolError(this.#path())
  }

  #refuse(state: PoolState, error: Error): void {
    this.#state = state
    this.#refusal = error
    this.#refuseAll(error)
  }
}
