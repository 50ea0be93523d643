import { InterruptedError, type Worker, WorkerDiedError } from 'maltster'
import { expect, test } from 'vitest'
import {
  expectUsable,
  ofType,
  quietWorker,
  recordEvents,
  rejection,
  spinner,
  until,
  whereItCan,
} from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const sleep = async (ms: number): Promise<string> => {
  const { setTimeout: wait } = await import('node:timers/promises')
  await wait(ms)
  return 'slept'
}

const endless = (): void => {
  process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
  while (true);
}

test('all foreground calls made before it end, and those made after it do not', async () => {
  await using worker = await quietWorker()
  const before = [worker.call(sleep, [60_000]), worker.call(sleep, [60_000]), worker.call(sleep, [60_000])]
  const ended = before.map((call) => rejection(call, InterruptedError))
  // They sleep when this is back: what is only about to begin may be cut off.
  await worker.call(() => 1, [], { background: true })
  const interrupting = worker.interrupt()
  const after = worker.call(sleep, [50])
  expect((await interrupting).outcome).toBe('detached')
  await Promise.all(ended)
  expect(await after).toBe('slept')
  await expectUsable(worker)
})

whereItCan('interrupt')(
  'a background call goes on, beside a loop that is cut off and calls that are told to end',
  async () => {
    const { worker, spins } = await spinner()
    await using _worker = worker
    const background = worker.call(sleep, [1500], { background: true })
    const told = rejection(worker.call(sleep, [60_000]), InterruptedError)
    const cut = rejection(worker.call(endless), InterruptedError)
    await spins()
    expect((await worker.interrupt()).outcome).toBe('interrupted')
    await Promise.all([told, cut])
    expect(await background).toBe('slept')
    await expectUsable(worker)
  },
)

whereItCan('interrupt')(
  'a background call that spins is spared; the others end on paper, at once',
  async () => {
    await using worker = await quietWorker({ interruptGraceMs: 10_000 })
    const told = rejection(worker.call(sleep, [60_000]), InterruptedError)
    const spinning = worker.call(
      () => {
        const endsAt = Date.now() + 1000
        while (Date.now() < endsAt) Date.now()
        return 'to its end'
      },
      [],
      { background: true },
    )
    expect((await worker.interrupt()).outcome).toBe('detached')
    await told
    expect(await spinning).toBe('to its end')
  },
)

test('a background call alone does not count as running, and an interrupt passes it by', async () => {
  await using worker = await quietWorker()
  const background = worker.call(sleep, [200], { background: true })
  expect(worker.state).toBe('idle')
  expect((await worker.interrupt()).outcome).toBe('idle')
  expect(await background).toBe('slept')
})

whereItCan('interrupt')('a signal ends a background call that spins, and only that', async () => {
  const { worker, spins } = await spinner()
  await using _worker = worker
  const other = worker.call(sleep, [1000])
  const controller = new AbortController()
  const spinning = worker.call(endless, [], { background: true, signal: controller.signal })
  await spins()
  controller.abort(new Error('enough'))
  await expect(spinning).rejects.toThrow('enough')
  expect(await other).toBe('slept')
  await expectUsable(worker)
})

whereItCan('interrupt')(
  'collateral: a background call that resolves in the round that is cut settles, with its value or as collateral',
  async () => {
    const seen = new Set<string>()
    for (let round = 0; round < 5; round++) {
      const { worker, spins } = await spinner()
      await using _worker = worker
      const background = worker
        .call(
          () =>
            new Promise<string>((resolve) => {
              Reflect.set(globalThis, 'release', () => resolve('its value'))
            }),
          [],
          { background: true },
        )
        .then(
          (value) => value,
          (error: unknown) => error,
        )
      const cut = rejection(
        worker.call(async () => {
          await Promise.resolve()
          ;(Reflect.get(globalThis, 'release') as () => void)()
          process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
          while (true);
        }),
        InterruptedError,
      )
      await spins()
      expect((await worker.interrupt()).outcome).toBe('interrupted')
      expect((await cut).collateral).toBe(false)
      const settled = await background
      if (settled instanceof InterruptedError) {
        expect(settled).toMatchObject({ collateral: true, executed: 'unknown' })
        expect(settled.message).toContain('concurrency: 1')
        seen.add('collateral')
      } else {
        expect(settled).toBe('its value')
        seen.add('value')
      }
      await expectUsable(worker)
    }
    expect(seen.size).toBeGreaterThan(0)
  },
)

whereItCan('interrupt')(
  'collateral: an async background call whose continuation is lost in a cut settles too',
  async () => {
    const { worker, spins } = await spinner()
    await using _worker = worker
    const background = worker
      .call(
        async () => {
          await new Promise<void>((resolve) => Reflect.set(globalThis, 'release', resolve))
          return 'its value'
        },
        [],
        { background: true },
      )
      .then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      )
    const cut = rejection(
      worker.call(async () => {
        await Promise.resolve()
        ;(Reflect.get(globalThis, 'release') as () => void)()
        process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
        while (true);
      }),
      InterruptedError,
    )
    await spins()
    expect((await worker.interrupt()).outcome).toBe('interrupted')
    await cut
    const settled = await background
    if ('error' in settled)
      expect(settled.error).toMatchObject({ name: 'InterruptedError', collateral: true })
    else expect(settled.value).toBe('its value')
    await expectUsable(worker)
  },
)

