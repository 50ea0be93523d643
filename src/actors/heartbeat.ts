import type { Clock } from '../transport/clock.ts'
import type { EventBody } from './events.ts'

/** What a heartbeat finds out, as events. */
export type HeartbeatVerdict = Extract<
  EventBody,
  { type: 'worker.blocked' | 'worker.unblocked' | 'worker.frozen' | 'worker.thawed' }
>

/** What a heartbeat needs of its worker. */
export interface HeartbeatOptions {
  readonly intervalMs: number
  readonly maxMissed: number
  readonly clock: Clock
  readonly ping: (id: number) => void
  readonly emit: (verdict: HeartbeatVerdict) => void
  /** The process is frozen; comes right after that event. */
  readonly unresponsive: () => void
  /**
   * How long the first answer may take: a worker can be ready, and busy, a while before its sentinel is there to
   * answer. Default 5000.
   */
  readonly firstAnswerMs?: number
}

/** Nobody measured a silence that is no number. */
function measured(silentMs: number): number {
  return Number.isFinite(silentMs) ? Math.max(0, silentMs) : 0
}

/**
 * Tells a worker that is busy from one that is frozen. The sentinel answers each ping, with how long the main thread has
 * been silent; no answer to several pings in a row is the silence of the whole process.
 *
 * Only time during which this host itself was awake counts. Where it was suspended, or its loop stood still, it starts
 * to count anew, for what it did not hear then may well have been said.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #timer: unknown
  #isStopped = false
  #lastId = 0
  /** Pings in a row that nothing has followed yet. */
  #unanswered = 0
  /** When the timer should fire. */
  #dueMs = Infinity
  /** Silence before this moment is not counted. */
  #sinceMs = 0
  #heardMs = 0
  #wasHeard = false
  #isFrozen = false
  #blockedSinceMs: number | undefined
  #lastMainSilentMs = 0

  constructor(options: HeartbeatOptions) {
    this.#options = options
  }

  /** Begins, with a ping. */
  start(): void {
    if (this.#timer !== undefined || this.#isStopped) return
    this.#restart(this.#options.clock.nowMs())
    this.#beat()
  }

  /** The process is about to be stopped on purpose. */
  pause(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueMs = Infinity
  }

  /** The process goes on; what it missed is forgotten. */
  resume(): void {
    this.start()
  }

  /** For good: the process is gone, or on its way. */
  stop(): void {
    this.pause()
    this.#isStopped = true
  }

  /** The sentinel has answered. */
  pong(id: number, mainSilentMs: number): void {
    if (this.#isStopped || !(id > 0 && id <= this.#lastId)) return
    const nowMs = this.#options.clock.nowMs()
    if (this.#isLate(nowMs)) this.#restart(nowMs)
    const silentMs = nowMs - this.#heardMs
    this.#heardMs = nowMs
    this.#wasHeard = true
    this.#unanswered = 0
    if (this.#isFrozen) {
      this.#isFrozen = false
      this.#restart(nowMs)
      this.#options.emit({ type: 'worker.thawed', silentMs })
    }
    this.#heardOfMain(measured(mainSilentMs), nowMs)
  }

  #heardOfMain(mainSilentMs: number, nowMs: number): void {
    const { intervalMs, maxMissed, emit } = this.#options
    const before = this.#lastMainSilentMs
    this.#lastMainSilentMs = mainSilentMs
    if (this.#blockedSinceMs !== undefined) {
      // The silence of one question only grows.
      if (mainSilentMs >= before) return
      const blockedMs = nowMs - this.#blockedSinceMs
      this.#blockedSinceMs = undefined
      emit({ type: 'worker.unblocked', blockedMs })
      return
    }
    const blockedMs = Math.min(mainSilentMs, nowMs - this.#sinceMs)
    if (blockedMs < maxMissed * intervalMs) return
    this.#blockedSinceMs = nowMs - blockedMs
    emit({ type: 'worker.blocked', blockedMs })
  }

  #beat(): void {
    const { intervalMs, ping } = this.#options
    if (this.#isOverdue) {
      // Timers come before sockets: what has arrived is read first.
      this.#wait(0, () => this.#judge())
      return
    }
    this.#unanswered++
    ping(++this.#lastId)
    this.#wait(intervalMs, () => this.#beat())
  }

  #judge(): void {
    if (!this.#isOverdue) {
      this.#beat()
      return
    }
    // The lane keeps the pings: more of them would only pile up until one is answered.
    this.#wait(this.#options.intervalMs, () => this.#watchThaw())
    // It was frozen before a pause, and has been reported.
    if (this.#isFrozen) return
    this.#isFrozen = true
    this.#options.emit({
      type: 'worker.frozen',
      silentMs: this.#options.clock.nowMs() - this.#heardMs,
    })
    this.#options.unresponsive()
  }

  get #isOverdue(): boolean {
    const { maxMissed, clock, firstAnswerMs = 5000 } = this.#options
    if (this.#unanswered < maxMissed) return false
    return this.#wasHeard || clock.nowMs() - this.#sinceMs >= firstAnswerMs
  }

  /** Waits for an answer without asking. */
  #watchThaw(): void {
    if (this.#isFrozen) this.#wait(this.#options.intervalMs, () => this.#watchThaw())
    else this.#beat()
  }

  /** Counts from here on. */
  #restart(nowMs: number): void {
    this.#unanswered = 0
    this.#sinceMs = nowMs
    if (!this.#isFrozen) this.#heardMs = nowMs
  }

  /** The timer is so late that this host can't have been awake. */
  #isLate(nowMs: number): boolean {
    return nowMs - this.#dueMs > this.#options.intervalMs
  }

  #wait(delayMs: number, then: () => void): void {
    if (this.#isStopped) return
    const { clock } = this.#options
    this.#dueMs = clock.nowMs() + delayMs
    this.#timer = clock.setIdleTimeout(() => {
      const nowMs = clock.nowMs()
      if (this.#isLate(nowMs)) this.#restart(nowMs)
      then()
    }, delayMs)
  }
}
