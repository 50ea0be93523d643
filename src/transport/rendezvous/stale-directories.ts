import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** `maltster-<pid>-<start time>-<pid namespace>-<random>`, numbers in base 36. */
const namePattern = /^maltster-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]+)-[A-Za-z0-9]{6}$/

const swept = new Set<string>()

/** How the names of our directories begin: they tell whose they are, also after a process id was used again. */
export function ownPrefix(): string {
  return prefixOf(process.pid)
}

/** The same for another process that runs now, and for one that doesn't. */
export function prefixOf(pid: number, startTime: number = startTimeOf(pid) ?? 0): string {
  return `maltster-${[pid, startTime, pidNamespace()].map((number) => number.toString(36)).join('-')}-`
}

/** Sweeps when a base directory is first used by this process. A kill -9 leaves directories behind; this ends that. */
export function sweepOnce(base: string): void {
  if (swept.has(base)) return
  swept.add(base)
  sweepStaleDirectories(base)
}

/** Removes directories of ours whose process is gone. Never throws; never touches what another user owns. */
export function sweepStaleDirectories(base: string): void {
  let names: string[]
  try {
    names = readdirSync(base)
  } catch {
    return
  }
  for (const name of names.filter(isStale)) {
    const directory = join(base, name)
    try {
      const stats = lstatSync(directory)
      if (!stats.isDirectory() || stats.uid !== process.geteuid?.()) continue
      rmSync(directory, { recursive: true, force: true })
    } catch {
      // Another process swept it first.
    }
  }
}

/** Named by us, on this machine and in this container, by a process that has ended. */
function isStale(name: string): boolean {
  const [, pidDigits, startDigits, namespaceDigits] = namePattern.exec(name) ?? []
  if (pidDigits === undefined || startDigits === undefined || namespaceDigits === undefined) return false
  // A container that shares the directory has processes that we can't see.
  if (namespaceDigits !== pidNamespace().toString(36)) return false
  const pid = Number.parseInt(pidDigits, 36)
  if (!Number.isSafeInteger(pid) || pid < 1) return false
  return !isThere(pid) || (startTimeOf(pid) ?? 0).toString(36) !== startDigits
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** Ticks from the start of the machine to that of the process; `undefined` where there is no /proc. */
function startTimeOf(pid: number): number | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program is in parentheses and may hold anything. The start time is field 22.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
    return Number(fields[22 - 3])
  } catch {
    return undefined
  }
}

function pidNamespace(): number {
  try {
    return Number(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? 0)
  } catch {
    return 0
  }
}
