import type { Executed } from '../errors/maltster-error.ts'
import type { Limits } from './limits.ts'

/** Body of `hello`, UTF-8 JSON whatever the codec, so that any two versions can tell each other apart. */
export interface Hello {
  readonly protocolVersion: number
  readonly pid: number
  readonly nodeVersion: string
  /**
   * Whether running code can be cut off here. On the data lane only that it can't: the other may be heard much later.
   */
  readonly interruptible?: boolean
}

/** Body of `configure`. */
export interface Configure {
  /** Echoed in `ready`: proves that this very configuration was read. */
  readonly token: string
  readonly name: string
  readonly path: string
  readonly incarnation: number
  readonly limits: Limits
  /** Steps to take before `ready`; what they are is `movement`'s. */
  readonly preload: readonly unknown[]
  /** Whether to open an inspector on loopback. */
  readonly debug: boolean
}

/** Body of `ready`. */
export interface Ready {
  readonly token: string
  /** Where a debugger finds this process, if one was asked for. */
  readonly debugUrl?: string
}

/** A thrown value as plain data. */
export interface ThrownData {
  /** False if what was thrown is not an error; then `value` is it, where it could be sent. */
  readonly isError: boolean
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly properties: Readonly<Record<string, unknown>>
  readonly cause?: ThrownData
  readonly errors?: readonly ThrownData[]
  readonly value?: unknown
}

/** Body of `error`: why a call did not return. */
export type CallFailure =
  | { readonly kind: 'thrown'; readonly thrown: ThrownData }
  /** The result could not be sent. */
  | { readonly kind: 'encode'; readonly message: string; readonly path: string }
  /** The arguments could not be read. */
  | { readonly kind: 'decode'; readonly message: string; readonly reason: string }
  | {
      readonly kind: 'interrupted'
      readonly collateral: boolean
      readonly executed: Executed
      readonly at?: string
    }
  /** There is no such function or object any more. */
  | { readonly kind: 'released' }

/** Body of `failure`: why a request came to nothing. With id 0: why an exported object is over. */
export type RequestFailure =
  | CallFailure
  /** The channel is closed; `cause` says why, if not by `close`. */
  | { readonly kind: 'closed'; readonly message: string; readonly cause?: ThrownData }
  /** It was withdrawn before it was answered: nobody waits. */
  | { readonly kind: 'withdrawn' }
  /** There was no value in the channel, and it was not to be waited for. */
  | { readonly kind: 'empty' }
  /** Too much waits there. */
  | { readonly kind: 'backpressure'; readonly message: string }

/** Body of `bootFailed`. */
export interface BootFailure {
  /** Which step, in the words of the host. */
  readonly step: string
  readonly failure: CallFailure
}

/** Body of `goodbye`. */
export interface Goodbye {
  readonly info: unknown
}

/** Body of `interrupt`, JSON. Either all foreground calls up to `upToCallId`, or the one call `callId`; the other is 0. */
export interface InterruptRequest {
  readonly interruptId: number
  readonly upToCallId: number
  readonly callId: number
  readonly graceMs: number
}

/**
 * Body of `interrupted`, JSON. `stuck` is not the end of the ladder: a second message follows when the main thread
 * comes back. `callIds` are the calls that this ladder ended.
 */
export interface InterruptReport {
  readonly interruptId: number
  readonly outcome: 'idle' | 'detached' | 'interrupted' | 'stuck'
  readonly callIds: readonly number[]
  /** The newest call that had arrived; those behind it are refused when they do. */
  readonly lastCallId: number
  readonly at?: string
  readonly afterMs: number
}

/** Body of `measured`, JSON. */
export interface Measurement {
  readonly measureId: number
  readonly rssBytes: number
  readonly userCpuMs: number
  readonly systemCpuMs: number
}

/** Body of `watch`, JSON: what the sentinel shall watch. */
export interface Watch {
  /** The most resident memory of the process; null for any. */
  readonly maxRssBytes: number | null
}

/** Body of `pong`, JSON. */
export interface Pong {
  /** How long the main thread has not answered the sentinel; 0 if it has. */
  readonly mainSilentMs: number
}

/** Body of `watch`, JSON: what the sentinel shall watch from now on, in place of what it did before. */
export interface Watch {
  /** Resident memory of the process at which it is ended, buffers included; null for no limit. */
  readonly maxRssBytes: number | null
}

/** Body of `pong`, JSON. */
export interface Pong {
  /** How long the main thread has left a question of the sentinel unanswered; 0 if none was when the ping came. */
  readonly mainSilentMs: number
}

/** Body of `dying`, JSON. */
export interface DyingWords {
  /** Said as the worker ends itself, because its data lane was closed. */
  readonly laneLost?: boolean
  readonly name: string
  readonly message: string
  readonly stack: string
  /** Said by the sentinel, which ends a process whose memory is over the limit. */
  readonly outOfMemory?: boolean
}

const utf8Decoder = new TextDecoder()

/** A JSON body as it is written by the control lane and in `hello`. */
export function jsonBytes(message: object): Buffer {
  return Buffer.from(JSON.stringify(message))
}

/** Reads a JSON body. Throws a `SyntaxError` for anything else. */
export function readJson<T>(body: { buffer: Buffer; start: number; end: number }): T {
  return JSON.parse(utf8Decoder.decode(body.buffer.subarray(body.start, body.end))) as T
}
