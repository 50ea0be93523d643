import type { MovementPlan, PlanEntry } from '../movement/movement-plan.ts'
import { tableLines } from '../movement/text-table.ts'
import type { Clock } from '../transport/clock.ts'

/** One time that something was sent. */
export interface Sending {
  /** Milliseconds since 1970. */
  readonly wallTime: number
  /** On the lane, headers included. */
  readonly bytes: number
}

/** A variable, function or class that was sent to a worker, and what that has taken so far. */
export interface MovedEntry extends Pick<PlanEntry, 'name' | 'kind' | 'origin'> {
  /** All that it has taken on the lane. */
  readonly bytes: number
  /** How often it was sent. */
  readonly times: number
  /** Of `bytes`, what it has taken after the first time. */
  readonly resentBytes: number
  /** The last times, at most 8, the latest last. */
  readonly latest: readonly Sending[]
}

/** What calls and casts have moved to a worker so far, byte by byte; for people by `toString`, for programs as it is. */
export interface WorkerMovement {
  /** What was sent with calls, the most bytes first. At most 512 are told apart, those that were sent last. */
  readonly entries: readonly MovedEntry[]
  /** Those of them that were sent more than once, the most bytes after the first time first. */
  readonly resent: readonly MovedEntry[]
  /** Calls and casts that were sent, and the bytes of their arguments, headers included. */
  readonly calls: { readonly made: number; readonly bytes: number }
  /** Bytes of what is not told apart any more, and of notes to the worker of what it may drop. */
  readonly otherBytes: number
  /** All of it: what calls and casts have put on the lane. */
  readonly totalBytes: number
  /** The account as a table. */
  toString(): string
}

/** How much is remembered. */
const limits = { entries: 512, latest: 8, lines: 20 }

interface Line {
  name: string
  kind: PlanEntry['kind']
  origin: string | undefined
  bytes: number
  times: number
  firstBytes: number
  latest: Sending[]
}

/** What has moved to one incarnation of a worker. Its figures are those of the event `call.moved`. */
export class MovementAccount {
  readonly #clock: Clock
  readonly #limit: number
  /** In the order in which they were sent last. */
  readonly #lines = new Map<string, Line>()
  #calls = 0
  #callBytes = 0
  #otherBytes = 0

  constructor(clock: Clock, limit = limits.entries) {
    this.#clock = clock
    this.#limit = limit
  }

  /** A call has been written that moved nothing but itself: this is all that the hot path does. */
  called(bytes: number): void {
    this.#calls++
    this.#callBytes += bytes
  }

  /** A call has been written that has moved all this. */
  moved({ entries }: MovementPlan): void {
    const wallTime = this.#clock.wallTimeMs()
    for (const entry of entries) {
      if (entry.kind === 'argument') this.called(entry.bytes)
      else if (entry.bytes > 0) this.#add(entry, wallTime)
    }
  }

  /** The worker has been told what to drop. */
  dropped(bytes: number): void {
    this.#otherBytes += bytes
  }

  #add({ name, kind, origin, bytes }: PlanEntry, wallTime: number): void {
    const key = keyOf(name, kind, origin)
    const line = this.#lines.get(key) ?? {
      name,
      kind,
      origin,
      bytes: 0,
      times: 0,
      firstBytes: bytes,
      latest: [],
    }
    line.origin = origin
    line.bytes += bytes
    line.times++
    line.latest.push({ wallTime, bytes })
    if (line.latest.length > limits.latest) line.latest.shift()
    this.#lines.delete(key)
    this.#lines.set(key, line)
    if (this.#lines.size > this.#limit) this.#fold()
  }

  /** The one that was sent longest ago is told apart no more. */
  #fold(): void {
    for (const [key, { bytes }] of this.#lines) {
      this.#otherBytes += bytes
      this.#lines.delete(key)
      return
    }
  }

  /** The account as it is now. */
  snapshot(): WorkerMovement {
    const entries = [...this.#lines.values()]
      .map(({ firstBytes, latest, ...line }) => {
        return { ...line, resentBytes: line.bytes - firstBytes, latest: [...latest] }
      })
      .toSorted((a, b) => b.bytes - a.bytes)
    return new Snapshot(entries, { made: this.#calls, bytes: this.#callBytes }, this.#otherBytes)
  }
}

/** A variable of a module is one thing, whichever function it was sent for. */
function keyOf(name: string, kind: PlanEntry['kind'], origin: string | undefined): string {
  const isVariable = kind === 'global' || kind === 'constant'
  return `${kind} ${name} ${isVariable ? origin?.replace(/:\d+$/, '') : origin}`
}

class Snapshot implements WorkerMovement {
  readonly entries: readonly MovedEntry[]
  readonly resent: readonly MovedEntry[]
  readonly calls: WorkerMovement['calls']
  readonly otherBytes: number
  readonly totalBytes: number

  constructor(entries: readonly MovedEntry[], calls: WorkerMovement['calls'], otherBytes: number) {
    this.entries = entries
    this.resent = entries
      .filter(({ times }) => times > 1)
      .toSorted((a, b) => b.resentBytes - a.resentBytes || b.times - a.times)
    this.calls = calls
    this.otherBytes = otherBytes
    this.totalBytes = entries.reduce((sum, { bytes }) => sum + bytes, calls.bytes + otherBytes)
  }

  toString(): string {
    const { entries, calls, otherBytes, totalBytes } = this
    const shown = entries.slice(0, limits.lines)
    const hidden = entries.slice(limits.lines)
    const row = (
      name: string,
      kind: string,
      times: number,
      bytes: number,
      resent = 0,
      origin = '',
    ): string[] => {
      return [name, kind, String(times), String(bytes), String(resent), origin]
    }
    const sum = (of: 'bytes' | 'times' | 'resentBytes'): number =>
      hidden.reduce((all, one) => all + one[of], 0)
    const rows = [
      ['name', 'kind', 'times', 'bytes', 're-sent', 'where'],
      row('arguments', 'argument', calls.made, calls.bytes),
      ...shown.map(({ name, kind, times, bytes, resentBytes, origin }) =>
        row(name, kind, times, bytes, resentBytes, origin?.replace(/^.*[\\/]/, '')),
      ),
      ...(hidden.length > 0
        ? [row(`${hidden.length} more`, '', sum('times'), sum('bytes'), sum('resentBytes'))]
        : []),
      ...(otherBytes > 0 ? [['other', '', '', String(otherBytes), '', '']] : []),
    ]
    return [...tableLines(rows, new Set([2, 3, 4])), `${totalBytes} bytes in all`].join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}
