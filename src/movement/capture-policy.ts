import { CaptureError } from '../errors/data-errors.ts'

/**
 * What may leave with a function besides its own text. `auto`: what it refers to is found; `explicit`: only what
 * `captures` gives; or found, within bounds.
 */
export type CapturePolicy = 'auto' | 'explicit' | CaptureBounds

/** Bounds of what is found. */
export interface CaptureBounds {
  /** Names of variables that must not leave: exact, or by pattern. They are looked for in helpers as well. */
  readonly deny?: readonly (string | RegExp)[]
  /** The most bytes that may leave with a call besides its arguments, what `captures` gives included. Default no limit. */
  readonly maxBytes?: number
}

/** @returns what is expected, if it is no policy */
export function capturePolicyFault(value: unknown): string | undefined {
  if (value === 'auto' || value === 'explicit') return undefined
  const expected = "'auto', 'explicit' or `{ deny: (string | RegExp)[], maxBytes: number }`"
  if (typeof value !== 'object' || value === null) return expected
  const { deny, maxBytes, ...others } = value as Record<string, unknown>
  const isDeny =
    deny === undefined ||
    (Array.isArray(deny) && deny.every((one) => typeof one === 'string' || one instanceof RegExp))
  const isBound = maxBytes === undefined || (typeof maxBytes === 'number' && maxBytes >= 0)
  return isDeny && isBound && Object.keys(others).length === 0 ? undefined : expected
}

/** @throws {CaptureError} if the policy denies the name */
export function permit(policy: CapturePolicy, name: string, path: string): void {
  if (typeof policy !== 'object') return
  const rule = policy.deny?.find((one) => {
    if (typeof one === 'string') return one === name
    one.lastIndex = 0
    return one.test(name)
  })
  if (rule === undefined) return
  throw new CaptureError({
    path,
    why: `the policy \`capture\` denies \`${name}\` (by ${String(rule)})`,
    hint: 'Take it out of the function, or pass what may leave as an argument',
  })
}

/** @throws {CaptureError} if so many bytes are more than the policy allows */
export function permitBytes(policy: CapturePolicy, bytes: number, path: string, largest: string): void {
  if (typeof policy !== 'object' || policy.maxBytes === undefined || bytes <= policy.maxBytes) return
  throw new CaptureError({
    path,
    why: `what goes with it takes ${bytes} bytes (most of it \`${largest}\`), more than capture.maxBytes (${policy.maxBytes})`,
    hint: 'Refer to less, pass it as an argument, or raise the bound',
  })
}
