import type { MaltsterEvent } from '../../actors/events.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import { formatReport } from './format-report.ts'

/** An event as a log record of OpenTelemetry: what `logger.emit` of its logs API takes. */
export interface TelemetryRecord {
  /** `maltster.worker.exited` */
  readonly eventName: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
  /** 5, 9, 13 or 17: debug, info, warn, error. */
  readonly severityNumber: number
  /** The same as a word. */
  readonly severityText: 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'
  /** The event as one line. */
  readonly body: string
  /** Names of OpenTelemetry where it has some (`process.pid`, `exception.message`), others with `maltster.`. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

const severities = { DEBUG: 5, INFO: 9, WARN: 13, ERROR: 17 } as const

const levels: Partial<Record<MaltsterEvent['type'], TelemetryRecord['severityText']>> = {
  'worker.crashed': 'ERROR',
  'supervisor.startError': 'ERROR',
  'supervisor.shutdownError': 'ERROR',
  'supervisor.gaveUp': 'ERROR',
  'supervisor.escalated': 'ERROR',
  'supervisor.childTerminated': 'WARN',
  'supervisor.backoff': 'WARN',
  'worker.frozen': 'WARN',
  'worker.strangerRefused': 'WARN',
  'output.dropped': 'WARN',
  'cast.failed': 'WARN',
  'pool.broadcastFailed': 'WARN',
  'worker.ready': 'INFO',
  'worker.exited': 'INFO',
  'supervisor.progress': 'INFO',
  'supervisor.shutdown': 'INFO',
}

type Attributes = Record<string, string | number | boolean>

function addReason(attributes: Attributes, reason: ExitReason): void {
  attributes['maltster.exit.type'] = reason.type
  attributes['maltster.uptime_ms'] = reason.uptimeMs
  if (reason.exitCode !== null) attributes['process.exit.code'] = reason.exitCode
  if (reason.signal !== null) attributes['maltster.exit.signal'] = reason.signal
  if (reason.lastFrames.length > 0) attributes['exception.stacktrace'] = reason.lastFrames.join('\n')
  if (reason.cause !== undefined) addError(attributes, reason.cause)
}

function addError(attributes: Attributes, error: unknown): void {
  if (typeof error !== 'object' || error === null) return
  const { name, message, stack } = error as { name?: unknown; message?: unknown; stack?: unknown }
  if (typeof name === 'string') attributes['exception.type'] = name
  if (typeof message === 'string') attributes['exception.message'] = message
  if (typeof stack === 'string') attributes['exception.stacktrace'] ??= stack
}

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

function addField(attributes: Attributes, prefix: string, name: string, value: unknown): void {
  if (name === 'pid' && typeof value === 'number')
    attributes[`${prefix === 'maltster.' ? '' : prefix}process.pid`] = value
  else if (name === 'error') addError(attributes, value)
  else if (name === 'reason' && typeof value === 'object') addReason(attributes, value as ExitReason)
  else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    attributes[prefix + snake(name)] = value
  else if (typeof value === 'object' && value !== null && prefix === 'maltster.' && !Array.isArray(value)) {
    for (const [inner, one] of Object.entries(value))
      addField(attributes, `${prefix}${snake(name)}.`, inner, one)
  }
}

/**
 * An event in the shape of OpenTelemetry's log records, with flat attributes. Nothing of OpenTelemetry is needed for it.
 *
 * @param event - from `observe`, or from a topic of `node:diagnostics_channel`
 * @example
 * import { observe, spawnWorker, telemetryRecord } from 'maltster'
 *
 * using watching = observe(
 *   (event) => {
 *     const { eventName, severityText, attributes } = telemetryRecord(event)
 *     console.log(eventName, severityText, attributes['process.exit.code'])
 *   },
 *   { types: ['worker.exited'] },
 * )
 * const worker = await spawnWorker()
 * await worker.stop() // maltster.worker.exited INFO 0
 */
export function telemetryRecord(event: MaltsterEvent): TelemetryRecord {
  const { seq, timeMs: _, wallTime, path, incarnation, type, cause, ...body } = event
  const severityText = levels[type] ?? 'DEBUG'
  const attributes: Attributes = {
    'maltster.path': path,
    'maltster.incarnation': incarnation,
    'maltster.seq': seq,
  }
  if (cause !== undefined) attributes['maltster.cause'] = cause
  for (const [name, value] of Object.entries(body)) addField(attributes, 'maltster.', name, value)
  return {
    eventName: `maltster.${type}`,
    timestamp: wallTime,
    severityNumber: severities[severityText],
    severityText,
    body: formatReport(event, { singleLine: true }),
    attributes,
  }
}