/** @param fn - says on stderr when it is about to be in there */
async function stuckIn(worker: Worker, spins: () => Promise<void>, fn: () => unknown): Promise<string> {
  const call = worker.call(fn).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  await spins()
  expect((await worker.interrupt()).outcome).toBe('stuck')
  expect(worker.state).toBe('interrupting')
  const queued = worker.call(() => 'queued')
  expect(await queued).toBe('queued')
  const settled = await call
  if ('error' in settled) expect(settled.error).toBeInstanceOf(InterruptedError)
  await expectUsable(worker)
  return worker.state
}

whereItCan('interrupt')(
  'pbkdf2Sync is stuck; with `report` it is left, and calls wait until it returns',
  async () => {
    const { worker, spins } = await spinner({ interruptGraceMs: 200 })
    await using _worker = worker
    await worker.call(() => void process.getBuiltinModule('node:crypto'))
    const state = await stuckIn(worker, spins, () => {
      process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
      process.getBuiltinModule('node:crypto').pbkdf2Sync('a', 'b', 6_000_000, 64, 'sha512')
    })
    expect(state).toBe('idle')
  },
)

whereItCan('interrupt')(
  'execSync is stuck; with `report` it is left, and calls wait until it returns',
  async () => {
    const { worker, spins } = await spinner({ interruptGraceMs: 200 })
    await using _worker = worker
    const state = await stuckIn(worker, spins, () => {
      process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
      process.getBuiltinModule('node:child_process').execSync('sleep 2')
    })
    expect(state).toBe('idle')
  },
)

whereItCan('interrupt')(
  'with `kill` a worker that is stuck is killed as unresponsive, and its calls say so',
  async () => {
    const { worker, spins } = await spinner({ interruptGraceMs: 200, onStuck: 'kill' })
    await using _worker = worker
    const call = rejection(
      worker.call(() => {
        process.getBuiltinModule('node:fs').writeSync(2, 'spins\n')
        process.getBuiltinModule('node:child_process').execSync('sleep 100')
      }),
      WorkerDiedError,
    )
    await spins()
    const { outcome } = await worker.interrupt()
    expect(outcome).toBe('killed')
    expect((await call).reason).toMatchObject({ type: 'unresponsive', signal: 'SIGKILL' })
    expect((await worker.exited).type).toBe('unresponsive')
  },
)

whereItCan('interrupt')(
  'an endless cast is ended by an interrupt, or it would hold the worker for ever',
  async () => {
    const { worker, spins } = await spinner()
    await using _worker = worker
    worker.cast(endless)
    await spins()
    expect((await worker.interrupt()).outcome).toBe('interrupted')
    await expectUsable(worker)
  },
)

whereItCan('interrupt')('after an interrupt the next call makes the worker running, at once', async () => {
  const { worker, spins } = await spinner()
  await using _worker = worker
  const call = rejection(worker.call(endless), InterruptedError)
  await spins()
  await worker.interrupt()
  await call
  const next = worker.call(sleep, [50])
  expect(worker.state).toBe('running')
  expect(await next).toBe('slept')
  await until('it is idle', () => worker.state === 'idle')
})

test('after a resume the next call makes the worker running, at once', async () => {
  await using worker = await quietWorker()
  const call = worker.call(sleep, [20])
  worker.suspend()
  expect(worker.state).toBe('suspended')
  worker.resume()
  expect(worker.state).toBe('running')
  expect(await call).toBe('slept')
  worker.suspend()
  worker.resume()
  const next = worker.call(sleep, [50])
  expect(worker.state).toBe('running')
  expect(await next).toBe('slept')
  await expectUsable(worker)
})

whereItCan('interrupt')(
  'interrupts of calls that are held in the host reject them as not executed',
  async () => {
    using recorded = recordEvents({ types: ['call.started', 'call.settled'] })
    const { worker, spins } = await spinner({ concurrency: 1 })
    await using _worker = worker
    const running = rejection(worker.call(endless), InterruptedError)
    const held = [
      rejection(worker.call(sleep, [1]), InterruptedError),
      rejection(worker.call(sleep, [1]), InterruptedError),
    ]
    const spared = worker.call(sleep, [1], { background: true })
    await spins()
    await worker.interrupt()
    expect((await running).executed).toBe('unknown')
    for (const call of held) expect((await call).executed).toBe('no')
    expect(await spared).toBe('slept')
    expect(
      ofType(recorded.events, 'call.settled')
        .map(({ callId }) => callId)
        .toSorted((a, b) => (a < b ? -1 : 1)),
    ).toEqual([1, 2, 3, 4])
    await expectUsable(worker)
  },
)
