import type { AskedInTurn } from '../movement/flow/asked-in-turn.ts'
import type { OutgoingStream } from './stream/outgoing-stream.ts'

/** A call while it is with this worker. */
export interface RunningCall {
  readonly id: number
  readonly background: boolean
  readonly discard: boolean
  readonly cast: boolean
  /** The value stays here, and the host is told of it. */
  readonly keeps: boolean
  /** Made when somebody asks for its signal: most calls never do. */
  controller: AbortController | undefined
  /** What the function returned, if that was a promise. */
  promise: PromiseLike<unknown> | undefined
  /** Where what it returns is iterated, if it is to be. */
  stream: OutgoingStream | undefined
  /** What waits on behalf of it, and ends with it if it is ended from outside. */
  endings: Set<(reason: Error) => void> | undefined
  /** Functions of the host among its arguments: what it has asked of them goes before its answer. */
  callbacks: readonly AskedInTurn[] | undefined
  /** The call has been ended from outside, or answered: whatever comes now is dropped. */
  settled: boolean
}

/** The host lets go of callbacks with the answer: what is still to be asked of them goes before it. */
export function askAll({ callbacks, settled }: RunningCall): void {
  if (callbacks === undefined || settled) return
  for (const turns of callbacks) turns.askAll()
}
