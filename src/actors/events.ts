import type { ExitReason } from '../errors/exit-reason.ts'
import type { PlanEntry } from '../movement/movement-plan.ts'
import { type Clock, systemClock } from '../transport/clock.ts'
import type { CrashReport } from './crash-report.ts'
import type { SupervisorEventBody } from './supervisor-events.ts'

/** What every event says about itself. */
export interface EventEnvelope {
  /** Rises by one from event to event of this host. */
  readonly seq: number
  /** Monotonic milliseconds. */
  readonly timeMs: number
  /** Milliseconds since 1970. */
  readonly wallTime: number
  /** Place in the tree of what the event is about. */
  readonly path: string
  /** Which life of that place. */
  readonly incarnation: number
  /** `seq` of the event that led to this one. */
  readonly cause?: number
}

/** What happened, by `type`. */
export type EventBody =
  | { readonly type: 'worker.spawned'; readonly pid: number }
  | { readonly type: 'worker.ready'; readonly pid: number; readonly bootMs: number }
  | { readonly type: 'worker.state'; readonly pid: number; readonly from: string; readonly to: string }
  | { readonly type: 'worker.exited'; readonly pid: number; readonly reason: ExitReason }
  /** It did not end in order: what is known of how it came to that. Follows `worker.exited`. */
  | { readonly type: 'worker.crashed'; readonly pid: number; readonly report: CrashReport }
  /** Heartbeat: the main thread has not answered for so long, but the process has. It may be computing. */
  | { readonly type: 'worker.blocked'; readonly blockedMs: number }
  | { readonly type: 'worker.unblocked'; readonly blockedMs: number }
  /** Heartbeat: the process has not answered for so long. */
  | { readonly type: 'worker.frozen'; readonly silentMs: number }
  | { readonly type: 'worker.thawed'; readonly silentMs: number }
  /** Somebody came to the socket of a worker that boots, and could not prove to be it. */
  | { readonly type: 'worker.strangerRefused'; readonly why: string }
  /** A reader of `stdout: 'pipe'` was too far behind, and has lost the oldest bytes. */
  | { readonly type: 'output.dropped'; readonly stream: 'stdout' | 'stderr'; readonly bytes: number }
  | {
      readonly type: 'call.started'
      readonly callId: number
      readonly name: string
      readonly background: boolean
    }
  /** What went to the worker for a call, before it and with it, byte by byte. */
  | {
      readonly type: 'call.moved'
      readonly callId: number
      readonly entries: readonly PlanEntry[]
      readonly totalBytes: number
    }
  | {
      readonly type: 'call.settled'
      readonly callId: number
      readonly outcome: 'ok' | 'failed'
      readonly error?: unknown
    }
  | { readonly type: 'cast.failed'; readonly callId: number; readonly error: unknown }
  | { readonly type: 'interrupt.started'; readonly interruptId: number; readonly callId?: number }
  | {
      readonly type: 'interrupt.finished'
      readonly interruptId: number
      readonly outcome: string
      readonly afterMs: number
    }
  | { readonly type: 'frame.dropped'; readonly callId: number; readonly why: string }
  | SupervisorEventBody

/** One event: where and when, and what happened. */
export type MaltsterEvent = EventEnvelope & EventBody

/** Which events a listener wants; what is left out is not asked about. */
export interface EventFilter {
  /** Only these types. Default: all, single calls included. */
  readonly types?: readonly EventBody['type'][]
  /** Events of this place in the tree and of all below it. */
  readonly path?: string
}

interface Observer {
  readonly listener: (event: MaltsterEvent) => void
  readonly filter: EventFilter
}

/** Where an event happened, and what led to it. */
export interface EventSource {
  readonly path: string
  readonly incarnation: number
  readonly cause?: number | undefined
}

/** What the package itself does with events, besides telling observers. */
export interface EventTap {
  /** Told of each event after the observers. What it throws is a fault of the package. */
  told(event: MaltsterEvent): void
  /** Whether somebody outside wants events of single calls by it, now; asked for each call. */
  readonly wantsCalls: boolean
  /** Whether somebody outside gets to know of this type by it, now. */
  passesOn(type: EventBody['type']): boolean
}

/** The one stream of all that happens in this host. */
export class EventStream {
  readonly #clock: Clock
  readonly #observers = new Set<Observer>()
  #taps: readonly EventTap[] = []
  #seq = 0
  #isObservedForCalls = false

  constructor(clock: Clock = systemClock) {
    this.#clock = clock
  }

  /** Whether somebody wants events of single calls: the one question the hot path asks. */
  get wantsCalls(): boolean {
    if (this.#isObservedForCalls) return true
    for (const tap of this.#taps) if (tap.wantsCalls) return true
    return false
  }

  /** Tells every observer that wants it, in the order they came. Returns the event's `seq`. */
  emit(source: EventSource, body: EventBody): number {
    const seq = ++this.#seq
    if (this.#observers.size === 0 && this.#taps.length === 0) return seq
    const { path, incarnation, cause } = source
    const envelope = {
      seq,
      timeMs: this.#clock.nowMs(),
      wallTime: this.#clock.wallTimeMs(),
      path,
      incarnation,
    }
    const event = { ...envelope, ...body, ...(cause === undefined ? {} : { cause }) } as MaltsterEvent
    for (const observer of this.#observers) {
      if (matches(observer.filter, event)) tell(observer, event)
    }
    for (const tap of this.#taps) tap.told(event)
    return seq
  }

  /** Whether somebody would get this type of event from this place. */
  isObserved(type: EventBody['type'], path: string): boolean {
    for (const { filter } of this.#observers) if (matches(filter, { type, path })) return true
    return this.#taps.some((tap) => tap.passesOn(type))
  }

  observe(listener: (event: MaltsterEvent) => void, filter: EventFilter = {}): Disposable {
    const observer = { listener, filter }
    this.#observers.add(observer)
    this.#lookAround()
    return {
      [Symbol.dispose]: () => {
        this.#observers.delete(observer)
        this.#lookAround()
      },
    }
  }

  /** Adds what the package itself does with events. */
  tap(tap: EventTap): void {
    this.#taps = [...this.#taps, tap]
  }

  #lookAround(): void {
    this.#isObservedForCalls = [...this.#observers].some(
      ({ filter }) => filter.types === undefined || filter.types.some((type) => type.startsWith('call.')),
    )
  }
}

function matches(filter: EventFilter, event: { type: EventBody['type']; path: string }): boolean {
  if (filter.types !== undefined && !filter.types.includes(event.type)) return false
  if (filter.path === undefined) return true
  return event.path === filter.path || event.path.startsWith(`${filter.path}/`)
}

/** A listener that throws must not disturb what it listens to, nor the other listeners. */
function tell(observer: Observer, event: MaltsterEvent): void {
  try {
    observer.listener(event)
  } catch (error) {
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.emitWarning(`An observer of ${event.type} threw: ${words}`, 'MaltsterWarning')
  }
}

/** The stream of this host, on the system's clock. */
export const hostEvents = new EventStream()
