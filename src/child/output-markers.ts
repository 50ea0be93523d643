import { writeSync } from 'node:fs'

/** How long a marker may wait for room in a pipe whose reader is slow. */
const patienceMs = 5_000
const pauseMs = 2

// Taken before user code can replace them.
const { from } = Buffer
const now = performance.now.bind(performance)
const { wait } = Atomics
const { process } = globalThis

/** A cell that nobody ever wakes. */
const pause = new Int32Array(new SharedArrayBuffer(4))

function writeAll(fd: number, bytes: Uint8Array): boolean {
  const deadline = now() + patienceMs
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes, at)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || now() > deadline) return false
      wait(pause, 0, 0, pauseMs)
    }
  }
  return true
}

/** What the user's stream still holds; pipes are written at once, so it is nearly always nothing. */
async function flushed(read: () => NodeJS.WriteStream): Promise<void> {
  try {
    const stream = read()
    if (!(stream.writableLength > 0) || stream.destroyed) return
    await new Promise<void>((resolve) => {
      setTimeout(resolve, patienceMs).unref()
      stream.write('', () => resolve())
    })
  } catch {
    // Replaced by something that is no stream: then it holds nothing of ours.
  }
}

/**
 * Writes a marker to stdout and stderr, behind all that was printed before.
 * @returns where it could be written: a descriptor may have been closed
 */
export async function writeMarkers(marker: Uint8Array): Promise<{ stdout: boolean; stderr: boolean }> {
  await flushed(() => process.stdout)
  await flushed(() => process.stderr)
  const bytes = from(marker)
  return { stdout: writeAll(1, bytes), stderr: writeAll(2, bytes) }
}
