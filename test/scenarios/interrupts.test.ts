import { CallTimeoutError, InterruptedError, WorkerDiedError } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import {
  expectUsable,
  ofType,
  quietWorker,
  recordEvents,
  rejection,
  spinner,
  until,
  whereItCan,
} from './workers.ts'

useLeakCheck()

const tasks = new URL('../fixtures/worker/tasks.mjs', import.meta.url).href

const sleep = async (ms: number): Promise<string> => {
  const { setTimeout: wait } = await import('node:timers/promises')
  await wait(ms)
  return 'slept'
}

const endless = (): void => {
  process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
  while (true);
}

test('scenario 26: an interrupt while the call sleeps rejects it, and the worker is idle and usable', async () => {
  await using worker = await quietWorker()
  const call = rejection(worker.call(sleep, [60_000]), InterruptedError)
  // It sleeps when this is back: what is only about to begin may be cut off.
  await worker.call(() => 1, [], { background: true })
  const result = await worker.interrupt()
  expect(result.outcome).toBe('detached')
  expect(result).not.toHaveProperty('at')
  expect(await call).toMatchObject({ collateral: false, at: undefined, worker: worker.path })
  await worker.whenIdle()
  await expectUsable(worker)
})

whereItCan('interrupt')('scenario 27: a loop is cut off, twice in a row', async () => {
  let isSpinning = false
  await using worker = await quietWorker({ interruptGraceMs: 10_000, stderr: () => (isSpinning = true) })
  for (let round = 0; round < 2; round++) {
    isSpinning = false
    const call = rejection(
      worker.call(function spins() {
        const endsAt = Date.now() + 60_000
        Reflect.set(globalThis, 'rounds', 1)
        process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
        while (Date.now() < endsAt) Date.now()
      }),
      InterruptedError,
    )
    await until('it spins', () => isSpinning)
    expect((await worker.interrupt()).outcome).toBe('interrupted')
    expect((await call).at).toContain('spins')
  }
  expect(await worker.call(() => Reflect.get(globalThis, 'rounds') as number)).toBe(1)
  await expectUsable(worker)
})

test('scenario 30: fifty interrupts of an idle worker, from the moment it is ready, do nothing', async () => {
  await using worker = await quietWorker()
  const { pid } = worker
  for (let round = 0; round < 50; round++)
    expect(await worker.interrupt()).toEqual({ outcome: 'idle', afterMs: 0 })
  await expectUsable(worker)
  for (let round = 0; round < 50; round++) {
    const idle = worker.interrupt()
    expect(await worker.call((n: number) => n, [round])).toBe(round)
    expect((await idle).outcome).toBe('idle')
  }
  expect(worker.pid).toBe(pid)
})

test('scenario 32: of two calls in flight the signal of one ends that one only', async () => {
  await using worker = await quietWorker()
  const controller = new AbortController()
  const chosen = worker.call(sleep, [60_000], { signal: controller.signal })
  const other = worker.call(sleep, [300])
  const reason = new Error('not this one')
  controller.abort(reason)
  await expect(chosen).rejects.toBe(reason)
  expect(await other).toBe('slept')
  await expectUsable(worker)
})

test('scenario 32: of two calls in flight the time limit of one ends that one only', async () => {
  await using worker = await quietWorker()
  const other = worker.call(sleep, [500])
  await expect(worker.call(sleep, [60_000], { timeoutMs: 50 })).rejects.toMatchObject({
    name: 'CallTimeoutError',
    timeoutMs: 50,
    executed: 'unknown',
  })
  expect(await other).toBe('slept')
  await expectUsable(worker)
})

whereItCan('interrupt')(
  'scenario 32: a time limit on a loop cuts the loop, and says where it was',
  async () => {
    await using worker = await quietWorker()
    // The call waits half a second to learn the place, and no longer: a machine that is busy may miss that.
    let at: string | undefined
    for (let attempt = 0; at === undefined && attempt < 10; attempt++) {
      const loop = worker.call(
        function loops() {
          for (;;);
        },
        [],
        { timeoutMs: 50 },
      )
      at = (await rejection(loop, CallTimeoutError)).at
      await expectUsable(worker)
    }
    expect(at).toContain('loops')
  },
)

whereItCan('interrupt')(
  'scenario 32: a time limit that passes behind somebody else’s loop spares the loop',
  async () => {
    await using worker = await quietWorker({ interruptGraceMs: 5000 })
    const loop = worker.call(() => {
      const endsAt = Date.now() + 1000
      while (Date.now() < endsAt) Date.now()
      return 'ran to its end'
    })
    const ran = worker.call(() => 'ran', [], { timeoutMs: 30 })
    await expect(ran).rejects.toMatchObject({ name: 'CallTimeoutError' })
    expect(await loop).toBe('ran to its end')
    await expectUsable(worker)
  },
)

test('scenario 33: code that listens to its signal sees an InterruptedError', async () => {
  await using worker = await quietWorker()
  const call = rejection(worker.call({ module: tasks, export: 'sleepUntilAborted' }), InterruptedError)
  await expect
    .poll(() => worker.call({ module: tasks, export: 'isSleeping' }, [], { background: true }))
    .toBe(true)
  expect((await worker.interrupt()).outcome).toBe('detached')
  await call
  expect(await worker.call({ module: tasks, export: 'whatWasSeen' })).toEqual([
    'InterruptedError',
    true,
    true,
  ])
})

