import { describe, expect, it } from 'vitest'
import { RemoteError } from '../../../src/errors/call-errors.ts'
import { EncodeError } from '../../../src/errors/data-errors.ts'
import { RestartLimitError } from '../../../src/errors/supervision-errors.ts'
import { allOf } from '../../../src/supervisor/pool/mapping.ts'
import { systemClock } from '../../../src/transport/clock.ts'
import { useLeakCheck } from '../../support/leak-check.ts'
import { upTo } from '../../support/numbers.ts'
import { exitReason, gate, outcomeOf, simulatedPool, turns } from './simulated-crew.ts'

useLeakCheck()

function whoAmI(this: { path: string }): string {
  return this.path
}

const remoteError = (message: string): RemoteError =>
  new RemoteError(message, { remoteName: 'Error', remoteStack: '', properties: {} })

describe('a member that is lost', () => {
  it('costs the calls that it held, and no others', async () => {
    const { core, crew } = simulatedPool({ size: 2 })
    const { opened, open } = gate()
    const ran: number[] = []
    const calls = Array.from({ length: 6 }, (_, at) => core.call(() => (ran.push(at), opened), [], undefined))
    crew.lose('worker-1')
    await expect(calls[0]).rejects.toMatchObject({ name: 'WorkerDiedError', executed: 'unknown' })
    crew.begin('worker-1')
    open()
    const settled = await Promise.allSettled(calls)
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(ran.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5])
    expect(core.stats()).toMatchObject({ restarts: 1, waiting: 0, running: 0 })
    expect(core.stats().members).toHaveLength(2)
  })

  it('has what certainly did not run go to another one, in the place that it had in the line', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    const order: string[] = []
    // Its process is dead, but nobody knows yet.
    crew.member('worker-1').die()
    const first = core.call(() => order.push('first'), [], undefined)
    const second = core.call(() => order.push('second'), [], undefined)
    await turns()
    expect(order).toEqual([])
    crew.lose('worker-1')
    crew.begin('worker-1')
    await Promise.all([first, second])
    expect(order).toEqual(['first', 'second'])
  })

  it('hands a call on twice at most', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.member('worker-1').die()
    const call = outcomeOf(
      core.call(() => 'ran', [], undefined),
      60,
    )
    crew.bornDead = 2
    for (let life = 0; life < 3; life++) {
      await turns()
      crew.lose('worker-1')
      crew.begin('worker-1')
    }
    expect(await call).toMatchObject({ error: { name: 'WorkerDiedError', executed: 'no' } })
  })

  it('has it go with the arguments as they were, or not at all if there are too many to remember', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.member('worker-1').die()
    const small = { n: 1 }
    const large = Array.from({ length: 100 }, (_, at) => at)
    const first = core.call((own: { n: number }) => own.n, [small], undefined)
    small.n = 2
    await turns()
    crew.lose('worker-1')
    crew.begin('worker-1')
    expect(await first).toBe(1)
    crew.member('worker-1').die()
    const second = core.call((own: number[]) => own.length, [large], undefined)
    await expect(second).rejects.toMatchObject({ name: 'WorkerDiedError', executed: 'no' })
    crew.lose('worker-1')
  })

  it('never has a call run again that may have run, unless `retry` says so', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    let runs = 0
    const { opened, open } = gate()
    const crash = (): Promise<void> => (runs++, opened)
    const once = core.call(crash, [], undefined)
    crew.lose('worker-1')
    await expect(once).rejects.toMatchObject({ executed: 'unknown' })
    crew.begin('worker-1')
    await turns()
    expect(runs).toBe(1)
    const twice = core.call(crash, [], { retry: { times: 1 } })
    crew.lose('worker-1')
    await turns()
    crew.begin('worker-1')
    open()
    await twice
    expect(runs).toBe(3)
  })

  it('is not followed by another attempt at once because no timer can take the pause', async () => {
    const { core } = simulatedPool({ size: 1 })
    let runs = 0
    const fails = (): never => {
      runs++
      throw remoteError('failed')
    }
    for (const delayMs of [Infinity, () => Infinity, () => 2 ** 31]) {
      runs = 0
      const controller = new AbortController()
      const call = core.call(fails, [], { signal: controller.signal, retry: { times: 9, delayMs } })
      expect(await outcomeOf(call, 200)).toBe('pending')
      expect(runs).toBe(1)
      controller.abort(new Error('enough'))
      await expect(call).rejects.toThrow('enough')
    }
  })

  it('lets calls wait while nobody is there and somebody is to come', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.lose('worker-1')
    const call = core.call(whoAmI, [], undefined)
    const keyed = core.call(whoAmI, [], { key: 'a' })
    expect(await outcomeOf(call)).toBe('pending')
    crew.begin('worker-1')
    expect(await Promise.all([call, keyed])).toEqual(['pool/worker-1', 'pool/worker-1'])
  })

  it('does not starve what waits by its key while only one is up at a time', async () => {
    const { core, crew } = simulatedPool({ size: 4 })
    for (const id of crew.up) crew.lose(id)
    const keyed = Array.from({ length: 20 }, (_, key) => core.call(whoAmI, [], { key }))
    const all = Promise.all(keyed)
    for (let life = 0; life < 4; life++) {
      crew.begin('worker-1')
      await turns(30)
      crew.lose('worker-1')
    }
    expect(core.stats().waiting).toBe(0)
    expect(new Set(await all)).toEqual(new Set(['pool/worker-1']))
  })

  it('has a spare take its place in the same turn', async () => {
    const { core, crew } = simulatedPool({ size: 1, spares: 1 })
    expect(core.stats()).toMatchObject({ size: 1, spares: 1 })
    expect(await core.call(whoAmI, [], { key: 'x' })).toBe('pool/worker-1')
    crew.lose('worker-1')
    expect(await core.call(whoAmI, [], { key: 'x' })).toBe('pool/worker-2')
    crew.begin('worker-1')
    expect(core.stats().members.map(({ path, role }) => [path, role])).toEqual([
      ['pool/worker-2', 'serving'],
      ['pool/worker-1', 'spare'],
    ])
  })
})

