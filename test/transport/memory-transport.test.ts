import { describe, expect, test } from 'vitest'
import { type MemoryTransportOptions, memoryTransportPair } from '../../src/transport/memory-transport.ts'
import { LaneEnd, patternHash } from '../support/far-end.ts'
import { TaskQueue } from '../support/task-queue.ts'

function rig(options: MemoryTransportOptions = {}): { near: LaneEnd; far: LaneEnd; tasks: TaskQueue } {
  const tasks = new TaskQueue()
  const [near, far] = memoryTransportPair({ schedule: tasks.schedule, ...options })
  return { near: new LaneEnd(near), far: new LaneEnd(far), tasks }
}

describe('memoryTransportPair()', () => {
  test('does everything in tasks of the given scheduler', async () => {
    const { near, far, tasks } = rig()
    tasks.runAll()
    expect(await near.send(100, 1)).toBe(true)
    near.transport.close()
    expect(await far.report()).toMatchObject({ receivedBytes: 0, closedCount: 0 })
    tasks.runAll()
    expect(await far.report()).toMatchObject({ sha256: patternHash([100, 1]), closedCount: 1 })
    expect(await near.report()).toMatchObject({ closedCount: 1 })
    expect(tasks.length).toBe(0)
  })

  test('lets as many bytes leave as it may hold, and brings them in reads of the given size', async () => {
    const { near, far, tasks } = rig({ capacityBytes: 1000, readBytes: 300 })
    expect(await near.send(1000, 1)).toBe(true)
    expect(await near.send(1001, 2)).toBe(false)
    expect(near.transport.pendingBytes).toBe(1001)
    while ((await far.report()).receivedBytes === 0) tasks.runOne()
    expect((await far.report()).receivedBytes).toBe(300)
    expect(near.transport.pendingBytes).toBe(701)
    tasks.runAll()
    expect(await far.report()).toMatchObject({ sha256: patternHash([1000, 1], [1001, 2]) })
    expect(await near.report()).toMatchObject({ drainedCount: 1, pendingBytes: 0 })
  })

  test('copies what has left, so that the writer may overwrite it', async () => {
    const { near, far, tasks } = rig()
    const bytes = Buffer.alloc(10, 1)
    expect(near.transport.write([bytes])).toBe(true)
    bytes.fill(2)
    tasks.runAll()
    const other = rig()
    other.near.transport.write([Buffer.alloc(10, 1)])
    other.tasks.runAll()
    expect((await far.report()).sha256).toBe((await other.far.report()).sha256)
  })

  test('what has left arrives though the writer was destroyed; what has not is lost', async () => {
    const { near, far, tasks } = rig({ capacityBytes: 1000 })
    await near.send(1000, 1)
    await near.send(1000, 2)
    await near.destroy()
    expect(near.transport.pendingBytes).toBe(0)
    tasks.runAll()
    expect(await far.report()).toMatchObject({ sha256: patternHash([1000, 1]), closedCount: 1 })
  })

  test.each([{ capacityBytes: 0 }, { capacityBytes: Number.NaN }, { readBytes: -1 }])(
    'refuses the bound %o',
    (options) => {
      expect(() => memoryTransportPair(options)).toThrow(RangeError)
    },
  )
})
