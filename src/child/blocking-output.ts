/** What Node.js has behind a stream of its own; no public name leads there. */
interface WithHandle {
  readonly _handle?: { setBlocking?: (isBlocking: boolean) => void } | null
}

/**
 * Has stdout and stderr write before `console.log` returns, as they do for a program whose output goes to a pipe. Ours
 * are sockets, and for these Node.js keeps what does not fit at once: it would be lost when the process exits, aborts or
 * is killed. Done at the first use of each, so that a worker which prints nothing pays nothing.
 */
export function blockOutput(): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(process, name)
    const get = descriptor?.get
    if (descriptor === undefined || get === undefined || descriptor.configurable !== true) continue
    const first = function (this: unknown): unknown {
      Object.defineProperty(process, name, descriptor)
      const stream = get.call(process) as WithHandle
      stream._handle?.setBlocking?.(true)
      return stream
    }
    Object.defineProperty(process, name, { ...descriptor, get: first })
  }
}
