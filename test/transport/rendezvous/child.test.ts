import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AuthenticationError } from '../../../src/errors/worker-errors.ts'
import { acceptRendezvous } from '../../../src/transport/rendezvous/child.ts'
import { greeting, makeNonce, makeProof, messageBytes } from '../../../src/transport/rendezvous/handshake.ts'
import { type ConnectOffer, offerKey } from '../../../src/transport/rendezvous/offer.ts'
import { LaneEnd, patternHash } from '../../support/far-end.ts'
import { patternBytes } from '../../support/frame-bytes.ts'
import { useLeakCheck } from '../../support/leak-check.ts'
import { identity, RawPeer } from './meeting.ts'

// The worker against hosts made by hand.

useLeakCheck()

const secret = Buffer.alloc(32, 9).toString('base64url')
let server: Server
let peers: RawPeer[]
let offer: ConnectOffer
let ends: LaneEnd[]
let failures: Error[]
/** What the host does with each connection, in order; the last for all that follow. */
let conduct: ((peer: RawPeer) => unknown)[]

beforeEach(async () => {
  peers = []
  ends = []
  failures = []
  conduct = []
  server = createServer({ noDelay: true }, accept).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  offer = { network: 'tcp', address: { host: '127.0.0.1', port }, secret, identity }
})

afterEach(async () => {
  for (const end of ends) end.transport.destroy()
  for (const { socket } of peers) socket.destroy()
  if (!server.listening) return
  server.close()
  await once(server, 'close')
})

function accept(socket: Socket): void {
  const peer = new RawPeer(socket)
  peers.push(peer)
  const act = conduct[Math.min(peers.length, conduct.length) - 1]
  void Promise.resolve(act?.(peer)).catch(() => {})
}

function enter(limitMs = 20_000, to: ConnectOffer = offer): LaneEnd {
  const end = new LaneEnd(acceptRendezvous(to, (error) => failures.push(error), { limitMs }))
  ends.push(end)
  return end
}

/** Greets, takes the answer, and gives the right proof by `send`. */
async function welcome(
  peer: RawPeer,
  send = (proof: Buffer): unknown => peer.socket.write(proof),
): Promise<void> {
  const hostNonce = makeNonce()
  peer.socket.write(greeting(hostNonce))
  await peer.has(messageBytes.answer)
  const workerNonce = peer.received.subarray(0, 32)
  await send(makeProof(offerKey(offer), { role: 'host', hostNonce, workerNonce, identity }))
}

/** That it fails at once and for good, as not the host that is meant. */
async function expectRefusal(message: string): Promise<void> {
  const end = enter()
  expect(await end.hasClosed()).toMatchObject({ closedCount: 1, closedBy: message })
  expect(failures).toHaveLength(1)
  expect(failures[0]).toBeInstanceOf(AuthenticationError)
  expect(inspect(failures, { depth: 9 })).not.toContain(secret)
  expect(peers).toHaveLength(1)
  await peers[0]!.hasClosed()
}

test('a host that gives a wrong proof is refused, and is sent nothing', async () => {
  conduct = [(peer) => welcome(peer, (proof) => peer.socket.write(proof.fill(1)))]
  await expectRefusal('The host gave a wrong proof of the secret')
  expect(peers[0]!.received).toHaveLength(messageBytes.answer)
})

test('a host that gives the proof of the worker back is refused', async () => {
  conduct = [(peer) => welcome(peer, () => peer.socket.write(peer.received.subarray(32)))]
  await expectRefusal('The host gave a wrong proof of the secret')
})

test('a host that replays what another one said is refused', async () => {
  let recorded: Buffer | undefined
  const hostNonce = makeNonce()
  conduct = [
    async (peer) => {
      peer.socket.write(greeting(hostNonce))
      await peer.has(messageBytes.answer)
      const workerNonce = peer.received.subarray(0, 32)
      recorded = makeProof(offerKey(offer), { role: 'host', hostNonce, workerNonce, identity })
      peer.socket.write(recorded)
    },
    (peer) => peer.socket.write(Buffer.concat([greeting(hostNonce), recorded!])),
  ]
  const first = enter()
  await first.send(8, 1)
  await expect.poll(() => peers[0]?.received.length).toBe(messageBytes.answer + 8)
  const second = enter()
  expect((await second.hasClosed()).closedBy).toBe('The host gave a wrong proof of the secret')
})

test.each([
  ['junk', patternBytes(200, 1)],
  ['another version', Buffer.concat([Buffer.from('maltste\x02'), makeNonce()])],
])('%s in place of the greeting is refused', async (_, bytes) => {
  conduct = [(peer) => peer.socket.write(bytes)]
  await expectRefusal('What listens at the address of the host is not a host of this version')
  expect(peers[0]!.received).toHaveLength(0)
})

