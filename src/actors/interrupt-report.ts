import { ProtocolError } from '../errors/data-errors.ts'
import { mapStack } from '../movement/live/source-maps.ts'
import type { InterruptReport } from '../transport/messages.ts'

const outcomes = ['idle', 'detached', 'interrupted', 'stuck']

/**
 * A report as far as it can be believed, with places that the user has written.
 * @throws {ProtocolError} for one that is none
 */
export function checkedReport(report: InterruptReport): InterruptReport {
  const isReport =
    Number.isSafeInteger(report?.interruptId) &&
    outcomes.includes(report.outcome) &&
    Array.isArray(report.callIds) &&
    report.callIds.every(Number.isSafeInteger) &&
    (report.outcome === 'stuck' || Number.isSafeInteger(report.lastCallId))
  if (!isReport) throw new ProtocolError('The worker reported an interrupt in a way that is none.')
  const { at } = report
  return typeof at === 'string' ? { ...report, at: mapStack(at) } : report
}
