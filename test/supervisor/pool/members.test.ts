import { describe, expect, it } from 'vitest'
import { useLeakCheck } from '../../support/leak-check.ts'
import { upTo } from '../../support/numbers.ts'
import { exitReason, gate, outcomeOf, SimulatedCrew, simulatedPool, turns } from './simulated-crew.ts'

useLeakCheck()

function whoAmI(this: { path: string }): string {
  return this.path
}

describe('resize', () => {
  it('adds members that take calls as they are ready', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    const { opened, open } = gate()
    const calls = Array.from({ length: 3 }, () => core.call(() => opened, [], undefined))
    expect(core.stats().running).toBe(1)
    await core.resize(3)
    expect(core.stats()).toMatchObject({ size: 3, running: 3 })
    expect(crew.log).toEqual(['add worker-2', 'add worker-3'])
    open()
    await Promise.all(calls)
  })

  it('claims a spare at once when it grows, and keeps as many spares', async () => {
    const { core } = simulatedPool({ size: 1, spares: 1 })
    const { opened, open } = gate()
    const calls = [core.call(() => opened, [], undefined), core.call(() => opened, [], undefined)]
    const grown = core.resize(2)
    await Promise.resolve()
    await Promise.resolve()
    expect(core.stats().running).toBe(2)
    await grown
    expect(core.stats()).toMatchObject({ size: 2, spares: 1 })
    open()
    await Promise.all(calls)
  })

  it('lets the members that go finish their calls, and gives them no others', async () => {
    const { core, crew } = simulatedPool({ size: 3 })
    const gates = Array.from({ length: 3 }, gate)
    const calls = gates.map(({ opened }) => core.call(() => opened, [], undefined))
    const shrunk = core.resize(1)
    await turns()
    expect(core.stats().members.map(({ role }) => role)).toEqual(['serving', 'leaving', 'leaving'])
    gates[1]!.open()
    await calls[1]
    await turns()
    expect(crew.up).toEqual(['worker-1', 'worker-3'])
    expect(await outcomeOf(shrunk)).toBe('pending')
    gates[2]!.open()
    await shrunk
    expect(crew.up).toEqual(['worker-1'])
    gates[0]!.open()
    await Promise.all(calls)
  })

  it('grows although a member that is to go has a call that never ends', async () => {
    const { core, crew } = simulatedPool({ size: 2 })
    const { opened, open } = gate()
    const hung = [core.call(() => opened, [], undefined), core.call(() => opened, [], undefined)]
    const down = core.resize(1)
    await core.resize(3)
    expect(core.size).toBe(3)
    expect(core.stats().members.filter(({ role }) => role === 'serving')).toHaveLength(3)
    expect(await outcomeOf(down)).toBe('pending')
    open()
    await Promise.all([...hung, down])
    expect(crew.up).toEqual(['worker-1', 'worker-3', 'worker-4'])
  })

  it('takes out those that are down', async () => {
    const { core, crew } = simulatedPool({ size: 2 })
    crew.lose('worker-2')
    await core.resize(1)
    expect(crew.log).toEqual(['remove worker-2'])
    expect(core.memberIds).toEqual(['worker-1'])
  })

  it('does one after the other', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    await Promise.all([core.resize(4), core.resize(2), core.resize(3)])
    expect(core.size).toBe(3)
    expect(crew.up).toHaveLength(3)
    expect(core.stats().members.every(({ role }) => role === 'serving')).toBe(true)
  })

  it('has as many members as could be started', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.failures.push(new Error('no more processes'))
    await expect(core.resize(3)).rejects.toThrow('no more processes')
    expect(core.size).toBe(2)
    expect(core.memberIds).toHaveLength(2)
    expect(core.stats().members).toHaveLength(2)
  })

  it('has the size that it was given also if its crew ends meanwhile and another one is there', async () => {
    const { core, crew } = simulatedPool({ size: 1, spares: 1 })
    const grown = core.resize(4)
    await turns()
    core.ended(exitReason('escalated'))
    const next = new SimulatedCrew(core)
    core.enter(next)
    for (const id of core.memberIds) next.begin(id)
    core.started()
    await expect(grown).rejects.toThrow('ended while it was resized to 4')
    expect(core.stats()).toMatchObject({ size: 4, spares: 1 })
    expect(core.stats().members.map(({ role }) => role)).not.toContain('leaving')
    expect([crew.log, next.log]).toEqual([[], []])
    const keys = upTo(20).map((key) => core.call(whoAmI, [], { key }))
    expect(await Promise.all(keys)).toHaveLength(20)
    await core.resize(5)
    expect(next.log).toEqual(['add worker-6'])
  })

  it('has it, too, if the crew is about to end when members are to be added, or while they are', async () => {
    for (const isBefore of [true, false]) {
      const { core, crew } = simulatedPool({ size: 1 })
      crew.isEnding = isBefore
      if (!isBefore) crew.failures.push(new Error('its supervisor ends'))
      const grown = core.resize(3)
      await Promise.resolve()
      crew.isEnding = true
      await expect(grown).rejects.toThrow('ended while it was resized to 3')
      expect([core.size, core.memberIds.length]).toEqual([3, 3])
    }
  })

  it('sends the calls that wait for a key to the member that has the key now', async () => {
    const { core } = simulatedPool({ size: 2 })
    const { opened, open } = gate()
    const busy = [0, 1].map(() => core.call(() => opened, [], undefined))
    const keyed = Array.from({ length: 20 }, (_, key) => core.call(whoAmI, [], { key }))
    await core.resize(4)
    const early = (await Promise.all(keyed.map(outcomeOf))).filter((one) => one !== 'pending')
    expect(early.length).toBeGreaterThan(0)
    open()
    const homes = await Promise.all(keyed)
    const again = await Promise.all(homes.map((_, key) => core.call(whoAmI, [], { key })))
    expect(homes).toEqual(again)
    await Promise.all(busy)
  })
})

