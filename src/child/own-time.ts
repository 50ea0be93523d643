// Taken before user code can replace them.
const { setTimeout } = globalThis
const { min } = Math

/** What a stall counts at most. */
const stepMs = 10

/**
 * Calls back after a time in which this thread got to run. Where the machine gives the whole process nothing for a while,
 * little of that counts: a deadline for code that did not get to run either would be none.
 *
 * @param timeMs - the time
 * @param callback - called once, never at once
 */
export function afterOwnTime(timeMs: number, callback: () => void): void {
  setTimeout(
    () => {
      if (timeMs <= stepMs) callback()
      else afterOwnTime(timeMs - stepMs, callback)
    },
    min(timeMs, stepMs),
  )
}
