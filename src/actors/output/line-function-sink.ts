import type { GuardedFunction } from './guarded-function.ts'
import type { LineSink } from './output-sink.ts'

/** Calls a user's function with each line. */
export class LineFunctionSink implements LineSink {
  readonly #function: GuardedFunction

  constructor(lineFunction: GuardedFunction) {
    this.#function = lineFunction
  }

  line(text: string): void {
    this.#function.call(text)
  }

  flush(): void {}

  end(): void {
    this.#function.end()
  }
}
