import { whenAborted } from '../../movement/abort.ts'
import type { Clock } from '../../transport/clock.ts'

/**
 * Waits, unless one of the signals aborts.
 * @throws the reason of the signal that did
 */
export function pause(delayMs: number, signals: readonly AbortSignal[], clock: Clock): Promise<void> {
  const aborted = signals.find((signal) => signal.aborted)
  if (aborted !== undefined) return Promise.reject(aborted.reason as Error)
  if (delayMs === 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const forget: (() => void)[] = []
    const leave = (): void => {
      clock.clearTimeout(timer)
      for (const one of forget) one()
    }
    // A timer of Infinity would fire at once; such a wait ends by a signal only.
    const timer =
      delayMs === Infinity
        ? undefined
        : clock.setTimeout(() => {
            leave()
            resolve()
          }, delayMs)
    for (const signal of signals) {
      forget.push(
        whenAborted(signal, () => {
          leave()
          reject(signal.reason as Error)
        }),
      )
    }
  })
}
