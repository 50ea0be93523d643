import type { MaltsterEvent } from '../../actors/events.ts'
import { boolean, checkOptions, countOrInfinity } from '../../actors/option-checks.ts'
import { type ReportRow, reportRows } from './report-rows.ts'

/** How a report is laid out. Source: OTP's `logger_formatter`. */
export interface ReportFormat {
  /** One line, for logs that have a line for each entry. Default false. */
  readonly singleLine?: boolean
  /** How far down causes are told, and objects shown. Minimum 1, default 5. */
  readonly depth?: number
  /** The most characters; what is over is cut off, and said to be. Minimum 1, default 10000. */
  readonly maxChars?: number
}

const checks = { singleLine: boolean, depth: countOrInfinity, maxChars: countOrInfinity }

/** `supervisor.childTerminated` as `CHILD TERMINATED`; the part before the dot says what kind of report it is. */
function titleOf({ type, path }: MaltsterEvent): string {
  const [subject = '', what = ''] = type.split('.')
  const words = what.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  const who = path === '' ? 'the root' : path
  return `${subject.toUpperCase()} REPORT ${who}: ${words}`
}

function below([label, value]: ReportRow): string[] {
  const [first = '', ...rest] = value.split('\n')
  return [`  ${label.padEnd(10)}${first}`, ...rest.map((line) => `  ${' '.repeat(10)}${line}`)]
}

/** What could move the cursor, or end the line, of whoever reads it: what a worker has printed comes along. */
const isHarmful = /[\p{Cc}\u2028\u2029\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu

const escaped = (one: string): string =>
  one === '\n' || one === '\t' ? one : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`

const beside = ([label, value]: ReportRow): string => `${label}: ${value.replaceAll(/\s*\n\s*/g, ' | ')}`

/**
 * An event as text for people: reports of supervisors and crashes, and any other event as well. Control characters are
 * written as escapes, such as `\\u001b`, but for line ends and tabs.
 *
 * @param event - from `observe`
 * @param format - see `ReportFormat`
 * @returns the text, without a line end
 * @throws {TypeError | RangeError} for wrong options
 * @example
 * import { formatReport, observe, supervise } from 'maltster'
 *
 * using watching = observe((event) => console.log(formatReport(event, { singleLine: true })), {
 *   types: ['supervisor.shutdown'],
 *   path: 'app',
 * })
 * const app = await supervise({ name: 'app' })
 * await app.stop() // SUPERVISOR REPORT app: shutdown; because: stop; children: 0
 */
export function formatReport(event: MaltsterEvent, format: ReportFormat = {}): string {
  checkOptions('formatReport', format, checks)
  const { singleLine = false, depth = 5, maxChars = 10_000 } = format
  const rows = reportRows(event, depth)
  const title = titleOf(event)
  const raw = singleLine
    ? [title, ...rows.map(beside)].join('; ')
    : [title, ...rows.flatMap(below)].join('\n')
  const text = raw.replaceAll(isHarmful, escaped)
  return text.length <= maxChars ? text : `${text.slice(0, Math.max(0, maxChars - 1))}…`
}