describe('a pool that is being stopped and lets its calls finish', () => {
  const unavailable = { name: 'WorkerUnavailableError', executed: 'no' }

  it('puts new processes in place of members that have served long enough', async () => {
    const { core, crew } = simulatedPool({ size: 1, recycle: { afterCalls: 2 } })
    const calls = upTo(6).map((n) => core.call(() => n, [], undefined))
    await core.drain()
    expect(await Promise.all(calls)).toEqual(upTo(6))
    expect(crew.log.slice(0, 2)).toEqual(['replace worker-1', 'replace worker-1'])
  })

  it('puts another in place of a member that somebody has stopped', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    const { opened } = gate()
    const held = core.call(() => opened, [], undefined)
    const waiting = core.call(whoAmI, [], undefined)
    const drained = core.drain()
    crew.lose('worker-1')
    core.stopped('worker-1')
    await expect(held).rejects.toThrow('died')
    expect(await waiting).toBe('pool/worker-1')
    await drained
  })

  it('gives up as ever: what waits is told why, and nobody waits for it', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.lose('worker-1')
    const waiting = core.call(whoAmI, [], undefined)
    const drained = core.drain()
    for (let failed = 0; failed < 5; failed++) core.failed(new Error('no licence'))
    await expect(waiting).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringContaining('no licence') as string,
    })
    await drained
    expect(crew.log).toEqual(['stop'])
  })

  it('tells what waits when its supervisor has given up, and not that it was stopped', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.lose('worker-1')
    const waiting = core.call(whoAmI, [], undefined)
    const drained = core.drain()
    const cause = new Error('too often')
    core.ended(exitReason('escalated', cause))
    await expect(waiting).rejects.toMatchObject({ ...unavailable, cause })
    await drained
  })

  it('finishes maps, and calls that are tried again, and lets no new ones begin', async () => {
    const { core } = simulatedPool({ size: 1 })
    const items = upTo(5)
    const clock = systemClock
    const map = allOf({ core, clock, items, fn: async (n: number) => (await turns(1), n), options: {} })
    let runs = 0
    const failsOnce = (): number => {
      if (runs++ === 0) throw remoteError('failed')
      return runs
    }
    const retried = core.call(failsOnce, [], { retry: { times: 1, delayMs: 1 } })
    const drained = core.drain()
    const late = allOf({ core, clock, items, fn: (n: number) => n, options: {} })
    await expect(late).rejects.toMatchObject({ name: 'WorkerStoppedError', executed: 'no' })
    await expect(core.call(() => 0, [], { retry: { times: 1 } })).rejects.toThrow('stopped')
    await drained
    expect([await map, await retried]).toEqual([items, 2])
  })

  it('hands on what certainly did not run where it was', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.member('worker-1').die()
    const call = core.call(whoAmI, [], undefined)
    const drained = core.drain()
    await turns()
    crew.lose('worker-1')
    crew.begin('worker-1')
    expect(await call).toBe('pool/worker-1')
    await drained
  })

  it('rejects what waits if it is paused, before or then, and never waits for a `resume`', async () => {
    for (const isBefore of [true, false]) {
      const { core } = simulatedPool({ size: 1 })
      const { opened, open } = gate()
      const held = core.call(() => opened, [], undefined)
      const waiting = core.call(whoAmI, [], undefined)
      const items = upTo(3)
      const map = allOf({ core, clock: systemClock, items, fn: (n: number) => n, options: {} })
      if (isBefore) core.pause()
      const drained = core.drain()
      if (!isBefore) core.pause()
      for (const one of [waiting, map]) {
        await expect(one).rejects.toMatchObject({ name: 'WorkerStoppedError', executed: 'no' })
      }
      open()
      await Promise.all([held, drained])
    }
  })

  it('rejects what still waits when it is ended all the same, and replaces nobody any more', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.lose('worker-1')
    const waiting = core.call(whoAmI, [], undefined)
    const drained = core.drain()
    core.close()
    await expect(waiting).rejects.toMatchObject({ name: 'WorkerStoppedError', executed: 'no' })
    core.stopped('worker-1')
    await drained
    await turns()
    expect(crew.log).toEqual([])
  })
})

