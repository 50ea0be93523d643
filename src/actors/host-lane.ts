import { LiveLane } from '../movement/flow/live-lane.ts'
import { liveKinds } from '../movement/flow/live-kinds.ts'
import { serveFunction } from '../movement/flow/remote-functions.ts'
import { whyNotSendable } from '../movement/sendable.ts'
import { thrownData } from '../movement/thrown-data.ts'
import { messageCodec } from '../transport/codec/message-codec.ts'
import type { Limits } from '../transport/limits.ts'
import { liveKind } from '../transport/live-values.ts'
import { referenceKind, referenceToken } from './references.ts'
import { callError, type ErrorPlace } from './remote-error.ts'
import { workerFunctionKind } from './worker-functions.ts'

/** What the lane needs of the worker. */
export interface HostLaneOptions {
  /** The worker, as it is when it is asked. */
  readonly place: () => ErrorPlace
  /** A frame has come that belongs to nothing. */
  readonly stray: () => void
  /** Somebody waits here, or nobody does any more. */
  readonly waiting: (isWaiting: boolean) => void
}

/** The host's side of what lives on either side of a worker's data lane. */
export function hostLane(limits: Limits, { place, stray, waiting }: HostLaneOptions): LiveLane {
  // What an error has about it goes as data.
  const data = messageCodec(limits)
  const lane: LiveLane = new LiveLane({
    limits,
    kinds: {
      ...liveKinds,
      [liveKind.function]: workerFunctionKind,
      [liveKind.reference]: referenceKind,
    },
    tokenOf: (value) => referenceToken(lane, value),
    serveFunction,
    stray,
    waiting,
    transfer: {
      thrown: (error) =>
        thrownData(
          error,
          (value) => whyNotSendable(data, value) === undefined,
          (stack) => stack,
        ),
      error: (failure) => callError(failure, place()),
      get place() {
        return place()
      },
    },
  })
  return lane
}
