// Taken before user code can replace it.
const { hrtime } = process

/**
 * Milliseconds that only rise, as `performance.now()` tells them: what is behind that takes a worker a millisecond to
 * load while it boots.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}