describe('a pool without anybody', () => {
  it('rejects what waits, and what comes, when it has given up, and says why', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.lose('worker-1')
    const waiting = core.call(() => 0, [], undefined)
    const cause = new RestartLimitError('given up', {
      worker: 'pool',
      child: 'pool/worker-1',
      reason: exitReason('signal'),
      maxRestarts: 3,
      periodMs: 5000,
      history: [1, 2, 3, 4],
    })
    core.ended(exitReason('escalated', cause))
    await expect(waiting).rejects.toMatchObject({ name: 'WorkerUnavailableError', cause, executed: 'no' })
    await expect(core.call(() => 0, [], undefined)).rejects.toMatchObject({ cause })
    await expect(core.broadcast(() => 0, [], undefined, true)).rejects.toMatchObject({ cause })
    await expect(core.resize(3)).rejects.toMatchObject({ cause })
  })

  it('rejects what waits as soon as its supervisor has decided to give up; what is under way has its time', async () => {
    const { core } = simulatedPool({ size: 2 })
    const { opened, open } = gate()
    const held = [1, 2].map((n) => core.call(() => opened.then(() => n), [], undefined))
    const waiting = core.call(() => 3, [], undefined)
    const failure = new Error('died too often')
    core.gaveUp(failure)
    await expect(waiting).rejects.toMatchObject({ name: 'WorkerUnavailableError', cause: failure })
    await expect(core.call(() => 4, [], undefined)).rejects.toMatchObject({ cause: failure })
    expect(core.stats()).toMatchObject({ state: 'down', running: 2, waiting: 0 })
    open()
    expect(await Promise.all(held)).toEqual([1, 2])
    core.ended(exitReason('escalated', failure))
    await expect(core.call(() => 5, [], undefined)).rejects.toMatchObject({ cause: failure })
  })

  it('gives up when nobody is up and start after start fails, however long the waits between', async () => {
    const { core, crew } = simulatedPool({ size: 2 })
    crew.lose('worker-1')
    for (let failed = 0; failed < 20; failed++) core.failed(new Error('no licence'))
    expect(core.state).toBe('up')
    crew.lose('worker-2')
    const waiting = core.call(() => 0, [], undefined)
    core.failed(new Error('no licence'))
    await expect(waiting).rejects.toThrow('no licence')
    expect([core.state, crew.log.at(-1)]).toEqual(['down', 'stop'])
    expect(core.failure).toMatchObject({ message: 'no licence' })
  })

  it('counts only starts that fail in a row', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    for (let round = 0; round < 5; round++) {
      crew.lose('worker-1')
      for (let failed = 0; failed < 4; failed++) core.failed(new Error('busy'))
      crew.begin('worker-1')
    }
    expect(await core.call(whoAmI, [], undefined)).toBe('pool/worker-1')
  })

  it('puts another in place of a member that somebody has stopped', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    crew.lose('worker-1')
    const call = core.call(whoAmI, [], undefined)
    core.stopped('worker-1')
    core.stopped('worker-1')
    expect(await call).toBe('pool/worker-1')
    expect(crew.log).toEqual(['replace worker-1'])
  })

  it('does so, too, while it still starts', async () => {
    const { core, crew } = simulatedPool({ size: 2 })
    core.ended(exitReason('escalated'))
    for (const id of crew.up) crew.lose(id)
    core.enter(crew)
    crew.begin('worker-1')
    crew.lose('worker-1')
    core.stopped('worker-1')
    await turns()
    expect(crew.log).toEqual(['replace worker-1'])
    expect(core.state).toBe('starting')
  })

  it('takes calls again when its supervisor has started it again, with the size that it had', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    await core.resize(2)
    core.ended(exitReason('escalated'))
    await expect(core.call(whoAmI, [], undefined)).rejects.toThrow('given up')
    core.enter(crew)
    const call = core.call(whoAmI, [], undefined)
    expect(core.memberIds).toEqual(['worker-1', 'worker-2'])
    for (const id of core.memberIds) crew.begin(id)
    core.started()
    expect(await call).toBe('pool/worker-1')
    expect(core.stats()).toMatchObject({ state: 'up', size: 2 })
  })

  it('rejects when it is of size 0, and goes on when it has members again', async () => {
    const { core } = simulatedPool({ size: 0 })
    await expect(core.call(() => 0, [], undefined)).rejects.toMatchObject({
      name: 'WorkerUnavailableError',
      message: expect.stringContaining('`resize`') as string,
    })
    await core.resize(1)
    expect(await core.call(whoAmI, [], undefined)).toBe('pool/worker-1')
    const { opened, open } = gate()
    const running = core.call(() => opened, [], undefined)
    const waiting = core.call(() => 0, [], undefined)
    const empty = core.resize(0)
    await expect(waiting).rejects.toThrow('size is 0')
    open()
    await Promise.all([running, empty])
  })

  it('rejects what waits when it is stopped; what was told to drain goes on', async () => {
    const { core, crew } = simulatedPool({ size: 1 })
    const { opened, open } = gate()
    const calls = [core.call(() => opened, [], undefined), core.call(() => 'second', [], undefined)]
    const drained = core.drain()
    await expect(core.call(() => 0, [], undefined)).rejects.toMatchObject({ name: 'WorkerStoppedError' })
    open()
    await drained
    expect(await Promise.all(calls)).toEqual([undefined, 'second'])
    crew.stop()
    expect(core.state).toBe('stopped')
    await expect(core.call(() => 0, [], undefined)).rejects.toMatchObject({ name: 'WorkerStoppedError' })
  })
})

