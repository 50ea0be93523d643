import { inspect } from 'node:util'

import type { CrashReport } from '../../actors/crash-report.ts'
import type { MaltsterEvent } from '../../actors/events.ts'
import type { ChildReport, RestartBudget } from '../../actors/supervisor-events.ts'
import { describeExit, type ExitReason } from '../../errors/exit-reason.ts'

/** One line of a report: what it is about, and what there is to say. A value of several lines is put below. */
export type ReportRow = readonly [label: string, value: string]

const envelope: ReadonlySet<string> = new Set([
  'seq',
  'timeMs',
  'wallTime',
  'path',
  'incarnation',
  'type',
  'cause',
])

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`)
const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

function childText({ path, kind, restart, incarnation, pid }: ChildReport): string {
  const process = pid === undefined ? '' : `, pid ${pid}`
  return `${path} (${kind}, ${restart}, incarnation ${incarnation}${process})`
}

/** What led to it, a line each; a chain that goes deeper is said to. */
function causeRows(cause: unknown, depth: number): ReportRow[] {
  const rows: ReportRow[] = []
  let next = cause
  for (let level = 0; next !== undefined && next !== null; level++) {
    if (level >= depth) return [...rows, ['because', '…']]
    rows.push(['because', causeText(next)])
    next = typeof next === 'object' && 'cause' in next ? next.cause : undefined
  }
  return rows
}

function causeText(cause: object | string | number | boolean | bigint | symbol): string {
  if (typeof cause !== 'object') return String(cause)
  const { name, message } = cause as { name?: unknown; message?: unknown }
  if (typeof message === 'string') return `${typeof name === 'string' ? name : 'Error'}: ${message}`
  return inspect(cause, { depth: 2, breakLength: Infinity })
}

function reasonRows(reason: ExitReason, depth: number): ReportRow[] {
  const { lastFrames, stderrTail, uptimeMs, cause } = reason
  return [
    ['reason', `${describeExit(reason)}, after ${seconds(uptimeMs)}`],
    ...causeRows(cause, depth),
    ...(lastFrames.length === 0 ? [] : [['frames', lastFrames.join('\n')] as const]),
    ...(stderrTail.trim() === '' ? [] : [['stderr', stderrTail.trimEnd()] as const]),
  ]
}

function crashRows(report: CrashReport, depth: number): ReportRow[] {
  const { reason, outOfMemory, memoryPeakBytes, inFlight, inFlightCount, recentEvents } = report
  const names = inFlight
    .slice(0, 10)
    .map(({ callId, name, executed }) => `${callId} ${name || '(no name)'} (executed: ${executed})`)
  const more = inFlightCount > names.length ? [`and ${inFlightCount - names.length} more`] : []
  const events = recentEvents.slice(-10).map(({ seq, type }) => `${seq} ${type}`)
  return [
    ...reasonRows(reason, depth),
    ...(outOfMemory === undefined ? [] : [['memory', `it ran into the limit: ${outOfMemory}`] as const]),
    ...(memoryPeakBytes === undefined ? [] : [['peak', mebibytes(memoryPeakBytes)] as const]),
    ['in flight', inFlightCount === 0 ? 'nothing' : [...names, ...more].join('\n')],
    ...(events.length === 0 ? [] : [['events', events.join('\n')] as const]),
  ]
}

const budgetText = ({ used, maxRestarts, periodMs }: RestartBudget): string =>
  `${used} of ${maxRestarts} restarts within ${periodMs} ms`

function rowsOfField(name: string, value: unknown, depth: number): ReportRow[] {
  if (value === undefined) return []
  if (name === 'child') return [['child', childText(value as ChildReport)]]
  if (name === 'budget') return [['budget', budgetText(value as RestartBudget)]]
  if (name === 'reason' && isReason(value)) return reasonRows(value, depth)
  if (name === 'report') return crashRows(value as CrashReport, depth)
  if (name === 'retryAtMs') return []
  if (name.endsWith('Ms') && typeof value === 'number') return [[name.slice(0, -2), seconds(value)]]
  if (value instanceof Error) return [[name, causeText(value)], ...causeRows(value.cause, depth)]
  if (typeof value === 'object') return [[name, inspect(value, { depth, breakLength: Infinity })]]
  return [[name, typeof value === 'string' ? value : inspect(value)]]
}

function isReason(value: unknown): value is ExitReason {
  return typeof value === 'object' && value !== null && 'stderrTail' in value
}

/** Everything that an event says, beside where and when it was. */
export function reportRows(event: MaltsterEvent, depth: number): ReportRow[] {
  return Object.entries(event).flatMap(([name, value]: [string, unknown]) =>
    envelope.has(name) ? [] : rowsOfField(name, value, depth),
  )
}
