import type { ExitReason, ExitType } from '../../errors/exit-reason.ts'
import { RestartLimitError } from '../../errors/supervision-errors.ts'
import { reasonWithoutProcess } from './supervisor-errors.ts'
import type { EndCause } from './supervisor-machine.ts'

const typeOf: Readonly<Record<EndCause, ExitType>> = {
  stop: 'shutdown',
  // It has ended by itself, and all is well.
  autoShutdown: 'normal',
  reachedMaxRestarts: 'escalated',
  startFailed: 'boot',
}

/** The end of one incarnation of a supervisor, as far as it is certain. */
export class SupervisorEnd {
  /** Why, where that is not on request and all is not well: it could not be started, or has given up. */
  failure: Error | undefined
  /** All that live are to end. Told by the machine in its move to that state, in which it is still in the one before. */
  isCertain = false
  /** All below know that it does not come back. */
  isAnnounced = false
  #because: EndCause = 'stop'

  begun(because: EndCause): void {
    this.#because = because
  }

  /** How it will have ended, from the moment in which it has decided that itself; undefined if somebody else has. */
  get own(): ExitType | undefined {
    return this.#because === 'stop' ? undefined : typeOf[this.#because]
  }

  /** What the leaf wrote and where it failed go up with it. */
  reason(because: EndCause, uptimeMs: number): ExitReason {
    const { failure } = this
    const reason = reasonWithoutProcess(typeOf[because], uptimeMs, failure)
    if (!(failure instanceof RestartLimitError)) return reason
    const { stderrTail, lastFrames } = failure.leaf.reason
    return { ...reason, stderrTail, lastFrames }
  }
}
