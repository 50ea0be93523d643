import type { ExitReason } from '../errors/exit-reason.ts'
import type { IncomingFrame } from '../transport/frame-reader.ts'
import type { InterruptReport, Measurement } from '../transport/messages.ts'

/** Who the process is in the tree. */
export interface ProcessIdentity {
  readonly name: string
  readonly path: string
  readonly incarnation: number
}

/** What a process tells. Each of `ready` and `exited` comes at most once, `exited` last and always. */
export interface ProcessListener {
  ready(): void
  exited(reason: ExitReason): void
  /** A frame of the data lane about a call. Good until the listener returns. */
  callFrame(frame: IncomingFrame): void
  /** Somebody has begun to wait for what lives here or there, or nobody does any more. */
  waitsChanged(): void
  interruptReport(report: InterruptReport): void
  measured(measurement: Measurement): void
  pong(id: number, mainSilentMs: number): void
  /** Something happened to a worker that was started in this one. What it is has not been looked at. */
  nestedEvent(event: unknown): void
  /** Somebody tried to be this worker, and was not. */
  strangerRefused(why: string): void
  outputDropped(stream: 'stdout' | 'stderr', bytes: number): void
}
