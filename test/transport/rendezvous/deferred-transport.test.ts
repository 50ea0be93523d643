import { expect, test } from 'vitest'
import { DeferredTransport } from '../../../src/transport/deferred-transport.ts'
import { memoryTransportPair } from '../../../src/transport/memory-transport.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import { LaneEnd, patternHash } from '../../support/far-end.ts'
import { useLeakCheck } from '../../support/leak-check.ts'

useLeakCheck()

/** What the tasks that are due now, and those they add, leave behind. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function deferred(): { lane: DeferredTransport; abandoned: () => number } {
  let count = 0
  return { lane: new DeferredTransport('later', () => count++), abandoned: () => count }
}

test('what was written before goes first, in order, and drained comes once', async () => {
  const { lane } = deferred()
  const near = new LaneEnd(lane)
  expect(await near.send(1000, 1)).toBe(false)
  expect(lane.write([new Uint8Array(0)])).toBe(false)
  expect(await near.send(500, 2)).toBe(false)
  expect([lane.pendingBytes, lane.heldBytes]).toEqual([1500, 1500])
  const [real, other] = memoryTransportPair()
  lane.attach(real)
  expect([lane.pendingBytes, lane.heldBytes]).toEqual([0, 0])
  expect((await near.report()).drainedCount).toBe(0)
  expect(await near.send(10, 3)).toBe(true)
  const far = new LaneEnd(other)
  expect((await far.hasReceived(1510)).sha256).toBe(patternHash([1000, 1], [500, 2], [10, 3]))
  expect((await near.report()).drainedCount).toBe(1)
  near.transport.destroy()
  await near.hasClosed()
})

test('writes of nothing have left at once', () => {
  const { lane } = deferred()
  expect(lane.write([])).toBe(true)
  expect(lane.write([new Uint8Array(0)])).toBe(true)
  expect([lane.pendingBytes, lane.heldBytes]).toEqual([0, 0])
})

test('what the real lane does not take at once counts on, and it tells when it has', async () => {
  const { lane } = deferred()
  const near = new LaneEnd(lane)
  await near.send(1000, 1)
  const [real, other] = memoryTransportPair({ capacityBytes: 100 })
  lane.attach(real)
  expect(lane.pendingBytes).toBe(900)
  await settled()
  expect((await near.report()).drainedCount).toBe(0)
  const far = new LaneEnd(other)
  await far.hasReceived(1000)
  expect((await near.hasDrained()).drainedCount).toBe(1)
  lane.destroy()
  await near.hasClosed()
})

test('drained is not told while what was written after still waits', async () => {
  const { lane } = deferred()
  const near = new LaneEnd(lane)
  await near.send(50, 1)
  const [real, other] = memoryTransportPair({ capacityBytes: 100 })
  lane.attach(real)
  expect(await near.send(100, 2)).toBe(false)
  await settled()
  expect((await near.report()).drainedCount).toBe(0)
  await new LaneEnd(other).hasReceived(150)
  expect((await near.hasDrained()).drainedCount).toBe(1)
  lane.destroy()
  await near.hasClosed()
})

test('drained is told after start, whenever the bytes left', async () => {
  const { lane } = deferred()
  expect(lane.write([Buffer.alloc(10)])).toBe(false)
  const [real, other] = memoryTransportPair()
  lane.attach(real)
  const far = new LaneEnd(other)
  await far.hasReceived(10)
  const near = new LaneEnd(lane)
  expect((await near.report()).drainedCount).toBe(0)
  await settled()
  expect((await near.report()).drainedCount).toBe(1)
  lane.destroy()
  await near.hasClosed()
})

test('a pause before the real lane holds for it', async () => {
  const { lane } = deferred()
  const near = new LaneEnd(lane)
  lane.pause()
  const [real, other] = memoryTransportPair()
  lane.attach(real)
  await new LaneEnd(other).send(10, 1)
  await settled()
  expect((await near.report()).receivedBytes).toBe(0)
  lane.resume()
  await near.hasReceived(10)
  lane.pause()
  lane.destroy()
  await near.hasClosed()
})

test('holds the event loop while referenced, before and after the real lane', () => {
  const { lane } = deferred()
  const timeouts = (): number => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length
  const before = timeouts()
  lane.ref()
  lane.ref()
  expect(timeouts()).toBe(before + 1)
  lane.unref()
  expect(timeouts()).toBe(before)
  lane.ref()
  const [real] = memoryTransportPair()
  // The memory lane holds the loop by a timer too.
  lane.attach(real)
  expect(timeouts()).toBe(before + 1)
  lane.unref()
  expect(timeouts()).toBe(before)
  lane.destroy()
})

test('close() with nothing to send ends it at once, and who makes the lane is told', async () => {
  const { lane, abandoned } = deferred()
  const near = new LaneEnd(lane)
  lane.ref()
  lane.close()
  lane.close()
  lane.destroy()
  expect((await near.report()).closedCount).toBe(0)
  expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: null })
  expect(abandoned()).toBe(1)
  expect(await near.send(10, 1)).toBe(true)
  expect(lane.pendingBytes).toBe(0)
})

test('close() with bytes to send waits for the real lane, and sends no more than those', async () => {
  const { lane, abandoned } = deferred()
  const near = new LaneEnd(lane)
  await near.send(1000, 1)
  lane.close()
  expect(await near.send(1000, 2)).toBe(true)
  const [real, other] = memoryTransportPair()
  lane.attach(real)
  const far = new LaneEnd(other)
  expect(await far.hasClosed()).toMatchObject({ sha256: patternHash([1000, 1]), closedBy: null })
  expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: null })
  expect(abandoned()).toBe(0)
})

test('close() after the real lane closes that', async () => {
  const { lane, abandoned } = deferred()
  const near = new LaneEnd(lane)
  const [real, other] = memoryTransportPair()
  lane.attach(real)
  lane.close()
  await new LaneEnd(other).hasClosed()
  expect((await near.hasClosed()).closedCount).toBe(1)
  expect(abandoned()).toBe(0)
})

test('destroy() drops what waits; a real lane that comes then is destroyed', async () => {
  const { lane, abandoned } = deferred()
  await new LaneEnd(lane, false).send(1000, 1)
  lane.destroy()
  lane.destroy()
  expect(abandoned()).toBe(1)
  expect([lane.pendingBytes, lane.heldBytes]).toEqual([0, 0])
  const [real, other] = memoryTransportPair()
  lane.attach(real)
  expect(await new LaneEnd(other).hasClosed()).toMatchObject({ receivedBytes: 0 })
  const near = new LaneEnd(lane)
  expect((await near.report()).closedCount).toBe(0)
  expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: null })
})

test.each(['before', 'after'])('fail() %s start closes with its error, once', async (when) => {
  const { lane, abandoned } = deferred()
  if (when === 'before') lane.fail(new Error('no way'))
  const near = new LaneEnd(lane)
  lane.fail(new Error(when === 'before' ? 'again' : 'no way'))
  lane.fail(undefined)
  lane.destroy()
  expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: 'no way' })
  await settled()
  expect((await near.report()).closedCount).toBe(1)
  expect(abandoned()).toBe(0)
})

test('fail() after the real lane does nothing, and a second real lane is destroyed', async () => {
  const { lane } = deferred()
  const near = new LaneEnd(lane)
  const [real, other] = memoryTransportPair()
  const [second, lost] = memoryTransportPair()
  lane.attach(real)
  lane.attach(second)
  lane.fail(new Error('too late'))
  await new LaneEnd(lost).hasClosed()
  const far = new LaneEnd(other)
  await far.send(10, 1)
  expect(await near.hasReceived(10)).toMatchObject({ closedCount: 0 })
  lane.destroy()
  await near.hasClosed()
})

test('nothing is called from within attach, start, close, destroy or fail', async () => {
  const calls: string[] = []
  const receiver = {
    target: () => Buffer.alloc(10),
    received: () => void calls.push('received'),
    drained: () => void calls.push('drained'),
    closed: () => void calls.push('closed'),
  }
  const [real, other] = memoryTransportPair()
  const actions: readonly ((lane: DeferredTransport) => void)[] = [
    (lane) => lane.attach(real),
    (lane) => lane.close(),
    (lane) => lane.destroy(),
    (lane) => lane.fail(undefined),
  ]
  const made: Transport[] = [other]
  for (const act of actions) {
    const { lane } = deferred()
    made.push(lane)
    lane.start(receiver)
    lane.write([Buffer.alloc(1)])
    act(lane)
    expect(calls).toEqual([])
    await settled()
    calls.splice(0)
  }
  for (const lane of made) lane.destroy()
})

test('tells the descriptor of the real lane', () => {
  const { lane } = deferred()
  expect(lane.descriptor).toBeUndefined()
  const [real] = memoryTransportPair()
  lane.attach(real, { descriptor: () => 42 })
  expect(lane.descriptor).toBe(42)
  lane.destroy()
})
