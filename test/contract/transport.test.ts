import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll } from 'vitest'
import { memoryTransportPair } from '../../src/transport/memory-transport.ts'
import { socketTransport, type SocketTransportOptions } from '../../src/transport/socket-transport.ts'
import { bundleFixture } from '../support/bundle-fixture.ts'
import { spawnFarChild } from '../support/far-child.ts'
import { LaneEnd } from '../support/far-end.ts'
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
