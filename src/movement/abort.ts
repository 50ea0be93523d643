const watchers = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back once when the signal aborts. One listener a signal however many calls share it: Node.js warns of a leak
 * from the eleventh on.
 * @returns stops watching
 */
export function whenAborted(signal: AbortSignal, callback: () => void): () => void {
  const known = watchers.get(signal)
  if (known !== undefined) return watch(signal, known, callback)
  const callbacks = new Set<() => void>()
  watchers.set(signal, callbacks)
  return watch(signal, callbacks, callback)
}

function watch(signal: AbortSignal, callbacks: Set<() => void>, callback: () => void): () => void {
  const listener = (): void => {
    watchers.delete(signal)
    for (const one of callbacks) one()
  }
  if (callbacks.size === 0) signal.addEventListener('abort', listener, { once: true })
  callbacks.add(callback)
  return () => {
    callbacks.delete(callback)
    if (callbacks.size > 0) return
    watchers.delete(signal)
    signal.removeEventListener('abort', listener)
  }
}
