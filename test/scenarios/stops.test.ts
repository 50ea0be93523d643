import { WorkerStoppedError } from 'maltster'
import { expect, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { waitUntilGone } from '../support/processes.ts'
import { quietWorker, recordEvents, rejection, until, whereItCan } from './workers.ts'

useLeakCheck()

const tasks = new URL('../fixtures/worker/tasks.mjs', import.meta.url).href

const sleep = async (ms: number): Promise<string> => {
  const { setTimeout: wait } = await import('node:timers/promises')
  await wait(ms)
  return 'slept'
}

whereItCan('process')('F62: a grandchild that ignores SIGTERM goes with the group', async () => {
  const worker = await quietWorker()
  const pid = await worker.call(async () => {
    const { spawn } = await import('node:child_process')
    const child = spawn('/bin/sh', ['-c', 'trap "" TERM HUP INT; echo up; while :; do sleep 100; done'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    return child.pid!
  })
  expect(await worker.stop()).toMatchObject({ type: 'shutdown' })
  await waitUntilGone(pid)
})

whereItCan('process')('F61: a grandchild that holds stdout does not delay the news of a death', async () => {
  const worker = await quietWorker()
  const pid = await worker.call(async () => {
    const { spawn } = await import('node:child_process')
    // In a group of its own, so that only its parent's death is left to see.
    return spawn('sleep', ['1000'], { stdio: ['ignore', 'inherit', 'inherit'], detached: true }).pid!
  })
  process.kill(worker.pid, 'SIGKILL')
  expect(await worker.exited).toMatchObject({ type: 'signal', signal: 'SIGKILL' })
  process.kill(pid, 'SIGKILL')
  await waitUntilGone(pid)
})

whereItCan('process')('F73: kill -9 while stopping still ends the stop', async () => {
  const worker = await quietWorker()
  const call = worker.call(sleep, [60_000]).catch((error: unknown) => error)
  const stopping = worker.stop({ drainMs: 60_000 })
  process.kill(worker.pid, 'SIGKILL')
  expect(await stopping).toMatchObject({ signal: 'SIGKILL' })
  expect(await call).toBeInstanceOf(Error)
})

test('F73: kill() while stopping ends the wait', async () => {
  const worker = await quietWorker()
  const call = worker.call(sleep, [60_000]).catch((error: unknown) => error)
  const stopping = worker.stop({ drainMs: 60_000 })
  worker.kill()
  expect(await stopping).toMatchObject({ signal: 'SIGKILL' })
  expect(await call).toBeInstanceOf(Error)
})

whereItCan('process')('F74: an exit hook that hangs is ended by the ladder of stop', async () => {
  const worker = await quietWorker()
  await worker.call(() => {
    process.on('SIGTERM', () => {})
    process.on('exit', () => {
      while (true);
    })
  })
  const reason = await worker.stop({ exitMs: 200, termMs: 200 })
  expect(reason).toMatchObject({ type: 'shutdown', signal: 'SIGKILL' })
})

whereItCan('process')('F74: a loop in the way of a stop is ended by the ladder of stop', async () => {
  const worker = await quietWorker()
  const call = rejection(
    worker.call(() => {
      while (true);
    }),
    WorkerStoppedError,
  )
  const reason = await worker.stop({ drainMs: 100, exitMs: 100, termMs: 5000 })
  expect(reason).toMatchObject({ type: 'shutdown', signal: 'SIGTERM' })
  await call
})

whereItCan('process')(
  'F60: when the worker in the middle dies, its own worker is gone too, and the host sees one death',
  async () => {
    using recorded = recordEvents({ types: ['worker.exited'] })
    const worker = await quietWorker()
    const nested = await worker.call<{ pid: number; answer: number }>({ module: tasks, export: 'nest' })
    expect(nested.answer).toBe(42)
    expect(await worker.call({ module: tasks, export: 'innerAnswer' })).toBe('from within')
    process.kill(worker.pid, 'SIGKILL')
    await worker.exited
    await waitUntilGone(nested.pid)
    expect(recorded.events).toHaveLength(1)
  },
)

whereItCan('process')(
  'F60: when the worker in the middle is stopped, its own worker is gone too',
  async () => {
    const worker = await quietWorker()
    const nested = await worker.call<{ pid: number }>({ module: tasks, export: 'nest' })
    expect(await worker.stop()).toMatchObject({ type: 'shutdown', exitCode: 0 })
    await waitUntilGone(nested.pid)
  },
)

whereItCan('process')(
  'F72: a death with calls in flight says nothing on the console of the host',
  async () => {
    const said: string[] = []
    const { error, warn } = console
    console.error = (...words: unknown[]) => void said.push(words.join(' '))
    console.warn = (...words: unknown[]) => void said.push(words.join(' '))
    try {
      const worker = await quietWorker()
      const call = worker.call(sleep, [60_000]).catch(() => {})
      process.kill(worker.pid, 'SIGKILL')
      await worker.exited
      await call
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    } finally {
      Object.assign(console, { error, warn })
    }
    expect(said).toEqual([])
  },
)

whereItCan('process')(
  'F72: process.exit in a worker ends it at once, with timers, sockets and a call pending',
  async () => {
    const worker = await quietWorker()
    await worker.call(async () => {
      const { createServer } = await import('node:net')
      setInterval(() => {}, 10)
      await new Promise<void>((resolve) => createServer().listen(0, '127.0.0.1', resolve))
    })
    worker.cast(() => process.exit(4))
    expect(await worker.exited).toMatchObject({ type: 'exit', exitCode: 4 })
    await until('the worker is dead', () => worker.state === 'dead')
  },
)