test('a host that drops and resets at every stage is tried again until it does not', async () => {
  const reset = ({ socket }: RawPeer): unknown => socket.resetAndDestroy()
  const drop = ({ socket }: RawPeer): unknown => socket.destroy()
  conduct = [
    drop,
    reset,
    (peer) => peer.socket.write(greeting(makeNonce()), () => drop(peer)),
    (peer) => peer.socket.write(greeting(makeNonce()), () => reset(peer)),
    (peer) => peer.socket.write(greeting(makeNonce()).subarray(0, 20), () => reset(peer)),
    (peer) => welcome(peer, () => drop(peer)),
    (peer) => welcome(peer, () => reset(peer)),
    (peer) => welcome(peer, (proof) => peer.socket.write(proof.subarray(0, 31), () => reset(peer))),
    (peer) => welcome(peer),
  ]
  const end = enter()
  await end.send(800, 3)
  await expect.poll(() => peers[8]?.received.length).toBe(messageBytes.answer + 800)
  expect(peers[8]!.received.subarray(messageBytes.answer)).toEqual(patternBytes(800, 3))
  expect(peers).toHaveLength(9)
  expect(failures).toEqual([])
})

test('takes greeting and proof one byte at a time, and frames with the last of them', async () => {
  const trickle = async (socket: Socket, bytes: Buffer): Promise<void> => {
    for (const byte of bytes) await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve))
  }
  conduct = [
    async (peer) => {
      const hostNonce = makeNonce()
      await trickle(peer.socket, greeting(hostNonce))
      await peer.has(messageBytes.answer)
      const workerNonce = peer.received.subarray(0, 32)
      const proof = makeProof(offerKey(offer), { role: 'host', hostNonce, workerNonce, identity })
      await trickle(peer.socket, proof.subarray(0, 31))
      peer.socket.write(Buffer.concat([proof.subarray(31), patternBytes(70_000, 2)]))
    },
  ]
  const end = enter()
  expect((await end.hasReceived(70_000)).sha256).toBe(patternHash([70_000, 2]))
})

test('waits for a host that listens later', async () => {
  const path = join(tmpdir(), 'later')
  const end = enter(20_000, { network: 'uds', address: { path }, secret, identity })
  const later = createServer(accept)
  conduct = [(peer) => welcome(peer)]
  await new Promise((resolve) => setImmediate(resolve))
  later.listen(path)
  await end.send(8, 1)
  expect(await end.hasDrained()).toMatchObject({ drainedCount: 1, pendingBytes: 0 })
  later.close()
})

test('a host that resets after the proof may be flooded, and is tried again more often', async () => {
  const reset: (typeof conduct)[number] = (peer) => welcome(peer, () => peer.socket.resetAndDestroy())
  conduct = [...Array.from({ length: 9 }, () => reset), (peer) => welcome(peer)]
  const end = enter()
  await end.send(8, 1)
  expect(await end.hasDrained()).toMatchObject({ closedCount: 0 })
  expect(peers).toHaveLength(10)
})

test('a host that says nothing is left, once, and tried again', async () => {
  conduct = [() => {}, () => {}, (peer) => welcome(peer)]
  const end = new LaneEnd(acceptRendezvous(offer, (error) => failures.push(error), { attemptMs: 200 }))
  ends.push(end)
  await end.send(8, 1)
  expect(await end.hasDrained()).toMatchObject({ closedCount: 0 })
  expect(peers).toHaveLength(3)
  expect(peers.map(({ received }) => received.length)).toEqual([0, 0, expect.any(Number)])
})

test('gives up at the limit, and says what was last', async () => {
  conduct = [(peer) => peer.socket.destroy()]
  const end = enter(30)
  const { closedBy } = await end.hasClosed()
  expect(closedBy).toMatch(/^The worker app\/worker-1#3 can't reach its host over tcp, attempt \d: /)
  expect(closedBy).toContain('the host closed the connection')
  expect(failures.map(({ message }) => message)).toEqual([closedBy])
})

test('what will not pass is told at once', async () => {
  writeFileSync(join(tmpdir(), 'file'), '')
  const path = join(tmpdir(), 'file', 's')
  const end = enter(20_000, { network: 'uds', address: { path }, secret, identity })
  expect((await end.hasClosed()).closedBy).toContain('attempt 1: the connection failed: connect ENOTDIR')
})

test.each(['connect', 'greeting', 'answer'])('destroy() before the %s ends the trying', async (stage) => {
  const { promise, resolve } = promiseOf()
  conduct = [
    async (peer) => {
      if (stage === 'connect') return
      if (stage === 'answer') peer.socket.write(greeting(makeNonce()))
      if (stage === 'answer') await peer.has(messageBytes.answer)
      resolve()
    },
  ]
  const end = enter()
  if (stage !== 'connect') await promise
  end.transport.destroy()
  expect(await end.hasClosed()).toMatchObject({ closedCount: 1, closedBy: null })
  for (const peer of peers) await peer.hasClosed()
  expect(failures).toEqual([])
  expect(peers.length).toBeLessThanOrEqual(1)
})

function promiseOf(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}