describe('retry', () => {
  it('makes so many attempts, waits between them, and gives the last error', async () => {
    const { core } = simulatedPool()
    const attempts: number[] = []
    let runs = 0
    const failing = (): never => {
      throw remoteError(`attempt ${++runs}`)
    }
    const delayMs = (attempt: number): number => (attempts.push(attempt), attempt)
    await expect(core.call(failing, [], { retry: { times: 2, delayMs } })).rejects.toThrow('attempt 3')
    expect(attempts).toEqual([1, 2])
  })

  it('asks `when`, and by default retries nothing that can not be sent or was refused', async () => {
    const { core } = simulatedPool()
    let runs = 0
    const unsendable = (): never => {
      runs++
      throw new EncodeError('no', { path: 'args[0]' })
    }
    await expect(core.call(unsendable, [], { retry: { times: 3 } })).rejects.toThrow('no')
    expect(runs).toBe(1)
    const never = (): boolean => false
    const failing = (): never => {
      runs++
      throw remoteError('failed')
    }
    await expect(core.call(failing, [], { retry: { times: 3, when: never } })).rejects.toThrow('failed')
    expect(runs).toBe(2)
  })

  it('ends a wait between two attempts when the signal aborts', async () => {
    const { core } = simulatedPool()
    const controller = new AbortController()
    const failing = (): never => {
      throw remoteError('failed')
    }
    const retry = { times: 3, delayMs: Infinity }
    const call = core.call(failing, [], { retry, signal: controller.signal })
    expect(await outcomeOf(call)).toBe('pending')
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })
})
