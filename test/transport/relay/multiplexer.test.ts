import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { windowBytes } from '../../../src/transport/relay/channel.ts'
import { Multiplexer } from '../../../src/transport/relay/multiplexer.ts'
import { encodeHead, pieceKind } from '../../../src/transport/relay/piece.ts'
import { LaneEnd } from '../../support/far-end.ts'
import { pollUntil } from '../../support/processes.ts'

interface Side {
  readonly multiplexer: Multiplexer
  readonly messages: unknown[]
  readonly over: (Error | undefined)[]
}

function side(readable: PassThrough, writable: PassThrough, isOpen = true): Side {
  const messages: unknown[] = []
  const over: (Error | undefined)[] = []
  const multiplexer = new Multiplexer(
    readable,
    writable,
    3,
    {
      message: (message) => messages.push(message),
      channelsOver: () => {},
      over: (error) => over.push(error),
    },
    isOpen,
  )
  readable.on('data', (chunk: Buffer) => multiplexer.read(chunk))
  return { multiplexer, messages, over }
}

function pair(isOpen = true) {
  const [there, back] = [new PassThrough(), new PassThrough()]
  return { near: side(back, there, isOpen), far: side(there, back), there, back }
}

const mebibyte = 2 ** 20

test('a channel that nobody reads holds up neither another one nor messages', async () => {
  const { near, far } = pair()
  const stuck = near.multiplexer.channels[1]!
  stuck.start({ target: () => Buffer.alloc(1), received: () => {}, drained: () => {}, closed: () => {} })
  expect(stuck.write([Buffer.alloc(4 * mebibyte)])).toBe(false)
  const end = new LaneEnd(far.multiplexer.channels[0]!)
  near.multiplexer.channels[0]!.write([Buffer.from('urgent')])
  near.multiplexer.message({ is: 'urgent' })
  expect((await end.hasReceived(6)).receivedBytes).toBe(6)
  expect(await pollUntil(() => far.messages.length === 1, 5000)).toBe(true)
  expect(stuck.heldBytes).toBe(4 * mebibyte - windowBytes)
  const reader = new LaneEnd(far.multiplexer.channels[1]!)
  expect((await reader.hasReceived(4 * mebibyte)).receivedBytes).toBe(4 * mebibyte)
  expect([stuck.heldBytes, stuck.pendingBytes]).toEqual([0, 0])
})

test('before it is open nothing leaves, and all that was written is known not to have left', async () => {
  const { near, far } = pair(false)
  const lane = near.multiplexer.channels[1]!
  near.multiplexer.message({ first: true })
  expect(lane.write([Buffer.alloc(1000)])).toBe(false)
  await new Promise((resolve) => setImmediate(resolve))
  expect([lane.heldBytes, far.messages]).toEqual([1000, []])
  near.multiplexer.open()
  const end = new LaneEnd(far.multiplexer.channels[1]!)
  await end.hasReceived(1000)
  expect(far.messages).toEqual([{ first: true }])
})

test('what has not left when the stream ends stays known as such', () => {
  const { near } = pair()
  const lane = near.multiplexer.channels[1]!
  lane.write([Buffer.alloc(2 * mebibyte)])
  const { heldBytes } = lane
  near.multiplexer.over(undefined)
  lane.write([Buffer.alloc(10)])
  expect(heldBytes).toBeGreaterThan(mebibyte)
  expect(lane.heldBytes).toBe(heldBytes + 10)
})

test('the last message comes behind everything, unless it is hurried', async () => {
  const { near, far } = pair()
  near.multiplexer.channels[1]!.write([Buffer.alloc(mebibyte)])
  near.multiplexer.lastMessage({ type: 'exited' })
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(far.messages).toEqual([])
  const end = new LaneEnd(far.multiplexer.channels[1]!)
  await end.hasReceived(mebibyte)
  expect(await pollUntil(() => far.messages.length === 1, 5000)).toBe(true)

  near.multiplexer.channels[2]!.write([Buffer.alloc(mebibyte)])
  near.multiplexer.lastMessage({ type: 'again' })
  near.multiplexer.hurry()
  near.multiplexer.hurry()
  expect(await pollUntil(() => far.messages.length === 2, 5000)).toBe(true)
})

test.each([
  ['more than was asked for', Array.from({ length: 5 }, () => bytesPiece(1, 65_536))],
  ['bytes behind an end', [encodeHead(pieceKind.end, 1, 0), bytesPiece(1, 1)]],
  ['credit for what was never sent', [encodeHead(pieceKind.credit, 1, 1)]],
  ['a channel that is none', [bytesPiece(3, 1)]],
  ['something else', [Buffer.from('motd: have a nice day')]],
])('%s ends everything, once, with the reason', async (_, pieces) => {
  const { near, back } = pair()
  for (const piece of pieces) back.write(piece)
  const end = new LaneEnd(near.multiplexer.channels[0]!)
  const { closedCount, closedBy } = await end.hasClosed()
  expect(near.over).toHaveLength(1)
  expect([closedCount, closedBy]).toEqual([1, near.over[0]!.message])
})

function bytesPiece(channel: number, byteLength: number): Buffer {
  return Buffer.concat([encodeHead(pieceKind.bytes, channel, byteLength), Buffer.alloc(byteLength)])
}
