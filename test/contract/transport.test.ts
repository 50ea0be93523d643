import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll } from 'vitest'
import { DeferredTransport } from '../../src/transport/deferred-transport.ts'
import { memoryTransportPair } from '../../src/transport/memory-transport.ts'
import { acceptRendezvous } from '../../src/transport/rendezvous/child.ts'
import type { Network } from '../../src/transport/rendezvous/offer.ts'
import { socketTransport, type SocketTransportOptions } from '../../src/transport/socket-transport.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { bundleFixture } from '../support/bundle-fixture.ts'
import { spawnFarChild } from '../support/far-child.ts'
import { LaneEnd } from '../support/far-end.ts'
import { pollUntil } from '../support/processes.ts'
import { offerMeeting } from '../transport/rendezvous/meeting.ts'
import { type ConnectedPair, transportContract } from './transport.contract.ts'

let farLanes: string
beforeAll(async () => {
  farLanes = await bundleFixture('transport/far-lanes.ts')
})

transportContract('memory', async () => {
  const [near, other] = memoryTransportPair()
  return pairOf(near, new LaneEnd(other))
})

transportContract('memory, in small reads', async () => {
  const [near, other] = memoryTransportPair({ capacityBytes: 1_000_000, readBytes: 9973 })
  return pairOf(near, new LaneEnd(other))
})

transportContract('pipe to a process', () => pipePair({}))

transportContract("pipe to a process, by 'data' events", () => pipePair({ adoptHandle: false }))

transportContract('unix socket within the process', () => socketPair({}))

for (const network of ['uds', 'tcp'] as const) {
  transportContract(`${network}, the end of the host`, async () => {
    const [near, other] = await meet(network)
    return pairOf(near, new LaneEnd(other))
  })

  transportContract(`${network}, the end of the worker`, async () => {
    const [other, near] = await meet(network)
    return pairOf(near, new LaneEnd(other))
  })
}

transportContract('deferred', async () => {
  const [real, other] = memoryTransportPair()
  const near = new DeferredTransport('deferred')
  near.attach(real)
  return pairOf(near, new LaneEnd(other))
})

async function pipePair(options: SocketTransportOptions): Promise<ConnectedPair> {
  const far = spawnFarChild(farLanes, options)
  await far.data.report()
  return {
    near: far.lanes.data,
    far: far.data,
    kill: far.kill,
    async dispose() {
      far.lanes.data.destroy()
      far.lanes.control.destroy()
      await far.kill()
    },
  }
}

async function socketPair(options: SocketTransportOptions): Promise<ConnectedPair> {
  const path = join(tmpdir(), 'lane.sock')
  const server = createServer().listen(path)
  await once(server, 'listening')
  const client = connect(path)
  const [[accepted]] = await Promise.all([
    once(server, 'connection') as Promise<[Socket]>,
    once(client, 'connect'),
  ])
  const near = socketTransport('uds', accepted, options)
  const far = new LaneEnd(socketTransport('uds', client, options))
  server.close()
  return pairOf(near, far)
}

/** Both ends of a lane that was made by the real rendezvous, host first. */
async function meet(network: Network): Promise<[Transport, Transport]> {
  const { rendezvous, offer } = await offerMeeting(network)
  const worker = acceptRendezvous(offer, (error) => {
    throw error
  })
  await pollUntil(() => worker.descriptor !== undefined && rendezvous.lane.descriptor !== undefined, 5000)
  return [rendezvous.lane, worker]
}

function pairOf(near: ConnectedPair['near'], far: LaneEnd): ConnectedPair {
  return {
    near,
    far,
    kill: () => far.destroy(),
    async dispose() {
      near.destroy()
      await far.destroy()
    },
  }
}
