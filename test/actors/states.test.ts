import { expect, test } from 'vitest'
import { can, expectUsable, ofType, quietWorker, recordEvents, whereItCan } from '../scenarios/workers.ts'
import { useLeakCheck } from '../support/leak-check.ts'

useLeakCheck()

const sleep = async (ms: number): Promise<string> => {
  const { setTimeout: wait } = await import('node:timers/promises')
  await wait(ms)
  return 'slept'
}

test('a worker is running before `call` returns, and idle at most one turn after the last call settled', async () => {
  await using worker = await quietWorker()
  const seen: unknown[] = []
  worker.actor.subscribe(({ value }) => seen.push(value))
  const calls = [worker.call(sleep, [20]), worker.call(sleep, [40])]
  expect(worker.state).toBe('running')
  expect(worker.actor.getSnapshot().value).toBe('running')
  await Promise.all(calls)
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  expect(worker.state).toBe('idle')
  expect(seen).toEqual(['running', 'idle'])
})

test('the actor can be read and not be driven', async () => {
  await using worker = await quietWorker()
  expect(Object.keys(worker.actor).toSorted()).toEqual(['getSnapshot', 'subscribe'])
  expect(Object.isFrozen(worker.actor)).toBe(true)
})

test('a listener that throws on a change of state does not disturb the worker', async () => {
  await using worker = await quietWorker()
  const errors: unknown[] = []
  const listen = (error: unknown): void => void errors.push(error)
  process.on('uncaughtException', listen)
  const before = process.listeners('uncaughtException').filter((one) => one !== listen)
  for (const one of before) process.off('uncaughtException', one)
  try {
    const subscription = worker.actor.subscribe(() => {
      throw new Error('from a listener')
    })
    expect(await worker.call(() => 1)).toBe(1)
    subscription.unsubscribe()
    await expectUsable(worker)
  } finally {
    process.off('uncaughtException', listen)
    for (const one of before) process.on('uncaughtException', one)
  }
  expect(errors.every((error) => error instanceof Error && error.message === 'from a listener')).toBe(true)
})

test('whenIdle waits for foreground calls only', async () => {
  await using worker = await quietWorker()
  await worker.whenIdle()
  const background = worker.call(sleep, [300], { background: true })
  let isOver = false
  const call = worker.call(sleep, [50]).then(() => (isOver = true))
  await worker.whenIdle()
  expect(isOver).toBe(true)
  expect(worker.state).toBe('idle')
  await Promise.all([call, background])
})

whereItCan('process')('whenIdle rejects when the worker dies first', async () => {
  const worker = await quietWorker()
  const call = worker.call(sleep, [60_000]).catch((error: unknown) => error)
  const idle = worker.whenIdle()
  process.kill(worker.pid, 'SIGKILL')
  await expect(idle).rejects.toMatchObject({ name: 'WorkerDiedError', reason: { signal: 'SIGKILL' } })
  expect(await call).toBeInstanceOf(Error)
})

whereItCan('interrupt')('stats tell calls, bytes, memory and time, also while the worker spins', async () => {
  await using worker = await quietWorker({ interruptGraceMs: 10_000 })
  await worker.call(() => 1)
  const call = worker
    .call(() => {
      while (true);
    })
    .catch((error: unknown) => error)
  const stats = await worker.stats()
  expect(stats).toMatchObject({ state: 'running', calls: { made: 2, pending: 1 } })
  expect(stats.rssBytes).toBeGreaterThan(10_000_000)
  expect(stats.userCpuMs! + stats.systemCpuMs!).toBeGreaterThan(0)
  expect(stats.uptimeMs).toBeGreaterThan(0)
  expect(stats.bytes.sent).toBeGreaterThan(0)
  await worker.interrupt()
  expect(await call).toBeInstanceOf(Error)
})

test('a suspended worker does nothing until it is resumed', async () => {
  using recorded = recordEvents({ types: ['worker.state'] })
  await using worker = await quietWorker()
  worker.suspend()
  expect(worker.state).toBe('suspended')
  const call = worker.call(() => 'resumed')
  const first = await Promise.race([call, new Promise((resolve) => setTimeout(resolve, 200, 'silence'))])
  expect(first).toBe('silence')
  worker.resume()
  expect(await call).toBe('resumed')
  await expectUsable(worker)
  expect(
    ofType(recorded.events, 'worker.state')
      .map(({ to }) => to)
      .slice(0, 4),
  ).toEqual(['idle', 'suspended', 'running', 'idle'])
})

test('a suspended worker can be stopped and killed', async () => {
  const stopped = await quietWorker()
  stopped.suspend()
  expect(await stopped.stop()).toMatchObject({ type: 'shutdown', exitCode: 0 })
  const killed = await quietWorker()
  killed.suspend()
  killed.kill()
  expect(await killed.exited).toMatchObject({ type: 'killed', signal: 'SIGKILL' })
})

test('a call with a time limit to a suspended worker times out', async () => {
  await using worker = await quietWorker()
  worker.suspend()
  await expect(worker.call(() => 1, [], { timeoutMs: 50 })).rejects.toMatchObject({
    name: 'CallTimeoutError',
  })
  worker.resume()
  await expectUsable(worker)
})

test('an interrupt of a suspended worker comes to an end', async () => {
  await using worker = await quietWorker({ interruptGraceMs: 200 })
  const call = worker.call(sleep, [60_000]).catch((error: unknown) => error)
  worker.suspend()
  expect(['stuck', 'detached']).toContain((await worker.interrupt()).outcome)
  worker.resume()
  expect(await call).toBeInstanceOf(Error)
})

test('a worker has a name, a path, a number of its life and words for itself', async () => {
  await using worker = await quietWorker({ name: 'kernel' })
  expect(worker).toMatchObject({ name: 'kernel', path: 'kernel', incarnation: 1 })
  expect(worker.capabilities).toEqual({
    interrupt: can('interrupt'),
    process: can('process'),
    stdio: can('stdio'),
  })
  expect(String(worker)).toBe(`Worker kernel (pid ${worker.pid}, idle)`)
  await using other = await quietWorker()
  expect(other.name).toMatch(/^worker-\d+$/)
})
