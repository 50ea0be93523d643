import type { AuthenticationError } from '../errors/worker-errors.ts'
import type { Clock } from '../transport/clock.ts'
import type { Codec } from '../transport/codec.ts'
import { FrameReader, type IncomingFrame } from '../transport/frame-reader.ts'
import { FrameWriter } from '../transport/frame-writer.ts'
import type { LaunchedProcess } from '../transport/launcher.ts'
import { defaultLimits } from '../transport/limits.ts'
import { frameType } from '../transport/protocol.ts'
import type { Random } from '../transport/random.ts'
import { offerRendezvous, type Rendezvous } from '../transport/rendezvous/host.ts'
import { type Network, offerBytes } from '../transport/rendezvous/offer.ts'
import { checkSocketBase } from '../transport/rendezvous/socket-directory.ts'
import type { Transport } from '../transport/transport.ts'
import type { ProcessIdentity } from './process-listener.ts'
import type { SpawnProblem } from './end-errors.ts'

const noCodec = undefined as unknown as Codec

/** What would keep a worker and its host from meeting, if that can be seen before anything is started. */
export function meetingObstacle(transport: 'pipe' | Network): SpawnProblem | undefined {
  if (transport !== 'uds') return undefined
  try {
    checkSocketBase()
    return undefined
  } catch (error) {
    const { message } = error as Error
    return { code: error instanceof RangeError ? 'ENAMETOOLONG' : 'EPERM', message, error }
  }
}

/** What a meeting needs. */
export interface MeetingOptions {
  readonly process: LaunchedProcess
  readonly network: Network
  /** Of the worker's incarnation; both sides prove that they mean the same. */
  readonly identity: ProcessIdentity
  readonly clock: Clock
  readonly random: Random
  /** A frame on the inherited lane: the worker says hello there. */
  readonly onFrame: (frame: IncomingFrame) => void
  readonly onProtocolError: (error: Error) => void
  /** Somebody came who was not the worker. */
  readonly onRefused: (why: string) => void
}

/**
 * Where the data lane is a socket: tells the worker, on the lane that it has inherited, where to come, and waits for the
 * one that can prove that it was told.
 */
export class Meeting {
  readonly #rendezvous: Rendezvous
  readonly #bootstrap: Transport

  constructor(options: MeetingOptions) {
    const { process, network, identity, clock, random, onFrame, onProtocolError, onRefused } = options
    this.#bootstrap = process.data
    const words = new FrameWriter(process.data, noCodec)
    const reader = new FrameReader(
      { ...defaultLimits, maxBodyBytes: 65_536, maxAttachmentBytes: 0 },
      { deferred: false, onFrame, onProtocolError, onDrained: () => words.drained(), onClosed: () => {} },
    )
    reader.start(process.data)
    this.#rendezvous = offerRendezvous({
      network,
      identity: `${identity.path}#${identity.incarnation}`,
      clock,
      random,
      onOffer: (offer) => {
        const bytes = offerBytes(offer)
        words.bytesFrame(frameType.connect, 0, 0, 0, bytes)
        words.flush()
        bytes.fill(0)
      },
      onRefused,
    })
  }

  /** The data lane, to be used at once. */
  get lane(): Transport {
    return this.#rendezvous.lane
  }

  /** Set if somebody came with a wrong proof. */
  get refused(): AuthenticationError | undefined {
    return this.#rendezvous.refused
  }

  /** The worker is gone, or has come: nobody else is let in. */
  cancel(): void {
    this.#rendezvous.cancel()
    this.#bootstrap.destroy()
  }
}
