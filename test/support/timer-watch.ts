/** A timer that holds the event loop open. */
export interface WatchedTimer {
  readonly id: number
  readonly delayMs: number | undefined
  /** Where it was set: the first place outside this file. */
  readonly setAt: string
}

interface Entry extends WatchedTimer {
  readonly timer: NodeJS.Timeout & { _destroyed?: boolean }
}

let entries: Entry[] = []
let lastId = 0
let isWatching = false

/**
 * Begins to note the timers made by the global `setTimeout` and `setInterval`, for good. (Node can count timers,
 * but vitest's own come and go, so that a count says nothing.)
 */
export function watchTimers(): void {
  if (isWatching) return
  isWatching = true
  globalThis.setTimeout = watched(globalThis.setTimeout)
  globalThis.setInterval = watched(globalThis.setInterval)
}

/** Those that are pending and referenced now. */
export function pendingTimers(): readonly WatchedTimer[] {
  entries = entries.filter(({ timer }) => timer._destroyed !== true)
  return entries.filter(({ timer }) => timer.hasRef())
}

function watched<Make extends typeof setTimeout | typeof setInterval>(make: Make): Make {
  const note = (...args: Parameters<Make>): NodeJS.Timeout => {
    const timer = Reflect.apply<undefined, Parameters<Make>, NodeJS.Timeout>(make, undefined, args)
    if (entries.length % 1000 === 999) pendingTimers()
    const { stack = '' } = new Error('set here')
    entries.push({
      id: ++lastId,
      delayMs: args[1],
      timer,
      get setAt() {
        return stack.split('\n')[2]?.trim() ?? 'somewhere'
      },
    })
    return timer
  }
  return Object.defineProperties(note, Object.getOwnPropertyDescriptors(make)) as unknown as Make
}
