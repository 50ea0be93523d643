import { describe, expect, it } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'
import { slotOfKey } from '../../../src/supervisor/pool/slot-of-key.ts'
import { gate, outcomeOf, simulatedPool, turns } from './simulated-crew.ts'

useLeakCheck()

/** Which member it runs in. */
function whoAmI(this: { path: string }): string {
  return this.path
}

describe('who gets which call', () => {
  it('gives each free member one, and lets the rest wait in the order in which they came', async () => {
    const { core } = simulatedPool({ size: 2 })
    const order: number[] = []
    const gates = Array.from({ length: 5 }, gate)
    const calls = gates.map(({ opened }, at) => core.call(() => (order.push(at), opened), [], undefined))
    expect(order).toEqual([0, 1])
    expect(core.stats()).toMatchObject({ waiting: 3, running: 2 })
    gates[1]!.open()
    await calls[1]
    await turns()
    expect(order).toEqual([0, 1, 2])
    for (const { open } of gates) open()
    await Promise.all(calls)
    expect(order).toEqual([0, 1, 2, 3, 4])
    expect(core.stats()).toMatchObject({ waiting: 0, running: 0, served: 5 })
  })

  it('gives one member as many at once as `concurrency` says, the least busy first', async () => {
    const { core, crew } = simulatedPool({ size: 2, concurrency: 3 })
    const { opened, open } = gate()
    const calls = Array.from({ length: 8 }, () => core.call(() => opened, [], undefined))
    expect([crew.member('worker-1').calls, crew.member('worker-2').calls]).toEqual([3, 3])
    expect(core.stats().waiting).toBe(2)
    open()
    await Promise.all(calls)
  })

  it('prefers those with a higher priority, and keeps the order among equals', async () => {
    const { core } = simulatedPool({ size: 1 })
    const { opened, open } = gate()
    const order: string[] = []
    const first = core.call(() => opened, [], undefined)
    const rest = ['b', 'a', 'c', 'a2', 'last'].map((name, at) =>
      core.call(() => void order.push(name), [], { priority: [0, 5, 0, 5, -1][at]! }),
    )
    open()
    await Promise.all([first, ...rest])
    expect(order).toEqual(['a', 'a2', 'b', 'c', 'last'])
  })

  it('sends the calls of one key to one member, and lets no other wait for it', async () => {
    const { core } = simulatedPool({ size: 4 })
    const { opened, open } = gate()
    const home = await core.call(whoAmI, [], { key: 'a' })
    const busy = core.call(() => opened, [], { key: 'a' })
    const waiting = Array.from({ length: 10 }, () => core.call(whoAmI, [], { key: 'a' }))
    const others = await Promise.all(Array.from({ length: 10 }, () => core.call(whoAmI, [], undefined)))
    expect(others).not.toContain(home)
    expect(core.stats().waiting).toBe(10)
    open()
    await busy
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([home]))
  })

  it('spreads keys over the slots, and moves only those of slots that come or go', () => {
    const keys = Array.from({ length: 4000 }, (_, at) => `key ${at}`)
    const of8 = keys.map((key) => slotOfKey(key, 8))
    const counts = Array.from({ length: 8 }, (_, slot) => of8.filter((one) => one === slot).length)
    expect(Math.min(...counts)).toBeGreaterThan(400)
    expect(Math.max(...counts)).toBeLessThan(600)
    const moved = keys.filter((key, at) => of8[at] !== slotOfKey(key, 7))
    expect(moved.every((key) => slotOfKey(key, 8) === 7)).toBe(true)
    const asText = Array.from({ length: 100 }, (_, at) => slotOfKey(at, 8) === slotOfKey(String(at), 8))
    expect(asText).toContain(false)
  })

  it('begins nothing while it is paused', async () => {
    const { core } = simulatedPool()
    core.dispatcher.pause()
    const call = core.call(() => 'ran', [], undefined)
    expect(await outcomeOf(call)).toBe('pending')
    core.dispatcher.resume()
    expect(await call).toBe('ran')
  })

  it('refuses one call too many, and takes one again when another has gone', async () => {
    const { core } = simulatedPool({ size: 1, maxQueued: 2 })
    const { opened, open } = gate()
    const calls = Array.from({ length: 3 }, () => core.call(() => opened, [], undefined))
    await expect(core.call(() => 0, [], undefined)).rejects.toMatchObject({
      name: 'BackpressureError',
      executed: 'no',
      message: expect.stringContaining('`maxQueued`') as string,
    })
    open()
    await Promise.all(calls)
    await expect(core.call(() => 1, [], undefined)).resolves.toBe(1)
  })

  it('copies the arguments of a call that waits when it is made', async () => {
    const { core } = simulatedPool({ size: 1 })
    const { opened, open } = gate()
    const first = core.call(() => opened, [], undefined)
    const list = [1]
    const second = core.call((own: number[]) => own.length, [list], undefined)
    list.push(2)
    open()
    expect(await first).toBe(undefined)
    expect(await second).toBe(1)
  })

  it('takes a call that is aborted while it waits out of the line', async () => {
    const { core } = simulatedPool({ size: 1 })
    const { opened, open } = gate()
    const controller = new AbortController()
    const first = core.call(() => opened, [], undefined)
    const ran: string[] = []
    const second = core.call(() => ran.push('second'), [], { signal: controller.signal })
    const third = core.call(() => ran.push('third'), [], undefined)
    const reason = new Error('not wanted')
    controller.abort(reason)
    await expect(second).rejects.toBe(reason)
    expect(core.stats().waiting).toBe(1)
    await expect(core.call(() => 0, [], { signal: controller.signal })).rejects.toBe(reason)
    open()
    await Promise.all([first, third])
    expect(ran).toEqual(['third'])
  })

  it('says when it is idle', async () => {
    const { core } = simulatedPool({ size: 1 })
    await core.dispatcher.whenIdle()
    const { opened, open } = gate()
    const calls = [core.call(() => opened, [], undefined), core.call(() => opened, [], undefined)]
    expect(await outcomeOf(core.dispatcher.whenIdle())).toBe('pending')
    open()
    await core.dispatcher.whenIdle()
    expect(await outcomeOf(Promise.all(calls))).toMatchObject({ value: [undefined, undefined] })
  })

  it('stays linear: ten times as many waiting calls take at most fifty times as long', async () => {
    const run = async (count: number): Promise<number> => {
      const { core } = simulatedPool({ size: 4, maxQueued: 1e6 })
      const before = process.cpuUsage()
      const keyed = (at: number): { key?: number } => (at % 2 === 0 ? { key: at } : {})
      await Promise.all(Array.from({ length: count }, (_, at) => core.call(() => at, [], keyed(at))))
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1000
    }
    await run(2000)
    const few = await run(2000)
    const many = await run(20_000)
    console.log(
      `pool: 2,000 waiting calls ${few.toFixed(0)} ms, 20,000 ${many.toFixed(0)} ms of processor time`,
    )
    expect(many / few).toBeLessThan(50)
  })
})
