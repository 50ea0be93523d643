import type { Session } from 'node:inspector'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Ladder } from '../../src/child/ladder.ts'
import { cellBytes, decision, type Preparation } from '../../src/child/sentinel-messages.ts'
import type { InterruptReport } from '../../src/transport/messages.ts'

type Answer = (error: null, response: { result: { value: Preparation } }) => void

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A ladder whose main thread is played by the test. */
function climbed() {
  const reports: InterruptReport[] = []
  const posted: string[] = []
  const waiting: Answer[] = []
  const post = (method: string, _parameters?: unknown, callback?: Answer): void => {
    posted.push(method)
    if (method === 'Runtime.evaluate' && callback !== undefined) waiting.push(callback)
  }
  const ladder = new Ladder({
    request: { interruptId: 1, upToCallId: 1, callId: 0, graceMs: 60_000 },
    cells: new Int32Array(new SharedArrayBuffer(cellBytes)),
    ask: () => {},
    connect: () => ({ post, disconnect: () => {} }) as unknown as Session,
    report: (report) => void reports.push(report),
    finished: () => {},
    reported: () => {},
  })
  /** Waits until it looks at what the main thread does, and has this seen. */
  const look = (decided: number, at: string): void => {
    for (let waited = 0; waiting.length === 0 && waited < 100; waited++) vi.advanceTimersByTime(1)
    const callIds = decided === decision.cut ? [1] : []
    waiting.shift()?.(null, { result: { value: { decision: decided, at, callIds, lastCallId: 1 } } })
  }
  const answered = (): void =>
    ladder.answered({
      type: 'alive',
      interruptId: 1,
      round: 0,
      callIds: [],
      haveEnded: false,
      lastCallId: 1,
      cutAt: undefined,
    })
  return { reports, posted, look, answered }
}

test('the place that is reported is where it was cut off, and none that was met before or after it', () => {
  const { reports, look, answered } = climbed()
  look(decision.retry, 'before')
  look(decision.cut, 'the place')
  look(decision.retry, 'after')
  answered()
  expect(reports).toMatchObject([{ outcome: 'interrupted', at: 'the place', callIds: [1] }])
})

test('optimised code is thrown away after eight attempts at bad points, and then ever more seldom', () => {
  const { posted, look } = climbed()
  const when: number[] = []
  for (let attempt = 1; attempt <= 200; attempt++) {
    look(decision.retry, '')
    if (posted.splice(0).includes('Profiler.startPreciseCoverage')) when.push(attempt)
  }
  expect(when).toEqual([8, 32, 128])
})
