import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { AuthenticationError } from '../../../src/errors/worker-errors.ts'
import { systemClock } from '../../../src/transport/clock.ts'
import { systemRandom } from '../../../src/transport/random.ts'
import { acceptRendezvous } from '../../../src/transport/rendezvous/child.ts'
import { messageBytes } from '../../../src/transport/rendezvous/handshake.ts'
import { offerRendezvous } from '../../../src/transport/rendezvous/host.ts'
import { type ConnectOffer, offerBytes } from '../../../src/transport/rendezvous/offer.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import { LaneEnd, patternHash } from '../../support/far-end.ts'
import { patternBytes } from '../../support/frame-bytes.ts'
import { useLeakCheck } from '../../support/leak-check.ts'
import {
  dial,
  identity,
  isHostProof,
  ManualClock,
  type Meeting,
  offerMeeting,
  type RawPeer,
  withSecret,
  workerAnswer,
} from './meeting.ts'

const { greeting: greetingBytes, answer: answerBytes, proof: proofBytes } = messageBytes

describe.each(['uds', 'tcp'] as const)('a rendezvous over %s', (network) => {
  useLeakCheck()
  let meeting: Meeting
  const lanes: Transport[] = []
  const peers: RawPeer[] = []
  const failures: Error[] = []

  afterEach(() => {
    meeting.rendezvous.cancel()
    meeting.rendezvous.lane.destroy()
    for (const lane of lanes.splice(0)) lane.destroy()
    for (const peer of peers.splice(0)) peer.socket.destroy()
    failures.splice(0)
  })

  /** The worker's end, through the real code. */
  function join(offer: ConnectOffer = meeting.offer, limitMs = 20_000): LaneEnd {
    const lane = acceptRendezvous(offer, (error) => failures.push(error), { limitMs })
    lanes.push(lane)
    return new LaneEnd(lane)
  }

  async function connectRaw(): Promise<RawPeer> {
    const peer = await dial(meeting.offer)
    peers.push(peer)
    return peer
  }

  /** That the worker still gets through, and bytes flow both ways. */
  async function expectWelcome(): Promise<void> {
    const far = join()
    const near = new LaneEnd(meeting.rendezvous.lane)
    await far.send(100_000, 1)
    await near.send(100_000, 2)
    expect((await near.hasReceived(100_000)).sha256).toBe(patternHash([100_000, 1]))
    expect((await far.hasReceived(100_000)).sha256).toBe(patternHash([100_000, 2]))
    expectNoFiles()
  }

  /** Descriptors are the leak check's. */
  function expectNoFiles(): void {
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('maltster-'))).toEqual([])
  }

  test('brings host and worker together; what both wrote before goes first', async () => {
    meeting = await offerMeeting(network)
    const near = new LaneEnd(meeting.rendezvous.lane)
    await near.send(1000, 1)
    const far = join()
    await far.send(5000, 2)
    expect(far.transport.pendingBytes).toBe(5000)
    expect(far.transport.heldBytes).toBe(5000)
    expect((await near.hasReceived(5000)).sha256).toBe(patternHash([5000, 2]))
    expect((await far.hasReceived(1000)).sha256).toBe(patternHash([1000, 1]))
    expect((await far.report()).drainedCount).toBe(1)
    expect((await near.report()).drainedCount).toBe(1)
    expect(near.transport.kind).toBe(network)
    expect(far.transport.kind).toBe(network)
    expect(meeting.refusals).toEqual([])
    expectNoFiles()
  })

  test('the lanes tell their descriptor while they are open, and not after', async () => {
    meeting = await offerMeeting(network)
    const far = join()
    const near = new LaneEnd(meeting.rendezvous.lane)
    expect(far.transport.descriptor).toBeUndefined()
    await far.send(8, 1)
    await near.hasReceived(8)
    await near.send(8, 1)
    await far.hasReceived(8)
    expect(far.transport.descriptor).toBeGreaterThan(2)
    expect(near.transport.descriptor).toBeGreaterThan(2)
    expect(near.transport.descriptor).not.toBe(far.transport.descriptor)
    far.transport.close()
    await near.hasClosed()
    await far.hasClosed()
    expect(far.transport.descriptor).toBeUndefined()
    expect(near.transport.descriptor).toBeUndefined()
  })

  test('takes frames in the same segment as the proof, both ways', async () => {
    meeting = await offerMeeting(network)
    const near = new LaneEnd(meeting.rendezvous.lane)
    await near.send(3000, 4)
    const peer = await connectRaw()
    await peer.has(greetingBytes)
    const sent = workerAnswer(peer.received, meeting.offer)
    peer.socket.write(Buffer.concat([sent, patternBytes(3000, 5)]))
    expect((await near.hasReceived(3000)).sha256).toBe(patternHash([3000, 5]))
    await peer.has(greetingBytes + proofBytes + 3000)
    expect(isHostProof(peer.received, sent, meeting.offer)).toBe(true)
    expect(peer.received.subarray(greetingBytes + proofBytes)).toEqual(patternBytes(3000, 4))
  })

  test('keeps frames in the same segment as the proof for a lane that is started later', async () => {
    meeting = await offerMeeting(network)
    const peer = await connectRaw()
    await peer.has(greetingBytes)
    const sent = workerAnswer(peer.received, meeting.offer)
    peer.socket.write(Buffer.concat([sent, patternBytes(3000, 5)]))
    await peer.has(greetingBytes + proofBytes)
    const near = new LaneEnd(meeting.rendezvous.lane)
    expect((await near.hasReceived(3000)).sha256).toBe(patternHash([3000, 5]))
  })

  test('takes the answer one byte at a time', async () => {
    meeting = await offerMeeting(network)
    const near = new LaneEnd(meeting.rendezvous.lane)
    const peer = await connectRaw()
    await peer.has(greetingBytes)
    const sent = Buffer.concat([workerAnswer(peer.received, meeting.offer), patternBytes(40, 1)])
    for (const byte of sent) {
      await new Promise((resolve) => peer.socket.write(Buffer.from([byte]), resolve))
    }
    expect((await near.hasReceived(40)).sha256).toBe(patternHash([40, 1]))
    await peer.has(greetingBytes + proofBytes)
    expect(isHostProof(peer.received, sent, meeting.offer)).toBe(true)
  })

  test('a wrong secret is refused, told without the secret, and the worker may still come', async () => {
    meeting = await offerMeeting(network)
    const { refused } = meeting.rendezvous
    expect(refused).toBeUndefined()
    const impostor = join(withSecret(meeting.offer))
    const { closedBy } = await impostor.hasClosed()
    expect(closedBy).toBe('The host did not take the proof of the worker app/worker-1#3')
    expect(failures[0]).toBeInstanceOf(AuthenticationError)
    expect(meeting.refusals).toEqual(Array.from({ length: 8 }, () => 'it gave a wrong proof'))
    expect(meeting.rendezvous.refused).toBeInstanceOf(AuthenticationError)
    expect(meeting.rendezvous.refused).toMatchObject({
      code: 'ERR_MALTSTER_AUTHENTICATION',
      name: 'AuthenticationError',
      worker: 'app/worker-1',
    })
    expect(failures).toHaveLength(1)
    for (const thing of [meeting.rendezvous.refused, failures, meeting.refusals, meeting.rendezvous]) {
      expect(inspect(thing, { depth: 10 })).not.toContain(meeting.offer.secret)
    }
    await expectWelcome()
  })

  test.each([
    ['identity', 'app/worker-1#2'],
    ['empty identity', ''],
  ])('another %s is refused', async (_, other) => {
    meeting = await offerMeeting(network)
    const peer = await connectRaw()
    await peer.has(greetingBytes)
    const { address, secret } = meeting.offer
    peer.socket.write(workerAnswer(peer.received, { network, address, secret, identity: other }))
    await peer.hasClosed()
    expect(peer.received).toHaveLength(greetingBytes)
    expect(meeting.rendezvous.refused).toBeInstanceOf(AuthenticationError)
    await expectWelcome()
  })

  test('the replay of a recorded answer is refused', async () => {
    meeting = await offerMeeting(network)
    const victim = await connectRaw()
    const replayer = await connectRaw()
    await Promise.all([victim.has(greetingBytes), replayer.has(greetingBytes)])
    const recorded = workerAnswer(victim.received, meeting.offer)
    replayer.socket.write(recorded)
    await replayer.hasClosed()
    expect(replayer.received).toHaveLength(greetingBytes)
    expect(meeting.rendezvous.refused).toBeInstanceOf(AuthenticationError)
    victim.socket.write(recorded)
    await victim.has(greetingBytes + proofBytes)
  })

  test('the proof of the host, sent back to it, is no proof of a worker', async () => {
    meeting = await offerMeeting(network)
    const peer = await connectRaw()
    await peer.has(greetingBytes)
    peer.socket.write(Buffer.concat([peer.received.subarray(8), Buffer.alloc(32)]))
    await peer.hasClosed()
    expect(peer.received).toHaveLength(greetingBytes)
    await expectWelcome()
  })

  test.each([
    ['silence', Buffer.alloc(0)],
    ['half an answer', Buffer.alloc(answerBytes - 1)],
  ])('%s ends at the deadline, and the worker may still come', async (_, bytes) => {
    const clock = new ManualClock()
    meeting = await offerMeeting(network, { clock, deadlineMs: 1500 })
    const peer = await connectRaw()
    await peer.has(greetingBytes)
    await new Promise((resolve) => peer.socket.write(bytes, resolve))
    clock.advance(1499)
    expect(meeting.refusals).toEqual([])
    clock.advance(1)
    await peer.hasClosed()
    expect(meeting.refusals).toEqual(['it gave no proof within 1500 ms'])
    expect(meeting.rendezvous.refused).toBeUndefined()
    await expectWelcome()
    expect(clock.pendingTimers).toBe(0)
  })

  test('junk, too much of it too, and HTTP are refused', async () => {
    meeting = await offerMeeting(network)
    const messages = [
      patternBytes(64, 1),
      patternBytes(4_000_000, 2),
      Buffer.from('GET / HTTP/1.1\r\n'.repeat(9)),
    ]
    for (const bytes of messages) {
      const peer = await connectRaw()
      peer.socket.write(bytes)
      await peer.hasClosed()
      expect(peer.received.length).toBeLessThanOrEqual(greetingBytes)
    }
    expect(meeting.refusals).toEqual(Array.from({ length: 3 }, () => 'it gave a wrong proof'))
    await expectWelcome()
  })

  test('a stranger who comes first does not keep the worker out, and is sent away by its success', async () => {
    meeting = await offerMeeting(network)
    const stranger = await connectRaw()
    await stranger.has(greetingBytes)
    await expectWelcome()
    await stranger.hasClosed()
    expect(meeting.refusals).toEqual([])
  })

  test('a flood of 200 connections does not keep the worker out', async () => {
    meeting = await offerMeeting(network, { maxStrangers: 8 })
    const flood = Promise.all(Array.from({ length: 200 }, connectRaw))
    await expectWelcome()
    await flood.catch(() => {})
    expect(meeting.refusals.length).toBeLessThanOrEqual(16)
    for (const peer of peers) await peer.hasClosed()
  })

  test('of too many strangers the oldest goes, and reports have an end', async () => {
    meeting = await offerMeeting(network, { maxStrangers: 2, clock: new ManualClock() })
    for (let count = 0; count < 30; count++) await (await connectRaw()).has(greetingBytes)
    await Promise.all(peers.slice(0, 28).map((peer) => peer.hasClosed()))
    expect(peers.slice(28).map((peer) => peer.isClosed)).toEqual([false, false])
    expect(meeting.refusals).toHaveLength(16)
    expect(meeting.refusals[0]).toBe('more than 2 connections without a proof')
    expect(meeting.refusals[15]).toContain('later ones are not reported')
    await expectWelcome()
  })

  test('after the worker nobody gets in, not even with the secret', async () => {
    meeting = await offerMeeting(network)
    await expectWelcome()
    const second = join(meeting.offer, 50)
    await second.hasClosed()
    expect(failures[0]!.message).toMatch(
      network === 'uds'
        ? /^The worker app\/worker-1#3 can't reach its host over uds, attempt \d: .*ENOENT/
        : /ECONNREFUSED/,
    )
    await expect(dial(meeting.offer)).rejects.toThrow(/ENOENT|ECONNREFUSED/)
  })

  test('of two that know the secret one is taken', async () => {
    meeting = await offerMeeting(network)
    const [first, second] = [await connectRaw(), await connectRaw()]
    await Promise.all([first.has(greetingBytes), second.has(greetingBytes)])
    first.socket.write(workerAnswer(first.received, meeting.offer))
    second.socket.write(workerAnswer(second.received, meeting.offer))
    await Promise.race([first.hasClosed(), second.hasClosed()])
    const taken = first.isClosed ? second : first
    await taken.has(greetingBytes + proofBytes)
    expect(first.isClosed !== second.isClosed).toBe(true)
  })

  test('a peer that leaves or resets at any stage is reported or told, and nothing is thrown', async () => {
    meeting = await offerMeeting(network)
    for (const stage of ['at once', 'after the greeting', 'half-way']) {
      const peer = await connectRaw()
      if (stage !== 'at once') await peer.has(greetingBytes)
      if (stage === 'half-way') await new Promise((resolve) => peer.socket.write(Buffer.alloc(10), resolve))
      if (network === 'tcp') peer.socket.resetAndDestroy()
      else peer.socket.destroy()
    }
    await expect.poll(() => meeting.refusals).toHaveLength(3)
    const last = await connectRaw()
    await last.has(greetingBytes)
    const near = new LaneEnd(meeting.rendezvous.lane)
    await new Promise((resolve) => last.socket.write(workerAnswer(last.received, meeting.offer), resolve))
    if (network === 'tcp') last.socket.resetAndDestroy()
    else last.socket.destroy()
    if (network === 'uds') expect((await near.hasClosed()).closedCount).toBe(1)
    // A reset may overtake the proof: then nobody was there.
    else
      await expect
        .poll(() => meeting.refusals.length === 4 || near.transport.descriptor === undefined)
        .toBe(true)
  })

  test('cancel() ends lane, listening and strangers, and leaves no file', async () => {
    meeting = await offerMeeting(network)
    const near = new LaneEnd(meeting.rendezvous.lane)
    const peer = await connectRaw()
    await peer.has(greetingBytes)
    meeting.rendezvous.cancel()
    meeting.rendezvous.cancel()
    await peer.hasClosed()
    expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: null })
    expectNoFiles()
    await expect(dial(meeting.offer)).rejects.toThrow(/ENOENT|ECONNREFUSED/)
  })

  test('cancel() before it listens leaves nothing, and there is no offer', async () => {
    const offers: ConnectOffer[] = []
    const rendezvous = offerRendezvous({
      network,
      identity,
      clock: systemClock,
      random: systemRandom,
      onOffer: (offer) => void offers.push(offer),
      onRefused: () => {},
    })
    rendezvous.cancel()
    await new LaneEnd(rendezvous.lane).hasClosed()
    // Whatever the first one would still do is done before a second one has an offer.
    meeting = await offerMeeting(network)
    expect(offers).toEqual([])
  })

  test('to destroy the lane before the worker is there ends the rendezvous', async () => {
    meeting = await offerMeeting(network)
    meeting.rendezvous.lane.destroy()
    await expect(dial(meeting.offer)).rejects.toThrow(/ENOENT|ECONNREFUSED/)
    expectNoFiles()
  })

  test('cancel() after the worker came changes nothing', async () => {
    meeting = await offerMeeting(network)
    const far = join()
    const near = new LaneEnd(meeting.rendezvous.lane)
    await far.send(10, 1)
    await near.hasReceived(10)
    meeting.rendezvous.cancel()
    await near.send(10, 1)
    expect(await far.hasReceived(10)).toMatchObject({ closedCount: 0 })
  })

  test('an offer shows its secret only to the one who sends it', async () => {
    meeting = await offerMeeting(network)
    const { offer } = meeting
    expect(Buffer.from(offer.secret, 'base64url')).toHaveLength(32)
    for (const text of [inspect(offer, { depth: 9 }), JSON.stringify(offer), JSON.stringify({ ...offer })]) {
      expect(text).not.toContain(offer.secret)
    }
    expect(JSON.parse(offerBytes(offer).toString())).toEqual({
      network,
      identity,
      address: offer.address,
      secret: offer.secret,
    })
    expect(() => acceptRendezvous(withSecret(offer, 'c2hvcnQ'), () => {})).toThrow(
      'Expected the secret of the offer to have 32 bytes, it has 5',
    )
    if ('path' in offer.address) expect(existsSync(dirname(offer.address.path))).toBe(true)
    else expect(offer.address.host).toBe('127.0.0.1')
  })
})

describe('the tcp socket of a rendezvous', () => {
  useLeakCheck()

  test.each(['127.0.0.2', '::1'])('is on 127.0.0.1 and not reached by %s', async (host) => {
    const { rendezvous, offer } = await offerMeeting('tcp')
    const { port } = offer.address as { port: number }
    await expect(dial({ ...offer, address: { host, port } })).rejects.toThrow(/ECONNREFUSED|EADDRNOTAVAIL/)
    rendezvous.cancel()
  })
})
