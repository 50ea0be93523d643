import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { InterruptedError, type MaltsterEvent, observe, type Worker } from 'maltster'
import { expect, onTestFinished, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { pollUntil, processState } from '../support/processes.ts'
import { expectUsable, ofType, quietWorker, recordEvents, rejection, until } from './workers.ts'

useLeakCheck()

/** Soon to tell what is certain. */
const quick = { intervalMs: 50, maxMissed: 3 }
/** Patient enough for a machine that has other things to do. */
const patient = { intervalMs: 50, maxMissed: 20 }
const verdicts = ['worker.blocked', 'worker.unblocked', 'worker.frozen', 'worker.thawed'] as const

/** Stops a process, and waits until it is so. */
async function stopProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  expect(await pollUntil(() => processState(pid) === 'stopped', 5000)).toBe(true)
}

/** As somebody else would; not before its sentinel has answered something. */
async function stopWorker(worker: Worker): Promise<void> {
  await worker.stats()
  await stopProcess(worker.pid)
}

/** The verdicts about one worker, by type. */
function verdictsOf(events: readonly MaltsterEvent[], { path }: Worker): string[] {
  return events.filter((event) => event.path === path).map((event) => event.type)
}

/** Lets so many intervals pass as it takes a worker of its own to be found frozen. */
async function whileAnotherFreezes(intervalMs: number, maxMissed: number): Promise<void> {
  await using witness = await quietWorker({ heartbeat: { intervalMs, maxMissed } })
  let isFrozen = false
  using _watching = observe(() => (isFrozen = true), { types: ['worker.frozen'], path: witness.path })
  await stopWorker(witness)
  await until('the witness is frozen', () => isFrozen)
  process.kill(witness.pid, 'SIGCONT')
}

test('F27: a stopped process is frozen and not dead; continued it thaws and is usable', async () => {
  await using worker = await quietWorker({ heartbeat: quick })
  using recorded = recordEvents({ path: worker.path, types: [...verdicts, 'worker.exited'] })
  await stopWorker(worker)
  await until('frozen', () => recorded.events.length > 0)
  expect(recorded.events).toMatchObject([{ type: 'worker.frozen' }])
  expect(worker.state).toBe('idle')
  const pending = worker.call((n: number) => n + 1, [41])
  process.kill(worker.pid, 'SIGCONT')
  expect(await pending).toBe(42)
  await until('thawed', () => recorded.events.length > 1)
  expect(recorded.events).toMatchObject([{ type: 'worker.frozen' }, { type: 'worker.thawed' }])
  const [frozen] = ofType(recorded.events, 'worker.frozen')
  const [thawed] = ofType(recorded.events, 'worker.thawed')
  expect(thawed!.silentMs).toBeGreaterThanOrEqual(frozen!.silentMs)
  await expectUsable(worker)
  expect(recorded.events).toHaveLength(2)
})

test('F27: by `onUnresponsive: kill` a frozen process is ended, as unresponsive', async () => {
  await using worker = await quietWorker({ heartbeat: { ...quick, onUnresponsive: 'kill' } })
  await stopWorker(worker)
  expect(await worker.exited).toMatchObject({ type: 'unresponsive', signal: 'SIGKILL' })
})

test('F27: a worker that its owner suspended is not frozen, however long', async () => {
  await using worker = await quietWorker({ heartbeat: { ...patient, onUnresponsive: 'kill' } })
  using recorded = recordEvents({ path: worker.path, types: [...verdicts, 'worker.exited'] })
  worker.suspend()
  await whileAnotherFreezes(50, 30)
  worker.resume()
  await expectUsable(worker)
  await whileAnotherFreezes(50, 30)
  expect(recorded.events).toEqual([])
})

test('a busy loop is blocked and not frozen; interrupted it is not blocked any more', async () => {
  await using worker = await quietWorker({ heartbeat: { ...patient, onUnresponsive: 'kill' } })
  using recorded = recordEvents({ types: verdicts })
  const spinning = rejection(
    worker.call(() => {
      for (;;);
    }),
    InterruptedError,
  )
  await until('blocked', () => recorded.events.length > 0)
  await whileAnotherFreezes(50, 30)
  expect(verdictsOf(recorded.events, worker)).toEqual(['worker.blocked'])
  expect(worker.state).toBe('running')
  await worker.interrupt()
  await spinning
  await until('unblocked', () => verdictsOf(recorded.events, worker).length > 1)
  expect(verdictsOf(recorded.events, worker)).toEqual(['worker.blocked', 'worker.unblocked'])
  await expectUsable(worker)
})

test('a worker that is busy in short turns is neither', async () => {
  await using worker = await quietWorker({ heartbeat: patient })
  using recorded = recordEvents({ path: worker.path, types: verdicts })
  const turning = worker.call(async () => {
    const endsAt = performance.now() + 1500
    while (performance.now() < endsAt) {
      const turnEndsAt = performance.now() + 20
      while (performance.now() < turnEndsAt);
      await new Promise((resolve) => setImmediate(resolve))
    }
    return 'done'
  })
  expect(await turning).toBe('done')
  expect(recorded.events).toEqual([])
})

test('a heartbeat of a millisecond is in the way of no interrupt', async () => {
  await using worker = await quietWorker({ heartbeat: { intervalMs: 1, maxMissed: 10_000 } })
  for (let round = 0; round < 20; round++) {
    const spinning = rejection(
      worker.call(async () => {
        await Promise.resolve()
        for (;;);
      }),
      InterruptedError,
    )
    expect(await worker.interrupt()).toMatchObject({
      outcome: expect.stringMatching(/^(interrupted|detached)$/),
    })
    await spinning
  }
  await expectUsable(worker)
})

test('a host that was stopped for many intervals blames and kills none of its workers', async () => {
  const program = fileURLToPath(new URL('../fixtures/worker/host-with-heartbeat.mjs', import.meta.url))
  const host = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void host.kill('SIGKILL'))
  const exited = once(host, 'close')
  const lines: string[] = []
  const reading = createInterface(host.stdout)
  reading.on('line', (line) => lines.push(line))
  await once(reading, 'line')
  for (let round = 0; round < 2; round++) {
    await stopProcess(host.pid!)
    await whileAnotherFreezes(100, 15)
    host.kill('SIGCONT')
    await whileAnotherFreezes(100, 12)
  }
  host.stdin.write('go on\n')
  await exited
  expect(lines.slice(0, lines.indexOf('end') + 1)).toEqual(['ready', '42', '42', '42', 'end'])
})

test('a heartbeat does not keep a host from its end', async () => {
  const source = `
    import { spawnWorker } from 'maltster'
    await spawnWorker({ heartbeat: { intervalMs: 10, maxMissed: 3 } })
    console.log('end of main')
  `
  const host = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void host.kill('SIGKILL'))
  expect(await once(host, 'close')).toEqual([0, null])
})
