type Write = (this: unknown, ...args: unknown[]) => unknown

/** What Node.js has behind a stream of its own; no public name leads there. */
interface OutputStream {
  readonly write?: Write
  readonly _handle?: { setBlocking?: (isBlocking: boolean) => void } | null
}

// Taken before user code can replace it.
const { apply } = Reflect

/**
 * Has stdout and stderr write before `console.log` returns, as they do for a program whose output goes to a pipe. Ours
 * are sockets, and for these Node.js keeps what does not fit at once: it would be lost when the process exits, aborts or
 * is killed. Done at the first use of each, so that a worker which prints nothing pays nothing.
 * @param afterWrite - called whenever something has been written
 */
export function blockOutput(afterWrite: () => void): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(process, name)
    const get = descriptor?.get
    if (descriptor === undefined || get === undefined || descriptor.configurable !== true) continue
    const first = function (this: unknown): unknown {
      Object.defineProperty(process, name, descriptor)
      const stream = get.call(process) as OutputStream
      stream._handle?.setBlocking?.(true)
      watchWrites(stream, afterWrite)
      return stream
    }
    Object.defineProperty(process, name, { ...descriptor, get: first })
  }
}

function watchWrites(stream: OutputStream, afterWrite: () => void): void {
  const { write: original } = stream
  if (original === undefined) return
  const write: Write = function (...args) {
    const hasRoom = apply(original, this, args)
    afterWrite()
    return hasRoom
  }
  Object.defineProperty(stream, 'write', {
    value: write,
    configurable: true,
    writable: true,
    enumerable: false,
  })
}
