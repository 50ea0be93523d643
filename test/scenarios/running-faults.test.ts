import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BackpressureError, CallTimeoutError, MaltsterError, type Worker } from 'maltster'
import { expect, onTestFinished, test } from 'vitest'
import { useLeakCheck } from '../support/leak-check.ts'
import { expectUsable, ofType, quietWorker, recordEvents, rejection } from './workers.ts'

useLeakCheck()

function logFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'executed')
}

const record = (file: string, id: number, _padding?: unknown): number => {
  process.getBuiltinModule('node:fs').appendFileSync(file, `${id}\n`)
  return id
}

/** How often each call was executed, by the worker's own log, against what the host was told. */
function expectTruth(
  file: string,
  settled: readonly PromiseSettledResult<number>[],
): { no: number; unknown: number; ok: number } {
  const log = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []
  const counts = { no: 0, unknown: 0, ok: 0 }
  for (const [id, result] of settled.entries()) {
    const times = log.filter((one) => one === id).length
    expect(times).toBeLessThan(2)
    if (result.status === 'fulfilled') {
      expect(result.value).toBe(id)
      expect(times).toBe(1)
      counts.ok++
    } else {
      const { executed } = result.reason as { executed: 'no' | 'unknown' }
      expect(result.reason).toBeInstanceOf(MaltsterError)
      expect(executed).toMatch(/^(no|unknown)$/)
      if (executed === 'no') expect(times, `call ${id}, told as not executed`).toBe(0)
      counts[executed]++
    }
  }
  return counts
}

test('F41: `executed: no` is true, whenever a worker is killed: by the log of the worker itself', async () => {
  for (let round = 0; round < 8; round++) {
    const file = logFile()
    const worker = await quietWorker()
    const calls = Array.from({ length: 200 }, (_, id) => worker.call(record, [file, id, 'x'.repeat(100)]))
    const settling = Promise.allSettled(calls)
    await calls[round * 5]!.catch(() => {})
    process.kill(worker.pid, 'SIGKILL')
    expectTruth(file, await settling)
  }
})

test('F41: of a batch that is larger than the lane, the calls that ran are not told as not executed', async () => {
  for (const dieAt of [0, 3, 10]) {
    const file = logFile()
    const worker = await quietWorker()
    await worker.call((given: { dieAt: number }) => void Object.assign(globalThis, given), [{ dieAt }])
    const calls = Array.from({ length: 100 }, (_, id) =>
      worker.call(
        (name: string, n: number, _padding: string) => {
          process.getBuiltinModule('node:fs').appendFileSync(name, `${n}\n`)
          if (n === Reflect.get(globalThis, 'dieAt')) process.kill(process.pid, 'SIGKILL')
          return n
        },
        [file, id, 'x'.repeat(50_000)],
      ),
    )
    const counts = expectTruth(file, await Promise.allSettled(calls))
    expect(counts.ok).toBeLessThanOrEqual(dieAt + 1)
    expect(counts.unknown).toBeGreaterThan(0)
  }
})

test('F41: what never left the host is told as not executed', async () => {
  const file = logFile()
  const worker = await quietWorker()
  process.kill(worker.pid, 'SIGSTOP')
  const calls = Array.from({ length: 200 }, (_, id) => worker.call(record, [file, id, 'x'.repeat(200_000)]))
  const settling = Promise.allSettled(calls)
  await new Promise((resolve) => setImmediate(resolve))
  process.kill(worker.pid, 'SIGKILL')
  const counts = expectTruth(file, await settling)
  expect(counts).toMatchObject({ ok: 0 })
  expect(counts.no).toBeGreaterThan(0)
})

test('F41: a stop that cuts calls off tells the truth about them', async () => {
  const file = logFile()
  const worker = await quietWorker({ concurrency: 2 })
  const calls = Array.from({ length: 20 }, (_, id) =>
    worker.call(
      async (name: string, n: number) => {
        process.getBuiltinModule('node:fs').appendFileSync(name, `${n}\n`)
        await new Promise((resolve) => setTimeout(resolve, 30))
        return n
      },
      [file, id],
    ),
  )
  const settling = Promise.allSettled(calls)
  await worker.stop({ drainMs: 100 })
  const counts = expectTruth(file, await settling)
  expect(counts.no).toBeGreaterThan(0)
})

