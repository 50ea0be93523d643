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

/**
 * The host's side of what lives on either side of a worker's data lane.
 * @param place - the worker, as it is when it is asked
 * @param stray - a frame has come that belongs to nothing
 */
export function hostLane(limits: Limits, place: () => ErrorPlace, stray: () => void): LiveLane {
  // What an error has about it goes as data.
  const data = messageCodec(limits)
  const lane: LiveLane = new LiveLane({
    kinds: { ...liveKinds, [liveKind.reference]: referenceKind },
    tokenOf: (value) => referenceToken(lane, value),
    serveFunction,
    stray,
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
