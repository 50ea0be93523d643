/** Who waits for one signal, and the one listener that tells them. */
interface Watchers {
  readonly callbacks: Set<() => void>
  readonly listener: () => void
}

const watched = new WeakMap<AbortSignal, Watchers>()

/**
 * Calls back once when the signal aborts. One listener a signal however many calls share it: Node.js warns of a leak
 * from the eleventh on.
 * @returns stops watching
 */
export function whenAborted(signal: AbortSignal, callback: () => void): () => void {
  let watchers = watched.get(signal)
  if (watchers === undefined) {
    watchers = watchersOf(signal)
    watched.set(signal, watchers)
    signal.addEventListener('abort', watchers.listener, { once: true })
  }
  const { callbacks, listener } = watchers
  callbacks.add(callback)
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return
    watched.delete(signal)
    signal.removeEventListener('abort', listener)
  }
}

function watchersOf(signal: AbortSignal): Watchers {
  const callbacks = new Set<() => void>()
  const listener = (): void => {
    watched.delete(signal)
    for (const one of callbacks) one()
  }
  return { callbacks, listener }
}
