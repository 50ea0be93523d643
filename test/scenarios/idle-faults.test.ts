import { type ExitReason, type Worker } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, ofType, quietWorker, recordEvents } from './workers.ts'

useLeakCheck()

/** An idle worker dies: one event, one reason, no call rejected. */
async function idleDeath(kill: (worker: Worker) => void, execArgv: string[] = []): Promise<ExitReason> {
  using recorded = recordEvents({ types: ['worker.exited', 'call.settled', 'worker.state'] })
  const worker = await quietWorker({ execArgv })
  kill(worker)
  const reason = await worker.exited
  expect(ofType(recorded.events, 'worker.exited')).toMatchObject([
    { path: worker.path, incarnation: 1, reason },
  ])
  expect(ofType(recorded.events, 'call.settled')).toEqual([])
  expect(ofType(recorded.events, 'worker.state').map(({ to }) => to)).toEqual(['idle', 'dead'])
  expect(worker.state).toBe('dead')
  return reason
}

test('F22: kill -9 of an idle worker is one death, by signal', async () => {
  expect(await idleDeath((worker) => process.kill(worker.pid, 'SIGKILL'))).toMatchObject({
    type: 'signal',
    signal: 'SIGKILL',
  })
})

test('F23: a clean exit is normal', async () => {
  expect(
    await idleDeath((worker) => worker.cast(() => void setTimeout(() => process.exit(0), 1))),
  ).toMatchObject({
    type: 'normal',
    exitCode: 0,
  })
})

test('F24: an exit with a code is told with it', async () => {
  expect(
    await idleDeath((worker) => worker.cast(() => void setTimeout(() => process.exit(7), 1))),
  ).toMatchObject({
    type: 'exit',
    exitCode: 7,
  })
})

test('F25: a segmentation fault is told as its signal', async () => {
  expect(await idleDeath((worker) => process.kill(worker.pid, 'SIGSEGV'))).toMatchObject({
    type: 'signal',
    signal: 'SIGSEGV',
  })
})

test('F26: a heap that is full is told as out of memory', async () => {
  const reason = await idleDeath(
    (worker) =>
      worker.cast(
        () =>
          void setTimeout(() => {
            const kept: unknown[] = []
            for (;;) kept.push(Array.from({ length: 1000 }, () => ({})))
          }, 1),
      ),
    ['--max-old-space-size=40'],
  )
  expect(reason).toMatchObject({ type: 'out-of-memory' })
})

test('F27: a worker that was stopped and continued from outside goes on where it was', async () => {
  await using worker = await quietWorker()
  process.kill(worker.pid, 'SIGSTOP')
  const call = worker.call(() => 'after all')
  process.kill(worker.pid, 'SIGCONT')
  expect(await call).toBe('after all')
  await expectUsable(worker)
})

test('F30: a worker that closes its standard output loses only that', async () => {
  await using worker = await quietWorker()
  await worker.call(async () => {
    const { closeSync } = await import('node:fs')
    closeSync(1)
    closeSync(2)
  })
  await expectUsable(worker)
})

test('SIGUSR1 opens no debugger port, and SIGINT sent to the worker alone is its own affair', async () => {
  await using worker = await quietWorker()
  process.kill(worker.pid, 'SIGUSR1')
  const url = await worker.call(async () => {
    const { setTimeout: wait } = await import('node:timers/promises')
    const { url: inspectorUrl } = await import('node:inspector')
    await wait(100)
    return inspectorUrl()
  })
  expect(url).toBe(undefined)
})
