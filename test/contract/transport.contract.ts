import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Transport } from '../../src/transport/transport.ts'
import { type FarEnd, LaneEnd, patternHash } from '../support/far-end.ts'
import { useLeakCheck } from '../support/leak-check.ts'

/** Two connected ends: the one under test, and one that does as it is told, wherever it is. */
export interface ConnectedPair {
  readonly near: Transport
  readonly far: FarEnd
  /** Ends the far side without its having a say: a process is killed. */
  kill(): Promise<void>
  /** Ends what is left of both. */
  dispose(): Promise<void>
}

const mebibyte = 2 ** 20

/**
 * What holds for every transport.
 * @param connect - makes a pair of which the far end has started and the near one has not
 */
export function transportContract(name: string, connect: () => Promise<ConnectedPair>): void {
  describe(`Transport contract: ${name}`, () => {
    useLeakCheck()
    let pair: ConnectedPair

    beforeEach(async () => {
      pair = await connect()
    })

    afterEach(async () => {
      await pair.dispose()
    })

    exchangeRules(() => pair)
    backpressureRules(() => pair)
    endRules(() => pair)
  })
}

function exchangeRules(pair: () => ConnectedPair): void {
  test('brings bytes over, in order, both ways at once', async () => {
    const near = new LaneEnd(pair().near)
    const sends = Array.from({ length: 200 }, (_, index) => [1 + ((index * 7919) % 5000), index + 1] as const)
    const total = sends.reduce((sum, [byteLength]) => sum + byteLength, 0)
    for (const [byteLength, seed] of sends) {
      void near.send(byteLength, seed)
      void pair().far.send(byteLength, seed + 1000)
    }
    const there = await pair().far.hasReceived(total)
    const back = await near.hasReceived(total)
    expect(there.sha256).toBe(patternHash(...sends))
    expect(back.sha256).toBe(
      patternHash(...sends.map(([byteLength, seed]) => [byteLength, seed + 1000] as const)),
    )
  })

  test('brings 64 MiB there and back', async () => {
    const near = new LaneEnd(pair().near)
    await pair().far.mirror()
    await near.send(64 * mebibyte, 5)
    const { sha256, receivedBytes } = await near.hasReceived(64 * mebibyte)
    expect(receivedBytes).toBe(64 * mebibyte)
    expect(sha256).toBe(patternHash([64 * mebibyte, 5]))
  })

  test('keeps what comes before start, and calls nothing from within it', async () => {
    await pair().far.send(100_000, 3)
    const near = new LaneEnd(pair().near)
    expect((await near.report()).receivedBytes).toBe(0)
    expect((await near.hasReceived(100_000)).sha256).toBe(patternHash([100_000, 3]))
  })

  test('takes writes before start, of many chunks, of none and of empty ones', async () => {
    const { near, far } = pair()
    const chunks = Array.from({ length: 3000 }, (_, index) => Buffer.from([index]))
    near.write([new Uint8Array(0), ...chunks, new Uint8Array(0)])
    near.write([])
    near.write([new Uint8Array(0)])
    expect((await far.hasReceived(3000)).receivedBytes).toBe(3000)
  })

  test('asks for the target before each read, and reads no more than it holds', async () => {
    const { near, far } = pair()
    const read: number[] = []
    let asked = 0
    let sizes = 0
    const received = new Promise<void>((resolve) => {
      let total = 0
      near.start({
        target: () => {
          asked++
          return Buffer.alloc(1 + (sizes++ % 7))
        },
        received: (byteLength) => {
          read.push(byteLength)
          if ((total += byteLength) === 1000) resolve()
        },
        drained: () => {},
        closed: () => {},
      })
    })
    await far.send(1000, 1)
    await received
    expect(Math.max(...read)).toBeLessThanOrEqual(7)
    expect(asked).toBeGreaterThanOrEqual(read.length)
  })

  test('holds the event loop open only while referenced', () => {
    const { near } = pair()
    const count = (): number => process.getActiveResourcesInfo().length
    const before = count()
    near.ref()
    near.ref()
    expect(count()).toBe(before + 1)
    near.unref()
    expect(count()).toBe(before)
  })
}

