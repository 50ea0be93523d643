import { type RunResult, spawnWorker, type Worker, WorkerDiedError } from 'maltster'
import { afterAll, beforeAll, expect } from 'vitest'
import type { HostileSnippet } from '../fixtures/run/hostile-snippet.ts'
import { useLeakCheck } from '../support/leak-check.ts'
import { processState, waitUntilGone } from '../support/processes.ts'

const maxTextLength = 16_384 + 1
/** The note of what was cut, and a character that was cut in two. */
const noteBytes = 200
/** Besides its time limit: an interrupt with its grace, on a busy machine. */
const spareMs = 20_000
const mebibyte = 2 ** 20

/**
 * Runs a snippet in an untrusted worker. The result is well formed and what is expected; the worker gives 1+1 afterwards
 * or is dead; of what the snippet started nothing is left.
 * @returns which of both
 */
export async function attack(snippet: HostileSnippet): Promise<string> {
  const { timeoutMs = 10_000, maxOutputBytes = mebibyte } = snippet
  const worker = await spawnWorker({ preset: 'untrusted', interruptGraceMs: 1000, ...snippet.worker })
  try {
    const result = await worker.run(snippet.source, { timeoutMs, maxOutputBytes })
    expect([snippet.outcome].flat(), String(result.error)).toContain(result.outcome)
    expectWellFormed(result, timeoutMs, maxOutputBytes)
    if (snippet.stdout !== undefined) expect(result.stdout.startsWith(snippet.stdout)).toBe(true)
    const after = (await isUsable(worker)) ? 'usable' : worker.state
    if (result.exit !== undefined) expect(worker.state).toBe('dead')
    await worker.stop({ drainMs: 0, exitMs: 500, termMs: 100 })
    await expectGone(result, snippet.leaves === 'detached')
    return after
  } finally {
    worker.kill()
    await worker.exited
  }
}

/** What a worker may be after a snippet. */
export const statesAfter = ({ after }: HostileSnippet): string[] =>
  after === 'either' ? ['usable', 'dead'] : [after]

function expectWellFormed(result: RunResult, timeoutMs: number, maxOutputBytes: number): void {
  const { ok, outcome, text, stdout, stderr, durationMs, position, exit, error } = result
  expect(ok).toBe(outcome === 'value')
  expect(error instanceof Error).toBe(!ok)
  expect(text.length).toBeLessThanOrEqual(maxTextLength)
  expect(stdout.length).toBeLessThanOrEqual(maxOutputBytes + noteBytes)
  expect(stderr.length).toBeLessThanOrEqual(maxOutputBytes + noteBytes)
  expect(durationMs).toBeGreaterThanOrEqual(0)
  expect(durationMs).toBeLessThan(timeoutMs + spareMs)
  if (position !== undefined) {
    expect(position.line).toBeGreaterThan(0)
    expect(position.column).toBeGreaterThan(0)
  }
  if (outcome === 'exited' || outcome === 'out-of-memory') expect(exit).toBeDefined()
}

/** Answers whether it gives the right answer; if not, it must be dead, and say so. */
async function isUsable(worker: Worker): Promise<boolean> {
  try {
    const { outcome, value } = await worker.run('1+1')
    return outcome === 'value' && value === 2
  } catch (error) {
    expect(error).toBeInstanceOf(WorkerDiedError)
    return false
  }
}

/** Processes that a snippet says it left are gone with their worker, unless they left its group. */
async function expectGone({ stdout }: RunResult, haveLeftTheGroup: boolean): Promise<void> {
  const pids = /^left (.*)$/m.exec(stdout)?.[1]?.split(' ').map(Number) ?? []
  if (!haveLeftTheGroup) await Promise.all(pids.map((pid) => waitUntilGone(pid)))
  for (const pid of pids) if (haveLeftTheGroup && processState(pid) !== 'gone') process.kill(pid, 'SIGKILL')
}

/** The host is what it was before: no processes, handles, listeners and globals that were not there, and little memory. */
export function useUntouchedHost(): void {
  useLeakCheck('file')
  const listeners = (): string[] =>
    process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`)
  let before: string[] = []
  beforeAll(async () => {
    await attack({ name: 'nothing', source: '1', outcome: 'value', after: 'usable' })
    before = listeners()
  })
  afterAll(() => {
    expect(listeners()).toEqual(before)
    expect(({} as { polluted?: unknown }).polluted).toBe(undefined)
    const { arrayBuffers, heapUsed } = process.memoryUsage()
    expect(arrayBuffers).toBeLessThan(100 * mebibyte)
    expect(heapUsed).toBeLessThan(500 * mebibyte)
  })
}
