import { readFileSync } from 'node:fs'

import type { MemoryLimit } from '../../actors/crash-report.ts'
import type { ExitReason } from '../../errors/exit-reason.ts'
import { type HostProcess, hostProcesses } from '../host-processes.ts'

/** How often the processes are looked at, and how many of them at most in one go. */
const lookEveryMs = 1000
const maxLooks = 100

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Takes note of the most memory that a process has had so far. Only Linux tells it without asking the process. */
export function notePeak(one: HostProcess): void {
  const { pid } = one.incarnation.process
  if (!one.isLocal || pid === undefined || process.platform !== 'linux') return
  const peak = /^VmHWM:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`) ?? '')?.[1]
  if (peak !== undefined) one.memoryPeakBytes = Math.max(one.memoryPeakBytes ?? 0, Number(peak) * 1024)
}

let nextLook = 0
let timer: NodeJS.Timeout | undefined

/** Looks at the processes from time to time, for as long as there are any. */
export function watchMemory(): void {
  if (timer !== undefined || process.platform !== 'linux') return
  timer = setInterval(() => {
    const all = [...hostProcesses()]
    if (all.length === 0) {
      clearInterval(timer)
      timer = undefined
    }
    for (let looks = 0; looks < Math.min(maxLooks, all.length); looks++) {
      nextLook = (nextLook + 1) % all.length
      notePeak(all[nextLook]!)
    }
  }, lookEveryMs).unref()
}

const ownGroup = /^0::(\/.*)$/m.exec(textOf('/proc/self/cgroup') ?? '')?.[1]

/** How many processes of this control group the system has killed for want of memory so far. */
export function systemKills(): number | undefined {
  const text = ownGroup === undefined ? undefined : textOf(`/sys/fs/cgroup${ownGroup}/memory.events`)
  const count = /^oom_kill (\d+)$/m.exec(text ?? '')?.[1]
  return count === undefined ? undefined : Number(count)
}

const heapWords = /heap out of memory|OOM error in V8|allocation failed - JavaScript heap/i

/**
 * Which limit of memory a process ran into, if it did.
 * @param killsBefore - what `systemKills` said when nothing had happened
 */
export function memoryLimitOf(
  { type, signal, stderrTail }: ExitReason,
  killsBefore: number | undefined,
  killsNow: number | undefined,
): MemoryLimit | undefined {
  if (type === 'out-of-memory') return heapWords.test(stderrTail) ? 'heap' : 'limit'
  const wasKilledBySystem = (killsNow ?? 0) > (killsBefore ?? Infinity)
  return type === 'signal' && signal === 'SIGKILL' && wasKilledBySystem ? 'system' : undefined
}
