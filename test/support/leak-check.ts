import { readdirSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { descendants, hasProcFs, pollUntil } from './processes.ts'
import { pendingTimers, watchTimers } from './timer-watch.ts'

/** Names in the temporary directory that are ours: sockets, and the folders they are in. */
const ownPrefix = 'maltster-'

/** Everything that can be left behind, as a line of text for each thing, with how often it is there. */
type Snapshot = ReadonlyMap<string, number>

/**
 * Takes a snapshot of what this process holds: its descendants (zombies too), open descriptors, what keeps the
 * event loop alive (handles, requests, timers of the global functions) and our files in the temporary directory.
 *
 * A process whose parent died is nobody's descendant: a test that makes such a one must wait for its pid, by
 * `waitUntilGone`. Unreferenced timers and unreferenced handles without a descriptor are not seen.
 *
 * @param limitMs - how long what was started may take to go away before it counts as left
 * @returns a function that waits, `limitMs` at most, until nothing is there that was not there before
 * @throws {Error} from that function, with a line for each thing that was left; left processes are then killed
 */
export function leakCheck(limitMs = 10_000): () => Promise<void> {
  if (!hasProcFs)
    console.warn(`leak check: on ${process.platform} processes and descriptors are not looked at`)
  settleLazyDescriptors()
  watchTimers()
  const before = snapshot()
  const isBack = (): boolean => leftovers(before).length === 0
  return async function expectNoLeaks(): Promise<void> {
    if (await pollUntil(isBack, limitMs)) return
    const left = leftovers(before)
    if (left.length === 0) return
    killDescendants(before)
    throw new Error(`left behind after ${limitMs} ms:\n${left.map((line) => `  ${line}`).join('\n')}`)
  }
}

/**
 * Installs the leak check around each test, or, for tests that share a worker, around all tests of the file. Call
 * it at the top of a file, before other hooks: its checks then run after them.
 */
export function useLeakCheck(around: 'each-test' | 'file' = 'each-test'): void {
  const [before, after] = around === 'file' ? [beforeAll, afterAll] : [beforeEach, afterEach]
  let expectNoLeaks: (() => Promise<void>) | undefined
  before(() => {
    expectNoLeaks = leakCheck()
  })
  after(async () => {
    await expectNoLeaks?.()
  })
}

function snapshot(): Snapshot {
  const counts = new Map<string, number>()
  for (const thing of [...processes(), ...descriptors(), ...resources(), ...files()]) {
    counts.set(thing, (counts.get(thing) ?? 0) + 1)
  }
  return counts
}

function leftovers(before: Snapshot): string[] {
  return [...snapshot()].flatMap(([thing, count]) => {
    const more = count - (before.get(thing) ?? 0)
    return more > 0 ? [more === 1 ? thing : `${thing} (${more} times)`] : []
  })
}

function processes(): string[] {
  if (!hasProcFs) return []
  return descendants(process.pid).map(processLine)
}

function processLine({ pid, command, state }: { pid: number; command: string; state: string }): string {
  return state === 'zombie' ? `zombie ${pid} (${command})` : `process ${pid} (${command})`
}

function descriptors(): string[] {
  if (!hasProcFs) return []
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`descriptor ${fd} (${readlinkSync(`/proc/self/fd/${fd}`)})`]
    } catch {
      return [] // The descriptor that listed the others.
    }
  })
}

function resources(): string[] {
  const timers = pendingTimers().map(
    ({ id, delayMs, setAt }) => `timer ${id} of ${delayMs ?? 1} ms, set ${setAt}`,
  )
  const types = process.getActiveResourcesInfo().filter((type) => type !== 'Timeout' && type !== 'Immediate')
  return [...timers, ...types.map((type) => `active ${type}`)]
}

function files(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(ownPrefix))
    .map((name) => `file ${name} in the temporary directory`)
}

let hasSettledStreams = false

/**
 * A loop opens some descriptors when it first needs them, and keeps them: a pipe for signals, which children need as well,
 * and `/dev/null` with the first stream, as a reserve (in a thread that is the first worker's; a process has had others).
 */
function settleLazyDescriptors(): void {
  process.once('SIGWINCH', ignored).off('SIGWINCH', ignored)
  if (hasSettledStreams) return
  hasSettledStreams = true
  createServer().listen().close()
}

function killDescendants(before: Snapshot): void {
  if (!hasProcFs) return
  for (const child of descendants(process.pid).filter((info) => !before.has(processLine(info)))) {
    try {
      process.kill(child.pid, 'SIGKILL')
    } catch {
      // It ended in between.
    }
  }
}

function ignored(): void {
  // Only there to have been registered.
}