test('F49: a loop and a time limit: the worker interrupts it, the call times out, and settles once', async () => {
  using recorded = recordEvents({ types: ['call.settled', 'worker.state', 'frame.dropped'] })
  await using worker = await quietWorker({ interruptGraceMs: 10_000 })
  const error = await rejection(
    worker.call(
      () => {
        while (true);
      },
      [],
      { timeoutMs: 50 },
    ),
    CallTimeoutError,
  )
  expect(error).toMatchObject({ timeoutMs: 50, executed: 'unknown', worker: worker.path })
  await expectUsable(worker)
  expect(ofType(recorded.events, 'worker.state').map(({ to }) => to)).toContain('interrupting')
  expect(ofType(recorded.events, 'call.settled').filter(({ callId }) => callId === 1)).toHaveLength(1)
})

test('F49: a hundred calls that time out while they sleep leave nothing behind', async () => {
  using recorded = recordEvents({ types: ['call.settled'] })
  await using worker = await quietWorker()
  const calls = Array.from({ length: 100 }, (_, index) =>
    worker.call(
      async () => {
        const { setTimeout: wait } = await import('node:timers/promises')
        await wait(60_000)
      },
      [],
      { timeoutMs: 20 + index },
    ),
  )
  for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected')
  expect((await worker.stats()).calls.pending).toBe(0)
  await expectUsable(worker)
  expect(ofType(recorded.events, 'call.settled')).toHaveLength(101)
})

async function fillUp(
  worker: Worker,
  byteLength: number,
): Promise<{ taken: Promise<number>[]; refusal: unknown }> {
  const taken: Promise<number>[] = []
  const bytes = new Uint8Array(byteLength)
  for (let count = 0; count < 10_000; count++) {
    const call = worker.call((given: Uint8Array) => given.length, [bytes])
    const first = await Promise.race([call.catch((error: unknown) => error), Promise.resolve('under way')])
    await Promise.resolve()
    const settled = await Promise.race([
      call.catch((error: unknown) => error),
      new Promise((resolve) => setImmediate(resolve)),
    ])
    if (first instanceof BackpressureError || settled instanceof BackpressureError)
      return { taken, refusal: settled ?? first }
    taken.push(call)
  }
  return { taken, refusal: undefined }
}

test('F53: sends to a worker that is stopped are refused at the bound, and go through when it goes on', async () => {
  await using worker = await quietWorker({ mailbox: { maxBytes: 16 * 2 ** 20 } })
  process.kill(worker.pid, 'SIGSTOP')
  const before = process.memoryUsage.rss()
  const { taken, refusal } = await fillUp(worker, 2 ** 20)
  expect(refusal).toBeInstanceOf(BackpressureError)
  expect(refusal).toMatchObject({ executed: 'no', worker: worker.path })
  // The system keeps some for a socket that nobody reads: those have left.
  expect(taken.length).toBeLessThan(40)
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20)
  expect(worker.state).toBe('running')
  process.kill(worker.pid, 'SIGCONT')
  expect(await Promise.all(taken)).toEqual(taken.map(() => 2 ** 20))
  await expectUsable(worker)
})

test('F40: a worker that floods its standard output slows down neither calls nor the host’s memory', async () => {
  let lines = 0
  await using worker = await quietWorker({ stdout: () => void lines++ })
  const before = process.memoryUsage.rss()
  const flood = worker.call(async () => {
    const line = `${'x'.repeat(1000)}\n`
    for (let count = 0; count < 50_000; count++) {
      if (!process.stdout.write(line)) await new Promise((resolve) => process.stdout.once('drain', resolve))
    }
    return 'flooded'
  })
  for (let n = 0; n < 50; n++) expect(await worker.call((m: number) => m, [n])).toBe(n)
  expect(await flood).toBe('flooded')
  await expect.poll(() => lines).toBe(50_000)
  expect(process.memoryUsage.rss() - before).toBeLessThan(150 * 2 ** 20)
})
