import { InterruptedError } from '../errors/call-errors.ts'
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
  /** It is to end, but can't be ended where it is: its next wait ends it, if there is one. */
  mustEnd: boolean
  /** It has been ended from outside: it is not answered, and its waits come to nothing. */
  isEnded: boolean
  /** Why, once somebody has been told. */
  reason: InterruptedError | undefined
  /** Waits that were refused since it is to end. */
  refusedWaits: number
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

/** Why a call is ended from outside, the same for all who are told. */
export function endReason(call: RunningCall, at?: string): InterruptedError {
  const context = { at, collateral: false, executed: 'unknown' as const }
  return (call.reason ??= new InterruptedError(`Call ${call.id} was interrupted.`, context))
}

/** Callbacks are of one call alone: none of them is called any more. */
export function endCallbacks(call: RunningCall): void {
  for (const turns of call.callbacks ?? []) turns.callEnded(endReason(call))
}