function backpressureRules(pair: () => ConnectedPair): void {
  test('tells the writer that the other side does not read, and when everything has left', async () => {
    const near = new LaneEnd(pair().near)
    await pair().far.pause()
    let sends = 0
    while (await near.send(mebibyte, ++sends));
    await near.send(mebibyte, ++sends)
    const pending = pair().near.pendingBytes
    expect(pending).toBeGreaterThan(mebibyte)
    expect((await near.report()).drainedCount).toBe(0)
    await pair().far.resume()
    const { drainedCount } = await near.hasDrained()
    expect(drainedCount).toBe(1)
    expect(pair().near.pendingBytes).toBe(0)
    const { sha256 } = await pair().far.hasReceived(sends * mebibyte)
    expect(sha256).toBe(patternHash(...Array.from({ length: sends }, (_, at) => [mebibyte, at + 1] as const)))
    expect(await near.send(10, 1)).toBe(true)
  })

  test('makes the other side feel a pause, and reads on after it', async () => {
    const near = new LaneEnd(pair().near)
    const { far } = pair()
    near.transport.pause()
    let sends = 0
    while (await far.send(mebibyte, ++sends));
    expect((await far.report()).pendingBytes).toBeGreaterThan(0)
    expect((await near.report()).receivedBytes).toBeLessThanOrEqual(64 * 1024)
    near.transport.resume()
    const { receivedBytes } = await near.hasReceived(sends * mebibyte)
    expect(receivedBytes).toBe(sends * mebibyte)
  })

  test('can be paused in each read, and at most one more follows', async () => {
    const { near, far } = pair()
    let total = 0
    let sincePause = 0
    let most = 0
    const done = new Promise<void>((resolve) => {
      near.start({
        target: () => Buffer.alloc(10_000),
        received: (byteLength) => {
          most = Math.max(most, ++sincePause)
          near.pause()
          setImmediate(() => {
            sincePause = 0
            near.resume()
          })
          if ((total += byteLength) === mebibyte) resolve()
        },
        drained: () => {},
        closed: () => {},
      })
    })
    await far.send(mebibyte, 1)
    await done
    expect(most).toBeLessThanOrEqual(2)
  })
}

function endRules(pair: () => ConnectedPair): void {
  test('close() sends what is pending, then both ends are told once', async () => {
    const near = new LaneEnd(pair().near)
    const { far } = pair()
    await far.pause()
    let sends = 0
    while (await near.send(mebibyte, ++sends));
    near.transport.close()
    near.transport.close()
    expect(await near.send(10, 99)).toBe(true)
    await far.resume()
    const there = await far.hasClosed()
    expect(there).toMatchObject({ receivedBytes: sends * mebibyte, closedCount: 1, closedBy: null })
    expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: null })
  })

  test('close() ends the lane though the other side has sent and nobody reads it', async () => {
    const near = new LaneEnd(pair().near)
    near.transport.pause()
    while (await pair().far.send(mebibyte, 1));
    await near.send(1000, 7)
    near.transport.close()
    expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: null })
    expect(await pair().far.hasClosed()).toMatchObject({ sha256: patternHash([1000, 7]), closedBy: null })
  })

  test('the end of the other side ends the lane, after everything it had sent', async () => {
    const near = new LaneEnd(pair().near)
    await pair().far.send(3 * mebibyte, 4)
    await pair().far.close()
    const report = await near.hasClosed()
    expect(report).toMatchObject({
      sha256: patternHash([3 * mebibyte, 4]),
      closedCount: 1,
      closedBy: null,
    })
    expect(await near.send(10, 1)).toBe(true)
    near.transport.close()
    near.transport.destroy()
    near.transport.pause()
    near.transport.resume()
    expect((await near.report()).closedCount).toBe(1)
  })

  test('destroy() ends the lane at once on both ends', async () => {
    const near = new LaneEnd(pair().near)
    await pair().far.pause()
    while (await near.send(mebibyte, 1));
    near.transport.destroy()
    near.transport.destroy()
    expect(await near.hasClosed()).toMatchObject({ closedCount: 1, closedBy: null })
    expect(await near.send(10, 1)).toBe(true)
    await pair().far.resume()
    expect((await pair().far.hasClosed()).closedCount).toBe(1)
  })

  test('destroy() before start is told after start', async () => {
    pair().near.destroy()
    const near = new LaneEnd(pair().near)
    expect((await near.report()).closedCount).toBe(0)
    expect((await near.hasClosed()).closedCount).toBe(1)
  })

  test('what the other side had sent arrives though it was killed and writes fail', async () => {
    await pair().far.send(50_000, 6)
    await pair().kill()
    // None of these arrives, and the failure must not take away what is still to be read.
    for (let turn = 0; turn < 10; turn++) pair().near.write([Buffer.alloc(mebibyte)])
    const near = new LaneEnd(pair().near)
    const report = await near.hasClosed()
    expect(report).toMatchObject({ sha256: patternHash([50_000, 6]), closedCount: 1 })
    expect(await near.send(10, 1)).toBe(true)
    expect(pair().near.pendingBytes).toBe(0)
  })

  test('a kill while bytes are pending ends the lane once', async () => {
    const near = new LaneEnd(pair().near)
    await pair().far.pause()
    while (await near.send(mebibyte, 1));
    await pair().kill()
    await near.send(mebibyte, 1)
    expect((await near.hasClosed()).closedCount).toBe(1)
  })
}
