import { writeSync } from 'node:fs'
import { monotonicMs } from '../transport/monotonic.ts'

/** How long a marker may wait for what was printed before it, and for room in a pipe whose reader is slow. */
const patienceMs = 3_000
const pauseMs = 2

// Taken before user code can replace them.
const { from } = Buffer
const { wait } = Atomics
const { getOwnPropertyDescriptor } = Object
/** Node.js makes each stream when it is first asked for. A stream that user code puts in its place is not asked. */
const ownStreams = (['stdout', 'stderr'] as const).map(
  (name) => getOwnPropertyDescriptor(process, name)?.get as (() => NodeJS.WriteStream) | undefined,
)

/** A cell that nobody ever wakes. */
const pause = new Int32Array(new SharedArrayBuffer(4))

function writeAll(fd: number, bytes: Uint8Array, deadline: number): boolean {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || monotonicMs() > deadline) return false
      wait(pause, 0, 0, pauseMs)
    }
  }
  return true
}

/** Waits for what the user's stream still holds: pipes take it piece by piece. */
async function flushed(read: (() => NodeJS.WriteStream) | undefined): Promise<void> {
  try {
    const stream = read?.()
    if (stream === undefined) return
    if (stream.writableCorked > 0) stream.uncork()
    if (!(stream.writableLength > 0) || stream.destroyed) return
    await new Promise<void>((resolve) => {
      setTimeout(resolve, patienceMs).unref()
      stream.write('', () => resolve())
    })
  } catch {
    // Tampered with: then it holds nothing that could be saved.
  }
}

/**
 * Writes a marker to stdout and stderr, behind all that was printed before.
 * @returns where it could be written: a descriptor may have been closed
 */
export async function writeMarkers(marker: Uint8Array): Promise<{ stdout: boolean; stderr: boolean }> {
  const deadline = monotonicMs() + patienceMs
  await Promise.all(ownStreams.map(flushed))
  const bytes = from(marker)
  return { stdout: writeAll(1, bytes, deadline), stderr: writeAll(2, bytes, deadline) }
}
