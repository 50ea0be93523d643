import { setTimeout as delay } from 'node:timers/promises'

/**
 * How a promise ended. `atMs` is when.
 * @typedef {{ ok: boolean, value: unknown, error: any, atMs: number }} Settled
 */

/**
 * Never rejects: both ends of the promise are an answer.
 * @param {Promise<unknown>} promise
 * @returns {Promise<Settled>}
 */
export function settled(promise) {
  return promise.then(
    (value) => ({ ok: true, value, error: undefined, atMs: performance.now() }),
    (error) => ({ ok: false, value: undefined, error, atMs: performance.now() }),
  )
}

/**
 * The promise's value, or undefined if it takes too long.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} limitMs
 * @returns {Promise<T | undefined>}
 */
export async function within(promise, limitMs) {
  const impatience = new AbortController()
  const late = delay(limitMs, undefined, { signal: impatience.signal }).catch(() => undefined)
  const first = await Promise.race([promise, late])
  impatience.abort()
  return first
}

/** @param {unknown} error */
export function brief(error) {
  if (!(error instanceof Error)) return String(error)
  return `${error.name}: ${error.message.split('\n', 1)[0]}`
}