describe('recycle', () => {
  it('replaces a member after so many calls, between two calls', async () => {
    const { core, crew } = simulatedPool({ size: 1, recycle: { afterCalls: 2 } })
    const lives: number[] = []
    const calls = Array.from({ length: 5 }, () =>
      core.call(
        function (this: { incarnation: number }) {
          lives.push(this.incarnation)
        },
        [],
        undefined,
      ),
    )
    await Promise.all(calls)
    expect(lives).toEqual([1, 1, 2, 2, 3])
    expect(crew.log).toEqual(['replace worker-1', 'replace worker-1'])
    expect(core.stats()).toMatchObject({ recycled: 2, restarts: 0 })
  })

  it('gives a member no more calls than that, also with several at once', async () => {
    const { core } = simulatedPool({ size: 2, concurrency: 8, recycle: { afterCalls: 3 } })
    const perLife = new Map<string, number>()
    const count = function (this: { path: string; incarnation: number }): void {
      const life = `${this.path} ${this.incarnation}`
      perLife.set(life, (perLife.get(life) ?? 0) + 1)
    }
    await Promise.all(Array.from({ length: 100 }, () => core.call(count, [], undefined)))
    expect(Math.max(...perLife.values())).toBe(3)
  })

  it('gives it exactly so many, also if several calls end in the same turn', async () => {
    const { core, crew } = simulatedPool({ size: 1, concurrency: 3, recycle: { afterCalls: 5 } })
    const { opened, open } = gate()
    const lives: number[] = []
    const calls = upTo(15).map((n) => {
      const fn = async function (this: { incarnation: number }): Promise<void> {
        lives.push(this.incarnation)
        // The first three end at once, and so do those that follow.
        await opened
      }
      return core.call(fn, [n], undefined)
    })
    open()
    await Promise.all(calls)
    expect([1, 2, 3].map((life) => lives.filter((one) => one === life).length)).toEqual([5, 5, 5])
    await turns()
    expect(crew.log).toEqual(['replace worker-1', 'replace worker-1', 'replace worker-1'])
  })

  it('replaces a member whose memory has grown too large, and asks only now and then', async () => {
    const { core, crew } = simulatedPool({ size: 1, recycle: { maxRssMb: 100 } })
    const member = crew.member('worker-1')
    for (let call = 0; call < 5; call++) await core.call(() => 0, [], undefined)
    expect(member.measured).toBe(1)
    expect(crew.log).toEqual([])
    core.roster.lifeOf('worker-1')!.measuredAtMs = -Infinity
    member.rssBytes = 101 * 2 ** 20
    await core.call(() => 0, [], undefined)
    await turns()
    expect(crew.log).toEqual(['replace worker-1'])
    expect(crew.member('worker-1').incarnation).toBe(2)
  })

  it('has a spare take over meanwhile', async () => {
    const { core } = simulatedPool({ size: 1, spares: 1, recycle: { afterCalls: 1 } })
    const homes = [await core.call(whoAmI, [], undefined), await core.call(whoAmI, [], undefined)]
    expect(homes).toEqual(['pool/worker-1', 'pool/worker-2'])
    await turns()
  })

  it('leaves a member to its supervisor that dies before it can be replaced', async () => {
    const { core, crew } = simulatedPool({ size: 1, concurrency: 2, recycle: { afterCalls: 2 } })
    const { opened, open } = gate()
    const [quick, slow] = [core.call(() => 0, [], undefined), core.call(() => opened, [], undefined)]
    await quick
    crew.lose('worker-1')
    await expect(slow).rejects.toThrow('died')
    crew.begin('worker-1')
    open()
    expect(await core.call(whoAmI, [], undefined)).toBe('pool/worker-1')
    expect(crew.log).toEqual([])
  })

  it('tries again if the new one can not be started, and gives up after five times', async () => {
    const { core, crew } = simulatedPool({ size: 1, recycle: { afterCalls: 1 } })
    crew.failures.push(new Error('busy'))
    await core.call(() => 0, [], undefined)
    expect(await core.call(whoAmI, [], undefined)).toBe('pool/worker-1')
    expect(crew.log).toEqual(['replace worker-1', 'replace worker-1'])
    crew.failures.push(...Array.from({ length: 10 }, () => new Error('no processes left')))
    const waiting = core.call(whoAmI, [], undefined)
    await expect(waiting).rejects.toMatchObject({
      name: 'WorkerUnavailableError',
      message: expect.stringContaining('no processes left') as string,
    })
    expect(core.state).toBe('down')
    expect(crew.log.at(-1)).toBe('stop')
  })
})

