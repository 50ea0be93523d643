import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pipeLanes } from '../../src/transport/pipe-transport.ts'
import { bundleFixture } from '../support/bundle-fixture.ts'
import { type FarChild, spawnFarChild } from '../support/far-child.ts'
import { LaneEnd, patternHash } from '../support/far-end.ts'
import { frameBytes, patternBytes } from '../support/frame-bytes.ts'
import { useLeakCheck } from '../support/leak-check.ts'

let farLanes: string
let throwingTicks: string
beforeAll(async () => {
  farLanes = await bundleFixture('transport/far-lanes.ts')
  throwingTicks = await bundleFixture('transport/throwing-ticks.ts')
})

describe.each([true, false])('pipeLanes() with adoptHandle %s', (adoptHandle) => {
  useLeakCheck()
  let far: FarChild
  let data: LaneEnd
  let control: LaneEnd

  beforeEach(() => {
    far = spawnFarChild(farLanes, { adoptHandle })
    data = new LaneEnd(far.lanes.data)
    control = new LaneEnd(far.lanes.control)
  })

  afterEach(() => far.kill())

  test('takes the handle of the stream if it may', () => {
    const { _handle: handle } = far.child.stdio[3] as unknown as { _handle: unknown }
    expect(handle === null).toBe(adoptHandle)
  })

  test('the control lane passes while the data lane is full', async () => {
    await far.data.pause()
    while (await data.send(2 ** 20, 1));
    await control.send(1000, 2)
    expect((await far.control.hasReceived(1000)).sha256).toBe(patternHash([1000, 2]))
    await far.control.send(500, 3)
    expect((await control.hasReceived(500)).sha256).toBe(patternHash([500, 3]))
    expect(far.lanes.data.pendingBytes).toBeGreaterThan(0)
  })

  test('a stopped process costs back-pressure, and goes on where it was', async () => {
    await far.data.mirror()
    far.child.kill('SIGSTOP')
    let sends = 0
    while (await data.send(2 ** 20, ++sends));
    expect(far.lanes.data.pendingBytes).toBeGreaterThan(0)
    far.child.kill('SIGCONT')
    const seeds = Array.from({ length: sends }, (_, index) => [2 ** 20, index + 1] as const)
    expect((await data.hasReceived(sends * 2 ** 20)).sha256).toBe(patternHash(...seeds))
  })

  test('when the process is killed each lane is closed once, and the child emits close', async () => {
    const closed = once(far.child, 'close')
    await far.data.report()
    await far.kill()
    for (const lane of [data, control]) {
      void lane.send(2 ** 20, 1)
      expect((await lane.hasClosed()).closedCount).toBe(1)
    }
    await closed
  })

  test('lanes that are destroyed before the process is ready do not disturb it', async () => {
    data.transport.destroy()
    await data.hasClosed()
    expect(await far.data.hasClosed()).toMatchObject({ receivedBytes: 0, closedCount: 1, closedBy: null })
    expect((await far.control.report()).closedCount).toBe(0)
  })
})

describe('pipeLanes()', () => {
  useLeakCheck()

  test('of a child that could not be started are closed', async () => {
    const child = spawn('/nonexistent/program', { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    const { data, control } = pipeLanes(child)
    const [error] = await once(child, 'error')
    expect(error).toMatchObject({ code: 'ENOENT' })
    for (const lane of [data, control]) {
      lane.write([Buffer.from('x')])
      expect((await new LaneEnd(lane).hasClosed()).closedCount).toBe(1)
    }
  })

  test('refuses a child without pipes there', async () => {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
    expect(() => pipeLanes(child)).toThrow(
      new TypeError("Expected `stdio[3]` of the child to be a pipe; spawn it with 'pipe' there"),
    )
    await once(child, 'close')
  })
})

describe.each(['deferred', 'direct'])('a lane on which every frame makes a tick throw: %s', (mode) => {
  useLeakCheck()

  test('does not get out of step', async () => {
    const stdio = ['ignore', 'inherit', 'inherit', 'pipe', 'pipe', 'ipc'] as const
    const child = spawn(process.execPath, [throwingTicks, mode], { stdio: [...stdio] })
    const { data, control } = pipeLanes(child)
    for (const lane of [data, control]) new LaneEnd(lane)
    const sizes = [3, 100_000, 8, 40_000, 0, 250_000, 70_000, 20, 33_000, 5]
    const frames = Array.from({ length: 300 }, (_, id) => ({
      type: id === 299 ? 255 : 1,
      flags: 0,
      id,
      aux: 0,
      body: patternBytes(sizes[id % sizes.length]!, id + 1),
      attachments: id % 3 === 0 ? [patternBytes(sizes[(id * 7) % sizes.length]!, id + 2)] : [],
    }))
    const hash = createHash('sha256')
    for (const { body, attachments } of frames) for (const part of [body, ...attachments]) hash.update(part)
    for (const frame of frames) data.write([frameBytes(frame)])
    const [report] = (await once(child, 'message')) as [unknown]
    expect(report).toMatchObject({ sha256: hash.digest('hex'), frames: 300 })
    child.kill()
    await once(child, 'close')
  })
})
