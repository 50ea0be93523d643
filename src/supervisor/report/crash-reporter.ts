import type { CallInFlight, CrashReport } from '../../actors/crash-report.ts'
import type { EventStream, EventTap, MaltsterEvent } from '../../actors/events.ts'
import { executedAmong } from '../../actors/pending-calls.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import { type HostProcess, hostProcessAt } from '../host-processes.ts'
import { EventRing } from './event-ring.ts'
import { memoryLimitOf, notePeak, systemKills, watchMemory } from './memory.ts'

/** How many of its last events, and of its calls, a report has. */
const maxEvents = 64
const maxCalls = 100

type Exited = Extract<MaltsterEvent, { type: 'worker.exited' }>

/** Keeps the last events of each worker, and tells by `worker.crashed` what is known of one that did not end in order. */
export class CrashReporter implements EventTap {
  readonly wantsCalls = false
  readonly #events: EventStream
  readonly #rings = new Map<string, EventRing<MaltsterEvent>>()
  #kills = systemKills()

  constructor(events: EventStream) {
    this.#events = events
  }

  passesOn(): boolean {
    return false
  }

  told(event: MaltsterEvent): void {
    const { type, path, incarnation } = event
    const isOfWorker = !type.startsWith('call.') && !type.startsWith('supervisor.')
    if (!isOfWorker || type === 'worker.crashed') return
    const one = hostProcessAt(path, incarnation)
    // It is further down, and its own host reports it; or it is only about to be one.
    if (one === undefined) return
    this.#ringOf(path).add(event)
    if (type === 'worker.ready') {
      notePeak(one)
      watchMemory()
    } else if (type === 'worker.exited') this.#ended(event, one)
  }

  #ringOf(path: string): EventRing<MaltsterEvent> {
    let ring = this.#rings.get(path)
    if (ring === undefined) this.#rings.set(path, (ring = new EventRing(maxEvents)))
    return ring
  }

  #ended(event: Exited, one: HostProcess): void {
    const { path, incarnation, reason, pid, seq } = event
    const recentEvents = this.#rings.get(path)?.all() ?? []
    this.#rings.delete(path)
    if (reason.type === 'normal' || reason.type === 'shutdown') return
    const report = this.#report(one, reason, recentEvents)
    this.#events.emit({ path, incarnation, cause: seq }, { type: 'worker.crashed', pid, report })
  }

  #report(one: HostProcess, reason: ExitReason, recentEvents: MaltsterEvent[]): CrashReport {
    const { calls, process } = one.incarnation
    const open = calls.pending.all()
    const executed = executedAmong(open, process, !calls.hasCast)
    const inFlight = open.slice(0, maxCalls).map((call): CallInFlight => ({
      callId: call.id,
      name: call.name,
      background: call.background,
      executed: executed(call),
    }))
    const killsBefore = this.#kills
    this.#kills = systemKills()
    return {
      reason,
      outOfMemory: memoryLimitOf(reason, killsBefore, this.#kills),
      memoryPeakBytes: one.memoryPeakBytes,
      inFlight,
      inFlightCount: open.length,
      recentEvents,
    }
  }
}
