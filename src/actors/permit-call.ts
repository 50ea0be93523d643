import { type PolicyInForce, permitBytes } from '../movement/capture-policy.ts'
import { contentOf } from '../movement/graph/content.ts'
import type { Ledger, Step } from '../movement/graph/ledger.ts'
import { captureValues, definitionFor, type Captures, type Shipment } from '../movement/shipment.ts'
import { frameBytes } from '../transport/frame-chunks.ts'

/** What a worker has already. */
export interface Possessions {
  readonly ledger: Ledger
  /** Whether it has the definition of a shipment. */
  readonly isDefined: (shipment: Shipment) => boolean
}

/** What a call may take along, and what it was given. */
interface Permission {
  readonly policy: PolicyInForce
  readonly captures: Captures | undefined
  /** Of values that were fetched for it and have gone ahead. */
  readonly copiedBytes: number
}

/**
 * Holds a call to `capture.maxBytes`, before anything of it is written: all counts that would leave with it, but for its
 * arguments.
 * @throws {CaptureError} if it is more
 * @throws {EncodeError} if a captured value can't be sent
 */
export function permitCall(
  shipment: Shipment,
  { policy, captures, copiedBytes }: Permission,
  steps: readonly Step[],
  { ledger, isDefined }: Possessions,
): void {
  if (typeof policy !== 'object' || policy.maxBytes === undefined) return
  const sizeOf = (value: unknown, path: string): number =>
    frameBytes(contentOf(ledger.codec, value, path).body)
  const own = shipment.name || 'fn'
  const values = captureValues(shipment, captures)
  const parts: (readonly [name: string, bytes: number])[] = [
    ...steps.map((step) => [nameOfStep(step, own), step.bytes] as const),
    ...shipment.captureNames.map((name, at) => [name, sizeOf(values[at], `captures.${name}`)] as const),
    ...(copiedBytes > 0 ? [['what is fetched for it', copiedBytes] as const] : []),
    ...(isDefined(shipment) ? [] : [[own, sizeOf(definitionFor(shipment, ledger), own)] as const]),
  ]
  const bytes = parts.reduce((sum, [, size]) => sum + size, 0)
  const [largest = own] = parts.toSorted(([, a], [, b]) => b - a)[0] ?? []
  permitBytes(policy, bytes, own, largest)
}

function nameOfStep({ subject }: Step, own: string): string {
  if (subject === 'function') return own
  return ('read' in subject ? subject.read.name : subject.name) || 'fn'
}
