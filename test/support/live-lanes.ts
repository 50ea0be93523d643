import { type Channel, makeChannel } from '../../src/movement/flow/channel.ts'
import type { ChannelOptions } from '../../src/movement/flow/channel-options.ts'
import { liveKinds } from '../../src/movement/flow/live-kinds.ts'
import { LiveLane } from '../../src/movement/flow/live-lane.ts'
import { serveFunction } from '../../src/movement/flow/remote-functions.ts'
import type { ThrownData } from '../../src/transport/messages.ts'
import { messageCodec } from '../../src/transport/codec/message-codec.ts'
import { FrameReader } from '../../src/transport/frame-reader.ts'
import { FrameWriter } from '../../src/transport/frame-writer.ts'
import { defaultLimits, type Limits } from '../../src/transport/limits.ts'
import { memoryTransportPair } from '../../src/transport/memory-transport.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { TaskQueue } from './task-queue.ts'

const thrown = (error: unknown): ThrownData => {
  const { name, message, stack = '' } = error as Error
  return { isError: true, name, message, stack, properties: {} }
}

/** What went over a connection besides what it was meant for. */
export interface Observed {
  /** Answers that nobody waited for. */
  strays: number
  /** Values that were put back into a channel. */
  readonly putBacks: unknown[]
}

/** Two sides of a lane for live values, in memory: nothing moves until `tasks` run. */
export class Connection {
  readonly tasks = new TaskQueue()
  readonly near: LiveLane
  readonly far: LiveLane
  /** What was told of requests that came to nothing. */
  readonly failures: string[] = []
  readonly #transports: readonly Transport[]
  readonly #limits: Limits

  constructor(observed: Observed, limits: Limits = defaultLimits) {
    this.#limits = limits
    const [near, far] = memoryTransportPair({ schedule: this.tasks.schedule, readBytes: 48 })
    this.#transports = [near, far]
    this.near = this.#open(near, observed)
    this.far = this.#open(far, observed)
  }

  #open(transport: Transport, observed: Observed): LiveLane {
    const lane = new ObservedLane(observed, this.#limits, this.failures)
    const codec = messageCodec(this.#limits, lane)
    const writer = new FrameWriter(transport, codec, { schedule: this.tasks.schedule })
    lane.open(codec, writer)
    const reader = new FrameReader(this.#limits, {
      deferred: false,
      now: () => 0,
      onFrame: (frame) => lane.received(frame),
      onProtocolError: (error) => lane.end(error),
      onDrained: () => writer.drained(),
      onClosed: () => writer.closed(),
    })
    reader.start(transport)
    return lane
  }

  /** What stands on the far side for something of the near one. */
  pass<T extends object>(value: T): T {
    const token = this.near.lower(value)
    if (token === undefined) throw new Error('It does not live anywhere.')
    return this.far.raise(token) as T
  }

  /** Both processes are gone for each other; what was under way is lost. */
  break(why: Error): void {
    for (const transport of this.#transports) transport.destroy()
    this.near.end(why)
    this.far.end(why)
  }
}

class ObservedLane extends LiveLane {
  readonly #observed: Observed

  constructor(observed: Observed, limits: Limits, failures: string[]) {
    super({
      limits,
      kinds: liveKinds,
      serveFunction,
      stray: () => void observed.strays++,
      transfer: {
        thrown,
        error: (failure) => {
          if (failure.kind === 'encode') failures.push(failure.message)
          return new Error(failure.kind === 'thrown' ? failure.thrown.message : failure.kind)
        },
        place: {},
      },
    })
    this.#observed = observed
  }

  override ask(...asked: Parameters<LiveLane['ask']>): number {
    const [, operation, args] = asked
    if (operation === 'putBack') this.#observed.putBacks.push(args[0])
    return super.ask(...asked)
  }
}

/** A channel of the near side of a connection. */
export const channelOf = <T>(connection: Connection, options: ChannelOptions): Channel<T> =>
  makeChannel<T>(options, connection.near)
