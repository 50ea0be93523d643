import type { ChildProcess } from 'node:child_process'
import { Socket } from 'node:net'
import { descriptorTransport, socketTransport, type SocketTransportOptions } from './socket-transport.ts'
import type { Transport } from './transport.ts'

/** Descriptors of the lanes in the worker's process. The host spawns it with `'pipe'` at these places. */
export const laneDescriptor = { data: 3, control: 4 } as const

/** The host's ends of the two lanes to a worker. */
export interface Lanes {
  readonly data: Transport
  readonly control: Transport
}

/**
 * The host's ends of the lanes to a child that was spawned with `'pipe'` as `stdio[3]` and `stdio[4]`. On unix
 * these are socket pairs: both directions, no name that another process could open.
 *
 * To be called in the turn of the spawn. The streams in `child.stdio` are the lanes' from then on.
 * @throws {TypeError} if one of the two is not a pipe
 */
export function pipeLanes(child: ChildProcess, options: SocketTransportOptions = {}): Lanes {
  return {
    data: childLane(child, laneDescriptor.data, options),
    control: childLane(child, laneDescriptor.control, options),
  }
}

/**
 * The worker's end of a lane: `fd` is one of `laneDescriptor`.
 * @throws if the descriptor was not inherited
 */
export function inheritedLane(fd: number): Transport {
  return descriptorTransport('pipe', fd)
}

function childLane(child: ChildProcess, fd: number, options: SocketTransportOptions): Transport {
  const stream: unknown = child.stdio[fd as 3]
  if (!(stream instanceof Socket)) {
    throw new TypeError(`Expected \`stdio[${fd}]\` of the child to be a pipe; spawn it with 'pipe' there`)
  }
  return socketTransport('pipe', stream, options)
}
