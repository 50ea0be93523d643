import { ProtocolError } from '../errors/data-errors.ts'
import type { ExitReason, ExitType } from '../errors/exit-reason.ts'
import type { DyingWords } from '../transport/messages.ts'
import type { ProcessExit } from '../transport/launcher.ts'
import { isUntold, untoldCause } from './bounded-exit.ts'
import { classifyExit, type ExitFacts } from './exit-classification.ts'

/** What is wrong with what a worker sent. */
export function asProtocolError(error: unknown, pid: number | undefined): ProtocolError {
  if (error instanceof ProtocolError) return error
  return new ProtocolError('The worker sent something that can not be read.', { pid, cause: error })
}

/** What is known of why a process ends, gathered until it has: of what could be said twice, the first holds. */
export class Ending {
  readonly #userSignals = new Set<NodeJS.Signals>()
  readonly #seen: () => Pick<ExitFacts, 'wasReady' | 'stderrTail' | 'uptimeMs'>
  #intent: ExitType | undefined
  #cause: unknown
  #dying: DyingWords | undefined

  /** @param seen - what is known of it besides */
  constructor(seen: () => Pick<ExitFacts, 'wasReady' | 'stderrTail' | 'uptimeMs'>) {
    this.#seen = seen
  }

  /** The host is about to end it, and why. */
  intend(because: ExitType, cause?: unknown): void {
    if (this.#intent !== undefined) return
    this.#intent = because
    this.#cause ??= cause
  }

  /** What the reason will be, as far as it is known, from when the host kills it otherwise than to shut it down. */
  get coming(): ExitReason | undefined {
    if (this.#intent === undefined || this.#intent === 'shutdown') return undefined
    return this.reason({ exitCode: null, signal: 'SIGKILL' })
  }

  /** Something that led to it. */
  blame(cause: unknown): void {
    this.#cause ??= cause
  }

  /** The user sends a signal; if the process ends by it, it was killed. */
  signalledByUser(signal: NodeJS.Signals): void {
    this.#userSignals.add(signal)
  }

  /** The process itself has said what ends it. */
  saidLast(words: DyingWords): void {
    // Of a limit of memory only the sentinel knows; what ends the main thread meanwhile is no better reason.
    if (this.#dying?.outOfMemory !== true) this.#dying = words
  }

  /** The one reason, from all that was seen. */
  reason({ exitCode, signal, lost }: ProcessExit): ExitReason {
    const wasKilled = signal !== null && this.#userSignals.has(signal)
    return classifyExit({
      ...this.#seen(),
      exitCode,
      signal,
      lost,
      intent: this.#intent ?? (wasKilled ? 'killed' : undefined),
      dying: this.#dying,
      cause: isUntold(lost) ? untoldCause(lost, this.#cause) : this.#cause,
    })
  }
}
