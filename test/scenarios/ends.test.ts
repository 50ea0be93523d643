import {
  type ExitReason,
  InterruptedError,
  liveWorkers,
  type Worker,
  WorkerDiedError,
  WorkerStoppedError,
} from 'maltster'
import { afterAll, expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import {
  expectUsable,
  ofType,
  quietWorker,
  recordEvents,
  recordWarnings,
  rejection,
  whereItCan,
} from './workers.ts'

useLeakCheck()

const tasks = new URL('../fixtures/worker/tasks.mjs', import.meta.url).href

afterAll(() => {
  if (liveWorkers().length > 0) throw new Error(`still alive: ${liveWorkers().join(', ')}`)
})

const sleep = async (ms: number): Promise<string> => {
  const { setTimeout: wait } = await import('node:timers/promises')
  await wait(ms)
  return 'slept'
}

test('scenario 38, F71, F72: a stop of an idle worker is clean, may be repeated, and calls after it reject', async () => {
  const worker = await quietWorker()
  const reason = await worker.stop()
  expect(reason).toMatchObject({ type: 'shutdown', exitCode: 0, signal: null })
  expect(worker.state).toBe('dead')
  expect(await worker.stop()).toBe(reason)
  expect(await worker.exited).toBe(reason)
  const call = worker.call(() => 1)
  expect(call).toBeInstanceOf(Promise)
  expect(await rejection(call, WorkerStoppedError)).toMatchObject({ executed: 'no', worker: worker.path })
  expect(() => worker.cast(() => 1)).toThrow(WorkerStoppedError)
  await expect(worker.whenIdle()).rejects.toThrow(WorkerStoppedError)
  worker.kill()
  worker.suspend()
  worker.resume()
  worker.ref()
  worker.unref()
  expect((await worker.stats()).rssBytes).toBe(undefined)
})

test('a kill is a death from its first moment on, whoever asks', async () => {
  const worker = await quietWorker()
  const ref = await worker.keep(() => 1)
  const asked = (): Promise<WorkerDiedError[]> =>
    Promise.all(
      [worker.call(() => 1), ref.get(), worker.evaluate('1'), worker.run('1'), worker.whenIdle()].map(
        (asking) => rejection(asking, WorkerDiedError),
      ),
    )
  worker.kill()
  expect(worker.state).toBe('stopping')
  const before = asked()
  expect(() => worker.cast(() => 1)).toThrow(WorkerDiedError)
  expect(() => worker.stream(() => [1])).toThrow(WorkerDiedError)
  const { type, signal } = await worker.exited
  for (const error of [...(await before), ...(await asked())]) {
    expect(error).toMatchObject({
      executed: 'no',
      worker: worker.path,
      reason: { type: 'killed', signal: 'SIGKILL' },
    })
  }
  expect({ type, signal }).toEqual({ type: 'killed', signal: 'SIGKILL' })
})

test('a kill that ends a stop is part of that', async () => {
  const worker = await quietWorker()
  const stopping = worker.stop({ drainMs: Infinity })
  worker.kill()
  await rejection(
    worker.call(() => 1),
    WorkerStoppedError,
  )
  expect((await stopping).type).toBe('shutdown')
  await rejection(
    worker.call(() => 1),
    WorkerStoppedError,
  )
})

test('scenario 39, F70: a stop with a long sleep in flight rejects the sleep and comes to an end', async () => {
  const worker = await quietWorker()
  const call = rejection(worker.call(sleep, [60_000]), WorkerStoppedError)
  const short = worker.call(sleep, [100])
  const reason = await worker.stop({ drainMs: 1000 })
  expect(reason).toMatchObject({ type: 'shutdown', exitCode: 0 })
  expect((await call).executed).toBe('unknown')
  expect(await short).toBe('slept')
})

test('F70: a stop lets calls finish, and takes no more', async () => {
  const worker = await quietWorker()
  const call = worker.call(sleep, [300])
  const stopping = worker.stop({ drainMs: Infinity })
  expect(worker.state).toBe('stopping')
  await rejection(
    worker.call(() => 1),
    WorkerStoppedError,
  )
  expect(await call).toBe('slept')
  expect(await stopping).toMatchObject({ type: 'shutdown', exitCode: 0 })
})

test('F70: a stop that drains for ever does not wait for background calls', async () => {
  const worker = await quietWorker()
  const call = rejection(worker.call(sleep, [60_000], { background: true }), WorkerStoppedError)
  expect(await worker.stop({ drainMs: Infinity })).toMatchObject({ type: 'shutdown' })
  await call
})

/** All calls of a worker that dies in this way reject with the reason of its death. */
async function death(
  fn: () => unknown,
  look?: (worker: Worker) => void,
): Promise<{ error: WorkerDiedError; reason: ExitReason }> {
  using recorded = recordEvents({ types: ['worker.exited'] })
  const worker = await quietWorker()
  const bystander = rejection(worker.call(sleep, [60_000]), WorkerDiedError)
  const call = rejection(worker.call(fn), WorkerDiedError)
  look?.(worker)
  const error = await call
  const reason = await worker.exited
  expect(error.reason).toBe(reason)
  expect((await bystander).reason).toBe(reason)
  // What is killed right behind the call may die without having read it, and that may be known.
  expect(look === undefined ? ['unknown'] : ['unknown', 'no']).toContain(error.executed)
  expect(ofType(recorded.events, 'worker.exited')).toMatchObject([{ reason }])
  expect(worker.state).toBe('dead')
  const late = await rejection(
    worker.call(() => 1),
    WorkerDiedError,
  )
  expect(late).toMatchObject({ executed: 'no', reason })
  expect(await worker.stop()).toBe(reason)
  return { error, reason }
}

whereItCan('process')('scenario 41: process.exit in a call is told with its code and stderr', async () => {
  const { error, reason } = await death(() => {
    process.stderr.write('going down\n')
    process.exit(3)
  })
  expect(reason).toMatchObject({ type: 'exit', exitCode: 3, signal: null })
  expect(reason.stderrTail).toContain('going down')
  expect(error.message).toContain('going down')
})

whereItCan('process')('F43: a clean exit in a call rejects it', async () => {
  const { reason } = await death(() => process.exit(0))
  expect(reason).toMatchObject({ type: 'normal', exitCode: 0 })
})

whereItCan('process')(
  'scenario 41, F41: kill -9 while running rejects all calls with the signal',
  async () => {
    const { reason } = await death(
      () => {
        while (true);
      },
      (worker) => process.kill(worker.pid, 'SIGKILL'),
    )
    expect(reason).toMatchObject({ type: 'signal', signal: 'SIGKILL', exitCode: null })
  },
)

whereItCan('process')('scenario 41: an abort is told as its signal', async () => {
  const { reason } = await death(() => process.abort())
  expect(reason).toMatchObject({ type: 'signal', signal: 'SIGABRT' })
})

whereItCan('process')('scenario 41, F44: an uncaught error in a timer is told with its stack', async () => {
  const { reason } = await death(async () => {
    const { setTimeout: wait } = await import('node:timers/promises')
    setTimeout(function theTimer() {
      throw new RangeError('nobody catches this')
    }, 10)
    await wait(60_000)
  })
  expect(reason).toMatchObject({
    type: 'exit',
    exitCode: 1,
    cause: { name: 'RangeError', message: 'nobody catches this' },
  })
  expect(reason.lastFrames[0]).toContain('theTimer')
  expect(reason.stderrTail).toContain('nobody catches this')
})

whereItCan('process')(
  'F45: an unhandled rejection ends the worker as Node.js does, with its stack',
  async () => {
    const { reason } = await death(async () => {
      const { setTimeout: wait } = await import('node:timers/promises')
      void Promise.reject(new RangeError('nobody awaits this'))
      await wait(60_000)
    })
    expect(reason).toMatchObject({ type: 'exit', exitCode: 1, cause: { message: 'nobody awaits this' } })
  },
)

whereItCan('process')('scenario 41: kill() is told as killed, and its calls as died', async () => {
  const { reason } = await death(
    async () => {
      const { setTimeout: wait } = await import('node:timers/promises')
      await wait(60_000)
    },
    (worker) => worker.kill(),
  )
  expect(reason).toMatchObject({ type: 'killed', signal: 'SIGKILL' })
})

whereItCan('process')('scenario 41: kill with another signal is told as killed by that signal', async () => {
  const { reason } = await death(
    async () => {
      const { setTimeout: wait } = await import('node:timers/promises')
      await wait(60_000)
    },
    (worker) => worker.kill('SIGTERM'),
  )
  expect(reason).toMatchObject({ type: 'killed', signal: 'SIGTERM' })
})

whereItCan('process')('F55: a heap that is full while a call runs is told as out of memory', async () => {
  const worker = await quietWorker({ execArgv: ['--max-old-space-size=40'] })
  const error = await rejection(
    worker.call(() => {
      const kept: unknown[] = []
      for (;;) kept.push(Array.from({ length: 1000 }, () => ({})))
    }),
    WorkerDiedError,
  )
  expect(error.reason.type).toBe('out-of-memory')
  expect(error.message).toContain('out-of-memory')
})

test('exitWith: its information is the cause of the exit, and bad ones leave the worker alive', async () => {
  const worker = await quietWorker()
  expect(await worker.call({ module: tasks, export: 'leaveBadly' })).toEqual([
    'EncodeError',
    'RangeError',
    'RangeError',
  ])
  await expectUsable(worker)
  const call = rejection(
    worker.call({ module: tasks, export: 'leaveWith' }, [{ because: 'enough' }, 9]),
    WorkerDiedError,
  )
  expect(await worker.exited).toMatchObject({ type: 'exit', exitCode: 9, cause: { because: 'enough' } })
  expect((await call).reason.exitCode).toBe(9)
})

test('scenario 46: stops at the same time, an interrupt and a call come to one shutdown and one answer', async () => {
  using warned = recordWarnings()
  using recorded = recordEvents()
  const worker = await quietWorker()
  const running = worker.call(sleep, [60_000]).catch((error: unknown) => error)
  const stops = Array.from({ length: 5 }, () => worker.stop({ drainMs: 200 }))
  const interrupting = worker.interrupt()
  const refused = rejection(
    worker.call(() => 1),
    WorkerStoppedError,
  )
  const reasons = await Promise.all(stops)
  expect(new Set(reasons).size).toBe(1)
  expect(reasons[0]).toMatchObject({ type: 'shutdown', exitCode: 0 })
  expect((await interrupting).outcome).not.toBe('idle')
  expect((await refused).executed).toBe('no')
  const error = await running
  expect(error instanceof WorkerStoppedError || error instanceof InterruptedError).toBe(true)
  expect(ofType(recorded.events, 'worker.exited')).toHaveLength(1)
  expect(warned.warnings).toEqual([])
})

test('scenario 47: when all has ended no worker is alive', async () => {
  const workers = await Promise.all([quietWorker(), quietWorker()])
  expect(liveWorkers()).toEqual(workers)
  workers[0].kill()
  await Promise.all([workers[0].exited, workers[1].stop()])
  expect(liveWorkers()).toEqual([])
})
