import type { AskedInTurn } from './asked-in-turn.ts'

/** Tells which functions of the other side came among the arguments of a call. */
export class ArgumentFunctions {
  #isReading = false
  #came: AskedInTurn[] | undefined

  /** From here to `took` the arguments of a call are decoded. */
  take(): void {
    this.#came = undefined
    this.#isReading = true
  }

  /** What is asked of a function is asked in turn. It may be one of the arguments. */
  came(turns: AskedInTurn): void {
    if (this.#isReading) (this.#came ??= []).push(turns)
  }

  /** Answers the functions that were among the arguments. */
  took(): readonly AskedInTurn[] | undefined {
    this.#isReading = false
    return this.#came
  }
}
