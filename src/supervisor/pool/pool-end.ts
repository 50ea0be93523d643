import type { ExitReason } from '../../errors/exit-reason.ts'
import { type ChildPlace, settledStates } from '../tree/child-run.ts'
import { reasonWithoutProcess } from '../tree/supervisor-errors.ts'

/** When a pool has ended for good: that its crew has ended is not enough, since its supervisor may start it again. */
export class PoolEnd {
  #exited!: Promise<ExitReason>
  #settle!: (reason: ExitReason) => void
  #isSettled = true
  /** Of the last crew. */
  #lastReason: ExitReason | undefined
  #watching: Disposable | undefined

  constructor() {
    this.begun()
  }

  get exited(): Promise<ExitReason> {
    return this.#exited
  }

  watch(place: ChildPlace): void {
    this.#watching?.[Symbol.dispose]()
    this.#watching = place.subscribe(({ state }) => {
      if (!settledStates.has(state)) return
      this.#isSettled = true
      // Without a crew there is nothing that could have gone wrong.
      this.#settle(this.#lastReason ?? reasonWithoutProcess('shutdown', 0))
    })
  }

  /** There is a crew. */
  begun(): void {
    this.#lastReason = undefined
    if (!this.#isSettled) return
    this.#isSettled = false
    this.#exited = new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** Its crew has ended, and its supervisor is told next. */
  ended(reason: ExitReason): void {
    this.#lastReason = reason
  }
}
