import {
  EncodeError,
  InterruptedError,
  ReleasedError,
  RemoteError,
  type Worker,
  WorkerDiedError,
} from 'maltster'
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

type Does = (how: string) => Promise<string>

/** A function that stays in the worker: it counts its calls, and does what it is told. */
const workerFunction = (worker: Worker): Promise<Does & Disposable> =>
  worker.evaluate(`
    const { currentCall, proxy } = await import('maltster/worker')
    const { writeSync } = await import('node:fs')
    var began = 0
    var told = 'nothing'
    function spin() {
      writeSync(2, 'spins\\n')
      for (;;);
    }
    const does = proxy((how) => {
      began++
      if (how === 'spins') spin()
      if (how === 'spins later') return Promise.resolve().then(spin)
      if (how !== 'waits') return how
      const { signal } = currentCall()
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => {
          told = signal.reason.name
          reject(signal.reason)
        })
      })
    })
    does
  `)

whereItCan('interrupt').each(['spins', 'spins later'])(
  'one that %s is cut off by an interrupt, says where, and the worker keeps its state',
  async (how) => {
    const { worker, spins } = await spinner()
    await using _worker = worker
    const does = await workerFunction(worker)
    for (let round = 1; round <= 2; round++) {
      const cut = rejection(does(how), InterruptedError)
      await spins()
      expect(worker.state).toBe('running')
      expect((await worker.interrupt()).outcome).toBe('interrupted')
      const error = await cut
      expect(error).toMatchObject({ executed: 'unknown', collateral: false, worker: worker.path })
      expect(error.at).toContain('spin')
      await worker.whenIdle()
      expect(await worker.evaluate('began')).toBe(round)
    }
    expect(await does('still there')).toBe('still there')
    await expectUsable(worker)
  },
)

whereItCan('interrupt')('one that spins for a call that waits for it is cut off with that', async () => {
  const { worker, spins } = await spinner()
  await using _worker = worker
  const does = await workerFunction(worker)
  // It is called from here, for a function over there that waits for it.
  const ask = (how: string): Promise<string> => does(how)
  const outer = rejection(
    worker.call(async (back: Does) => back('spins'), [ask]),
    InterruptedError,
  )
  await spins()
  expect((await worker.interrupt()).outcome).toBe('interrupted')
  await outer
  await worker.whenIdle()
  await expectUsable(worker)
})

test('one that waits is told by the signal of its call; who called it gets the same error', async () => {
  await using worker = await quietWorker()
  const does = await workerFunction(worker)
  const ended = rejection(does('waits'), InterruptedError)
  await until('it has begun', () => worker.state === 'running')
  await worker.evaluate('began', { background: true })
  expect((await worker.interrupt()).outcome).toBe('detached')
  expect(await ended).toMatchObject({ executed: 'unknown', collateral: false })
  expect(await worker.evaluate('told')).toBe('InterruptedError')
})

test('one whose call comes behind the interrupt does not run', async () => {
  await using worker = await quietWorker()
  const does = await workerFunction(worker)
  const calls = Array.from({ length: 50 }, () => rejection(does('waits'), InterruptedError))
  await worker.interrupt()
  for (const error of await Promise.all(calls)) expect(['no', 'unknown']).toContain(error.executed)
  expect(await does('later')).toBe('later')
})

test('its call counts: the worker is running, the event stream tells of it, and a stop waits for it', async () => {
  const worker = await quietWorker()
  const does = await workerFunction(worker)
  await worker.whenIdle()
  using recorded = recordEvents()
  const call = does('done')
  expect(worker.state).toBe('running')
  const stopping = worker.stop()
  expect(await call).toBe('done')
  await stopping
  const started = ofType(recorded.events, 'call.started')
  expect(started.at(-1)?.name).toBe('')
})

test('a worker that does one thing at a time does not wait for a function that its own call needs', async () => {
  await using worker = await quietWorker({ concurrency: 1, mailbox: { maxCalls: 2 } })
  const does = await workerFunction(worker)
  const outer = worker.call(
    async (back: Does) => `outer ${await back('inner')}`,
    [(how: string) => does(how)],
  )
  expect(await outer).toBe('outer inner')
})

test('a call that is drained before the end may need one', async () => {
  const worker = await quietWorker()
  const does = await workerFunction(worker)
  let begin = (): void => {}
  const hasBegun = new Promise<void>((resolve) => {
    begin = resolve
  })
  let goOn = (): void => {}
  const mayGoOn = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const outer = worker.call(
    async (back: Does) => back('drained'),
    [
      async (how: string) => {
        begin()
        await mayGoOn
        return does(how)
      },
    ],
  )
  await hasBegun
  const stopping = worker.stop({ drainMs: 20_000 })
  goOn()
  expect(await outer).toBe('drained')
  await stopping
})

test('one that was let go is a ReleasedError, with nothing run; of a worker that has ended that is told', async () => {
  const worker = await quietWorker()
  const does = await workerFunction(worker)
  await worker.evaluate('does[Symbol.dispose]()')
  await rejection(does('gone'), ReleasedError)
  expect(await worker.evaluate('began')).toBe(0)
  const other = await workerFunction(worker)
  const waiting = rejection(other('waits'), WorkerDiedError)
  worker.kill()
  await waiting
  await worker.exited
  expect(await rejection(other('late'), WorkerDiedError)).toMatchObject({ executed: 'no' })
})

test('errors name the argument, or the part of the result, as those of calls do', async () => {
  await using worker = await quietWorker()
  const bad = await worker.evaluate<(given: unknown) => Promise<unknown>>(`
    (await import('maltster/worker')).proxy((given) => ({ given, socket: () => 1 }))
  `)
  expect(await rejection(bad({ deep: () => 1 }), EncodeError)).toMatchObject({ path: 'args[0].deep' })
  expect(await rejection(bad(1), EncodeError)).toMatchObject({ path: 'result.socket', executed: 'yes' })
  const thrown = await worker.evaluate<() => Promise<void>>(`
    (await import('maltster/worker')).proxy(() => { throw new RangeError('below') })
  `)
  const error = await rejection(thrown(), RemoteError)
  expect(error).toMatchObject({ remoteName: 'RangeError', message: 'below' })
})

test('thousands of calls without waiting all come, in order; far more are refused', async () => {
  await using worker = await quietWorker()
  const note = await worker.evaluate<(n: number) => Promise<void>>(`
    var seen = []
    ;(await import('maltster/worker')).proxy((n) => void seen.push(n))
  `)
  const settled = await Promise.allSettled(Array.from({ length: 12_000 }, (_, n) => note(n)))
  const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []))
  expect(refused).toHaveLength(2000)
  expect(refused[0]).toMatchObject({ name: 'BackpressureError' })
  const isInOrder = '(seen.length === 10000) && seen.every((n, i) => n === i)'
  expect(await worker.evaluate(isInOrder)).toBe(true)
})
