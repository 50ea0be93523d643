import { formatReport, type MaltsterEvent, telemetryRecord } from 'maltster'
import { describe, expect, test } from 'vitest'
import type { ExitReason } from '../../../src/errors/exit-reason.ts'

const envelope = { seq: 7, timeMs: 12.5, wallTime: 1_700_000_000_000, path: 'app', incarnation: 2 }
const reason: ExitReason = {
  type: 'exit',
  exitCode: 3,
  signal: null,
  stderrTail: 'first line\nsecond line\n',
  lastFrames: ['at parse (file:///parser.js:3:1)', 'at main (file:///main.js:1:1)'],
  uptimeMs: 1234,
  cause: new Error('outer', { cause: new TypeError('middle', { cause: new RangeError('inner') }) }),
}
const child = {
  id: 'parser',
  path: 'app/parser',
  kind: 'worker',
  pid: 4711,
  incarnation: 3,
  restart: 'permanent',
  shutdownMs: 5000,
} as const
const budget = { used: 2, maxRestarts: 3, periodMs: 5000 }
const terminated: MaltsterEvent = {
  ...envelope,
  type: 'supervisor.childTerminated',
  child,
  reason,
  outcome: 'restarted',
  budget,
}

describe('formatReport', () => {
  test('lets no control character through, whatever a worker has printed', () => {
    const stderrTail = 'red \u001b[31m\rFAKE\u2028LINE\u0085\u202etxt\tend\nnext'
    for (const singleLine of [true, false]) {
      const text = formatReport({ ...terminated, reason: { ...reason, stderrTail } }, { singleLine })
      expect(text).toContain('red \\u001b[31m\\u000dFAKE\\u2028LINE\\u0085\\u202etxt\tend')
      expect(text.replaceAll(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e]/u)
      if (singleLine) expect(text).not.toContain('\n')
    }
  })

  test('lays a report out for people', () => {
    expect(formatReport(terminated)).toBe(
      [
        'SUPERVISOR REPORT app: child terminated',
        '  child     app/parser (worker, permanent, incarnation 3, pid 4711)',
        '  reason    exit, exit code 3, after 1.2 s',
        '  because   Error: outer',
        '  because   TypeError: middle',
        '  because   RangeError: inner',
        '  frames    at parse (file:///parser.js:3:1)',
        '            at main (file:///main.js:1:1)',
        '  stderr    first line',
        '            second line',
        '  outcome   restarted',
        '  budget    2 of 3 restarts within 5000 ms',
      ].join('\n'),
    )
  })

  test('or in one line, so far down, and so long', () => {
    const line = formatReport(terminated, { singleLine: true, depth: 1 })
    expect(line).not.toContain('\n')
    expect(line).toMatch(
      /^SUPERVISOR REPORT app: child terminated; child: app\/parser .*; because: Error: outer; because: …; frames: /,
    )
    expect(line).toContain('stderr: first line | second line;')
    const short = formatReport(terminated, { maxChars: 40 })
    expect(short).toHaveLength(40)
    expect(short.at(-1)).toBe('…')
    expect(formatReport(terminated, { maxChars: Infinity })).toBe(formatReport(terminated))
  })

  test.each<[MaltsterEvent, string[]]>([
    [
      { ...envelope, type: 'supervisor.backoff', child, delayMs: 250, retryAtMs: 99, attempt: 2 },
      ['SUPERVISOR REPORT app: backoff', 'delay     250 ms', 'attempt   2'],
    ],
    [
      { ...envelope, path: '', type: 'supervisor.shutdown', because: 'stop', children: 4 },
      ['SUPERVISOR REPORT the root: shutdown', 'because   stop', 'children  4'],
    ],
    [
      { ...envelope, type: 'supervisor.startError', child, error: new Error('no disk') },
      ['SUPERVISOR REPORT app: start error', 'error     Error: no disk'],
    ],
    [
      { ...envelope, type: 'supervisor.gaveUp', child, reason, budget },
      ['SUPERVISOR REPORT app: gave up', 'budget    2 of 3 restarts'],
    ],
    [
      {
        ...envelope,
        path: 'app/parser',
        type: 'worker.crashed',
        pid: 4711,
        report: {
          reason,
          outOfMemory: 'heap',
          memoryPeakBytes: 3 * 2 ** 20,
          inFlight: [{ callId: 5, name: 'parse', background: false, executed: 'unknown' }],
          inFlightCount: 12,
          recentEvents: [{ ...envelope, type: 'worker.ready', pid: 1, bootMs: 2 }],
        },
      },
      [
        'WORKER REPORT app/parser: crashed',
        'memory    it ran into the limit: heap',
        'peak      3.0 MiB',
        'in flight 5 parse (executed: unknown)',
        'and 11 more',
        'events    7 worker.ready',
      ],
    ],
    [
      { ...envelope, type: 'worker.ready', pid: 1, bootMs: 42 },
      ['WORKER REPORT app: ready', 'boot      42 ms'],
    ],
    [
      { ...envelope, type: 'output.dropped', stream: 'stdout', bytes: 9 },
      ['stream    stdout', 'bytes     9'],
    ],
  ])('knows what to say of each event: %j', (event, parts) => {
    const text = formatReport(event)
    for (const part of parts) expect(text).toContain(part)
    expect(formatReport(event, { singleLine: true })).not.toContain('\n')
  })

  test('wrong options are named', () => {
    expect(() => formatReport(terminated, { singleline: true } as never)).toThrow(/`singleLine`\?/)
    expect(() => formatReport(terminated, { depth: 0 })).toThrow(RangeError)
    expect(() => formatReport(terminated, { maxChars: 0 })).toThrow(RangeError)
  })
})

