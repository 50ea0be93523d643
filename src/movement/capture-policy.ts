import { CaptureError } from '../errors/data-errors.ts'

/**
 * What may leave with a function besides its own text. `auto`: what it refers to is found; `explicit`: only what
 * `captures` gives; or found, within bounds.
 */
export type CapturePolicy = 'auto' | 'explicit' | CaptureBounds

/** Bounds of what is found. */
export interface CaptureBounds {
  /**
   * Names of variables that must not leave: exact, or by pattern. They are looked for in helpers as well, and an imported
   * variable has the names of its own module, too.
   */
  readonly deny?: readonly (string | RegExp)[]
  /** The most bytes that may leave with a call besides its arguments, what `captures` gives included. Default no limit. */
  readonly maxBytes?: number
}

/** What holds for one call: the policy of the worker, and what the call adds to it. */
export type PolicyInForce = CapturePolicy | (CaptureBounds & { readonly isExplicit: true })

/** Whether nothing is found, so that only what `captures` gives can go. */
export const isExplicit = (policy: PolicyInForce): boolean =>
  policy === 'explicit' || (typeof policy === 'object' && 'isExplicit' in policy)

/**
 * The policy of a worker with what one call says. `auto` is the one word that lifts it; everything else makes it
 * tighter: names add up, the smaller bound holds, and `explicit` stays.
 */
export function tightened(ofWorker: PolicyInForce, ofCall: CapturePolicy | undefined): PolicyInForce {
  if (ofCall === undefined || ofCall === 'auto') return ofCall ?? ofWorker
  if (ofWorker === 'auto') return ofCall
  const [one, other] = [ofWorker, ofCall].map((policy) => (typeof policy === 'object' ? policy : {}))
  const bounds = {
    deny: [...(one!.deny ?? []), ...(other!.deny ?? [])],
    maxBytes: Math.min(one!.maxBytes ?? Infinity, other!.maxBytes ?? Infinity),
  }
  return isExplicit(ofWorker) || isExplicit(ofCall) ? { ...bounds, isExplicit: true } : bounds
}

type Rule = string | RegExp

function ruleAgainst(policy: PolicyInForce, name: string): Rule | undefined {
  if (typeof policy !== 'object') return undefined
  return policy.deny?.find((one) => {
    if (typeof one === 'string') return one === name
    one.lastIndex = 0
    return one.test(name)
  })
}

/** Whether the policy denies any names. */
const deniesNames = (policy: PolicyInForce): boolean =>
  typeof policy === 'object' && policy.deny !== undefined && policy.deny.length > 0

/** A name that was found in a function. */
export interface FoundName {
  readonly name: string
  readonly path: string
  /** What else it is called where it comes from. */
  readonly aliases?: () => readonly string[]
}

/** @throws {CaptureError} if the policy denies the name, or what it is called where it comes from */
export function permit(policy: PolicyInForce, { name, path, aliases }: FoundName): void {
  if (!deniesNames(policy)) return
  refuseDenied(policy, name, path, '')
  for (const alias of aliases?.() ?? []) refuseDenied(policy, alias, path, `, which \`${name}\` leads to`)
}

function refuseDenied(policy: PolicyInForce, name: string, path: string, addition: string): void {
  const rule = ruleAgainst(policy, name)
  if (rule === undefined) return
  throw new CaptureError({
    path,
    why: `the policy \`capture\` denies \`${name}\` (by ${String(rule)})${addition}`,
    hint: 'Take it out of the function, or pass what may leave as an argument',
  })
}

/** @throws {CaptureError} if so many bytes are more than the policy allows */
export function permitBytes(policy: PolicyInForce, bytes: number, path: string, largest: string): void {
  if (typeof policy !== 'object' || policy.maxBytes === undefined || bytes <= policy.maxBytes) return
  throw new CaptureError({
    path,
    why: `what goes with it takes ${bytes} bytes (most of it \`${largest}\`), more than capture.maxBytes (${policy.maxBytes})`,
    hint: 'Refer to less, pass it as an argument, or raise the bound',
  })
}
