/** How long a child that keeps dying waits, with every default filled in. */
export interface Backoff {
  /** Before the first restart in a row, and each where `minMs` is 0, where there is no hurry. Default none. */
  readonly firstMs?: number
  readonly minMs: number
  readonly maxMs: number
  readonly factor: number
  /** The part of each wait that is left to chance, from 0 to 1. */
  readonly jitter: number
  readonly resetAfterMs: number
}

/**
 * The wait before a restart: none before the first in a row, then `minMs`, growing by `factor` up to `maxMs`, of which
 * chance takes up to the part `jitter`. Sources: Kubernetes' first restart at once; Akka's and pm2's geometric growth.
 * Chance takes away and never adds, so that `maxMs` holds and children that are all at it are still spread.
 * @param attempt - how often in a row it was restarted, this time included; from 1
 * @param random - from 0, to 1 exclusive
 */
export function backoffDelayMs(backoff: Backoff, attempt: number, random: () => number): number {
  if (attempt <= 1) return backoff.firstMs ?? 0
  if (backoff.minMs === 0) return backoff.firstMs ?? 0
  // A power of a large number of attempts is Infinity, which the minimum takes care of.
  const full = Math.min(backoff.maxMs, backoff.minMs * backoff.factor ** (attempt - 2))
  return full * (1 - backoff.jitter * random())
}