describe('telemetryRecord', () => {
  test('has the shape of a log record of OpenTelemetry, with flat attributes', () => {
    const record = telemetryRecord({ ...terminated, cause: 6 })
    expect(record).toMatchObject({
      eventName: 'maltster.supervisor.childTerminated',
      timestamp: 1_700_000_000_000,
      severityNumber: 13,
      severityText: 'WARN',
      body: formatReport(terminated, { singleLine: true }),
    })
    expect(record.attributes).toEqual({
      'maltster.path': 'app',
      'maltster.incarnation': 2,
      'maltster.seq': 7,
      'maltster.cause': 6,
      'maltster.child.id': 'parser',
      'maltster.child.path': 'app/parser',
      'maltster.child.kind': 'worker',
      'maltster.child.process.pid': 4711,
      'maltster.child.incarnation': 3,
      'maltster.child.restart': 'permanent',
      'maltster.child.shutdown_ms': 5000,
      'maltster.exit.type': 'exit',
      'process.exit.code': 3,
      'maltster.uptime_ms': 1234,
      'exception.type': 'Error',
      'exception.message': 'outer',
      'exception.stacktrace': reason.lastFrames.join('\n'),
      'maltster.outcome': 'restarted',
      'maltster.budget.used': 2,
      'maltster.budget.max_restarts': 3,
      'maltster.budget.period_ms': 5000,
    })
    for (const value of Object.values(record.attributes))
      expect(typeof value).toMatch(/string|number|boolean/)
  })

  test('a worker’s process has OpenTelemetry’s own name, and what is wrong is an error', () => {
    const ready = telemetryRecord({ ...envelope, type: 'worker.ready', pid: 42, bootMs: 9 })
    expect(ready.attributes).toMatchObject({ 'process.pid': 42, 'maltster.boot_ms': 9 })
    expect(ready.severityText).toBe('INFO')
    const gaveUp = telemetryRecord({ ...envelope, type: 'supervisor.gaveUp', child, reason, budget })
    expect(gaveUp.severityNumber).toBe(17)
    const unprepared = {
      type: 'pool.broadcastFailed',
      member: 'app/jobs/worker-1',
      error: new Error('no'),
    } as const
    expect(telemetryRecord({ ...envelope, ...unprepared }).severityText).toBe('WARN')
    const started = telemetryRecord({
      ...envelope,
      type: 'supervisor.startError',
      child,
      error: new RangeError('no disk'),
    })
    expect(started.attributes).toMatchObject({
      'exception.type': 'RangeError',
      'exception.message': 'no disk',
    })
  })
})