describe('broadcast', () => {
  const note = function (this: { path: string; notes?: string[] }, text: string): string {
    ;(this.notes ??= []).push(text)
    return `${this.path} ${text}`
  }
  const notes = function (this: { notes?: string[] }): string[] {
    return [...(this.notes ?? [])]
  }

  it('runs in every member, spares included, and in those to come before their first call', async () => {
    const { core, crew } = simulatedPool({ size: 1, spares: 1 })
    expect(await core.broadcast(note, ['a'], undefined, true)).toEqual(['pool/worker-1 a', 'pool/worker-2 a'])
    await core.broadcast(note, ['only now'], undefined, false)
    await core.broadcast(note, ['b'], undefined, true)
    crew.lose('worker-1')
    expect(await core.call(notes, [], undefined)).toEqual(['a', 'only now', 'b'])
    crew.lose('worker-2')
    crew.begin('worker-1')
    expect(await core.call(notes, [], undefined)).toEqual(['a', 'b'])
  })

  it('is done before calls that are made after it, beside those made before', async () => {
    const { core } = simulatedPool({ size: 1, concurrency: 2 })
    const { opened, open } = gate()
    const order: string[] = []
    const before = core.call(() => opened.then(() => order.push('before')), [], undefined)
    const slow = gate()
    const broadcast = core.broadcast(
      () => slow.opened.then(() => order.push('broadcast')),
      [],
      undefined,
      false,
    )
    const after = core.call(() => order.push('after'), [], undefined)
    await turns()
    expect(order).toEqual([])
    slow.open()
    await broadcast
    await after
    open()
    await before
    expect(order).toEqual(['broadcast', 'after', 'before'])
  })

  it('keeps the order of several, also in a member that comes in between', async () => {
    const { core, crew } = simulatedPool({ size: 2 })
    crew.lose('worker-2')
    const sent = [core.broadcast(note, ['a'], undefined, true), core.broadcast(note, ['b'], undefined, true)]
    crew.begin('worker-2')
    sent.push(core.broadcast(note, ['c'], undefined, true))
    await Promise.all(sent)
    const all = await core.broadcast(notes, [], undefined, false)
    expect(all).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ])
  })

  it('rejects with what it threw, and is then not run by those to come', async () => {
    const { core, crew, unprepared } = simulatedPool({ size: 1 })
    const failing = (): never => {
      throw new Error('not here')
    }
    await expect(core.broadcast(failing, [], undefined, true)).rejects.toThrow('not here')
    crew.lose('worker-1')
    crew.begin('worker-1')
    expect(await core.call(whoAmI, [], undefined)).toBe('pool/worker-1')
    expect(unprepared).toEqual([])
  })

  it('leaves out the member that dies of it; its next life runs it', async () => {
    const { core, crew } = simulatedPool({ size: 2 })
    const { opened, open } = gate()
    const broadcast = core.broadcast(
      function (this: { path: string }) {
        return opened.then(() => this.path)
      },
      [],
      undefined,
      true,
    )
    crew.lose('worker-2')
    open()
    expect(await broadcast).toEqual(['pool/worker-1'])
  })

  it('rejects if all die with it, and is then not run by those to come', async () => {
    const { core, crew } = simulatedPool({ size: 2 })
    let runs = 0
    const { opened } = gate()
    const broadcast = core.broadcast(() => (runs++, opened), [], undefined, true)
    for (const id of crew.up) crew.lose(id)
    await expect(broadcast).rejects.toMatchObject({ name: 'WorkerDiedError', executed: 'unknown' })
    crew.begin('worker-1')
    expect(await outcomeOf(core.call(whoAmI, [], undefined))).toEqual({ value: 'pool/worker-1' })
    expect(runs).toBe(2)
  })

  it('waits for the first to come if nobody is there, or all were dead, and that one is its proof', async () => {
    for (const isDead of [true, false]) {
      const { core, crew } = simulatedPool({ size: 2 })
      if (isDead) for (const id of crew.up) crew.member(id).die()
      else for (const id of crew.up) crew.lose(id)
      const broadcast = core.broadcast(note, ['a'], undefined, true)
      expect(await outcomeOf(broadcast)).toBe('pending')
      if (isDead) for (const id of crew.up) crew.lose(id)
      crew.bornDead = 1
      crew.begin('worker-1')
      expect(await outcomeOf(broadcast)).toBe('pending')
      crew.begin('worker-2')
      expect(await broadcast).toEqual(['pool/worker-2 a'])
      crew.lose('worker-1')
      crew.begin('worker-1')
      expect(await core.broadcast(notes, [], undefined, false)).toEqual([['a'], ['a']])
    }
  })

  it('that the first to come can not run rejects, and that one serves', async () => {
    const { core, crew, unprepared } = simulatedPool({ size: 1 })
    crew.lose('worker-1')
    const failing = (): never => {
      throw new Error('bad')
    }
    const broadcast = core.broadcast(failing, [], undefined, true)
    crew.begin('worker-1')
    await expect(broadcast).rejects.toThrow('bad')
    expect(await core.call(whoAmI, [], undefined)).toBe('pool/worker-1')
    expect(unprepared).toEqual([])
  })

  it('rejects if nobody is to come that could run it, or its sender does not want to wait', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.lose('worker-1')
    const controller = new AbortController()
    const unwanted = core.broadcast(note, ['a'], { signal: controller.signal }, true)
    const broadcast = core.broadcast(note, ['b'], undefined, true)
    controller.abort(new Error('enough'))
    await expect(unwanted).rejects.toThrow('enough')
    await expect(core.broadcast(note, ['c'], { signal: controller.signal }, true)).rejects.toThrow('enough')
    expect(await outcomeOf(broadcast)).toBe('pending')
    core.ended(exitReason('escalated', new Error('given up')))
    await expect(broadcast).rejects.toThrow('given up')
    core.enter(crew)
    crew.begin('worker-1')
    core.started()
    expect(await core.call(notes, [], undefined)).toEqual([])
  })

  it('has a new member wait that can not run it while it is not known whether others could', async () => {
    for (const isGood of [true, false]) {
      const { core, crew, unprepared } = simulatedPool({ size: 2 })
      const { opened, open } = gate()
      crew.lose('worker-2')
      const fragile = async function (this: { path: string }): Promise<void> {
        if (this.path === 'pool/worker-2') throw new Error('not here')
        await opened
        if (!isGood) throw new Error('nor here')
      }
      const broadcast = outcomeOf(core.broadcast(fragile, [], undefined, true))
      crew.begin('worker-2')
      const call = core.call(whoAmI, [], undefined)
      expect(await outcomeOf(call)).toBe('pending')
      open()
      await broadcast
      await turns()
      expect(crew.member('worker-2').wasKilled).toBe(isGood)
      expect(unprepared).toHaveLength(isGood ? 1 : 0)
      await call
    }
  })

  it('makes the pool give up if those to come can not run it, throw after throw or death after death', async () => {
    for (const dies of [false, true]) {
      const { core, crew } = simulatedPool({ size: 1 })
      let isBroken = false
      const fragile = (): unknown => {
        if (isBroken && dies) return new Promise(() => {})
        if (isBroken) throw new Error('not any more')
        return undefined
      }
      await core.broadcast(fragile, [], undefined, true)
      isBroken = true
      crew.lose('worker-1')
      const refused = core.call(whoAmI, [], undefined).catch((error: unknown) => error)
      for (let life = 1; life <= 5; life++) {
        expect(core.state).toBe('up')
        crew.begin('worker-1')
        await turns()
        if (life < 5 || dies) crew.lose('worker-1')
        await turns()
      }
      expect([core.state, crew.log.at(-1)]).toEqual(['down', 'stop'])
      expect(await refused).toMatchObject({
        name: 'WorkerUnavailableError',
        cause: { message: dies ? 'pool/worker-1 died' : 'not any more' },
      })
    }
  })

  it('counts a start as good, and begins to count anew, when a member has run all of it', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    let isBroken = false
    await core.broadcast(
      () => {
        if (isBroken) throw new Error('not now')
      },
      [],
      undefined,
      true,
    )
    for (let round = 0; round < 3; round++) {
      for (let life = 0; life < 4; life++) {
        isBroken = true
        crew.lose('worker-1')
        crew.begin('worker-1')
        await turns()
      }
      isBroken = false
      crew.lose('worker-1')
      crew.begin('worker-1')
      expect(await core.call(whoAmI, [], undefined)).toBe('pool/worker-1')
    }
  })

  it('does not let a member serve that can not run what the others have run', async () => {
    const { core, crew, unprepared } = simulatedPool({ size: 1 })
    let isBroken = false
    const fragile = (): void => {
      if (isBroken) throw new Error('not any more')
    }
    await core.broadcast(fragile, [], undefined, true)
    isBroken = true
    crew.lose('worker-1')
    const call = core.call(whoAmI, [], undefined)
    crew.begin('worker-1')
    expect(await outcomeOf(call)).toBe('pending')
    expect(crew.member('worker-1').wasKilled).toBe(true)
    expect(unprepared).toMatchObject([{ message: 'not any more' }])
    isBroken = false
    crew.lose('worker-1')
    crew.begin('worker-1')
    expect(await call).toBe('pool/worker-1')
  })

  it('is run by those to come though the signal of its sender has aborted since', async () => {
    const { core, crew, unprepared } = simulatedPool({ size: 1 })
    const controller = new AbortController()
    await core.broadcast(note, ['a'], { signal: controller.signal }, true)
    controller.abort()
    crew.lose('worker-1')
    crew.begin('worker-1')
    expect(await core.call(notes, [], undefined)).toEqual(['a'])
    expect(unprepared).toEqual([])
  })

  it('gives every member the arguments as they were', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    const list = ['a']
    const read = function (this: { notes?: string[] }, own: string[]): void {
      this.notes = own
    }
    await core.broadcast(read, [list], undefined, true)
    list.push('b')
    crew.lose('worker-1')
    crew.begin('worker-1')
    expect(await core.call(notes, [], undefined)).toEqual(['a'])
  })
})