whereItCan('interrupt')(
  'scenario 33, F68: code that swallows it and goes on looping is cut off, and the steps can be seen',
  async () => {
    using recorded = recordEvents()
    await using worker = await quietWorker()
    const call = rejection(worker.call({ module: tasks, export: 'loopWhenAborted' }), InterruptedError)
    await expect
      .poll(() => worker.call({ module: tasks, export: 'isSleeping' }, [], { background: true }))
      .toBe(true)
    const { outcome, at } = await worker.interrupt()
    expect(outcome).toBe('interrupted')
    expect(at).toMatch(/loopWhenAborted .*tasks\.mjs:\d+/)
    await call
    await expectUsable(worker)
    const states = ofType(recorded.events, 'worker.state').map(({ to }) => to)
    expect(states.slice(0, 4)).toEqual(['idle', 'running', 'interrupting', 'idle'])
    expect(ofType(recorded.events, 'interrupt.started')).toHaveLength(1)
    expect(ofType(recorded.events, 'interrupt.finished')).toMatchObject([{ outcome: 'interrupted' }])
  },
)

test('scenario 34: an interrupt of a dead, a stopped and a stopping worker resolves', async () => {
  const worker = await quietWorker()
  const stopping = worker.stop()
  expect((await worker.interrupt()).outcome).toBe('idle')
  await stopping
  expect((await worker.interrupt()).outcome).toBe('idle')
  const killed = await quietWorker()
  killed.kill()
  expect((await killed.interrupt()).outcome).toBe('idle')
  await killed.exited
  expect((await killed.interrupt()).outcome).toBe('idle')
})

whereItCan('interrupt')(
  'F65: whichever comes first, an interrupt or the end of the call, there is one outcome and no later call is hit',
  async () => {
    await using worker = await quietWorker()
    const outcomes = new Set<string>()
    for (let round = 0; round < 100; round++) {
      const call = worker.call(
        (rounds: number) => {
          let sum = 0
          for (let n = 0; n < rounds; n++) sum += Math.sqrt(n)
          return sum > 0
        },
        [1 + round * 3000],
      )
      const settled = call.then(
        () => 'value',
        (error: unknown) => (error as Error).name,
      )
      if (round % 3 === 0) await Promise.resolve()
      if (round % 3 === 1) await worker.call(() => {}, [], { background: true }).catch(() => {})
      const interrupting = worker.interrupt()
      const next = worker.call((n: number) => n, [round])
      expect(await next).toBe(round)
      await interrupting
      outcomes.add(await settled)
    }
    expect([...outcomes].every((one) => one === 'value' || one === 'InterruptedError')).toBe(true)
    await expectUsable(worker)
  },
)

whereItCan('interrupt')(
  'F66: interrupts at the same time come to the same, and nothing is hit twice',
  async () => {
    using recorded = recordEvents({ types: ['interrupt.started', 'interrupt.finished'] })
    const { worker, spins } = await spinner()
    await using _worker = worker
    const call = rejection(worker.call(endless), InterruptedError)
    await spins()
    const results = await Promise.all([worker.interrupt(), worker.interrupt(), worker.interrupt()])
    expect(results.map(({ outcome }) => outcome)).toEqual(['interrupted', 'interrupted', 'interrupted'])
    await call
    expect(ofType(recorded.events, 'interrupt.started')).toHaveLength(1)
    await expectUsable(worker)
  },
)

whereItCan('interrupt')(
  'F67: kill -9 while interrupting settles the call once, and the interrupt too',
  async () => {
    for (let round = 0; round < 5; round++) {
      using recorded = recordEvents({ types: ['call.settled', 'worker.exited'] })
      const worker = await quietWorker()
      const call = worker.call(() => {
        while (true);
      })
      const settled = call.catch((error: unknown) => error)
      const interrupting = worker.interrupt()
      process.kill(worker.pid, 'SIGKILL')
      expect(['killed', 'interrupted']).toContain((await interrupting).outcome)
      const error = await settled
      expect(error instanceof WorkerDiedError || error instanceof InterruptedError).toBe(true)
      expect((await worker.exited).type).toBe('signal')
      expect(ofType(recorded.events, 'call.settled')).toHaveLength(1)
    }
  },
)

whereItCan('interrupt')('F69: a call that is made while an interrupt is under way runs, once', async () => {
  const { worker, spins } = await spinner()
  await using _worker = worker
  const loop = rejection(worker.call(endless), InterruptedError)
  await spins()
  const interrupting = worker.interrupt()
  expect(worker.state).toBe('interrupting')
  const later = worker.call(
    () => Object.assign(globalThis, { runs: Number(Reflect.get(globalThis, 'runs') ?? 0) + 1 }).runs,
  )
  expect((await interrupting).outcome).toBe('interrupted')
  await loop
  expect(await later).toBe(1)
  expect(await worker.call(() => Reflect.get(globalThis, 'runs') as number)).toBe(1)
  await until('it is idle', () => worker.state === 'idle')
})
