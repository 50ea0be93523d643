import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * `running` includes sleeping: it has code to run. `stopped` is SIGSTOP or a debugger. `zombie` has ended and
 * waits to be reaped. `gone`: no such process.
 */
export type ProcessState = 'running' | 'stopped' | 'zombie' | 'gone'

/** What /proc tells about one process. */
export interface ProcessInfo {
  readonly pid: number
  readonly command: string
  readonly state: ProcessState
  readonly parent: number
  readonly group: number
}

/** Whether this system has what these functions read. Elsewhere they throw: they never guess. */
export const hasProcFs = process.platform === 'linux'

/** Reads /proc/<pid>/stat, or answers `undefined` if there is no such process. */
function processInfo(pid: number): ProcessInfo | undefined {
  requireProcFs()
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

/** Parses a stat line. The name is in parentheses and may itself hold parentheses, spaces and line ends. */
export function parseStat(line: string): ProcessInfo {
  const nameEnd = line.lastIndexOf(')')
  const nameStart = line.indexOf('(')
  const [letter = '', parent = '', group = ''] = line.slice(nameEnd + 2).split(' ')
  return {
    pid: Number(line.slice(0, nameStart)),
    command: line.slice(nameStart + 1, nameEnd),
    state: stateOf(letter),
    parent: Number(parent),
    group: Number(group),
  }
}

/** What the process does now. */
export function processState(pid: number): ProcessState {
  return processInfo(pid)?.state ?? 'gone'
}

/** All processes below `pid`, nearest first, zombies included. One whose parent died is no longer below it. */
export function descendants(pid: number): ProcessInfo[] {
  requireProcFs()
  const all = allProcesses()
  const found: ProcessInfo[] = []
  let parents = [pid]
  while (parents.length > 0) {
    const children = all.filter((info) => parents.includes(info.parent))
    found.push(...children)
    parents = children.map((child) => child.pid)
  }
  return found
}

/**
 * Resolves once the process has ended: it is gone, or a zombie that only waits for its parent. How soon that is on a machine
 * that has time is measured by `stress:orphans`; here the machine may be busy.
 * @throws {Error} when it has not after `limitMs`, default 10 s
 */
export async function waitUntilGone(pid: number, limitMs = 10_000): Promise<void> {
  const gone = (): boolean => ['gone', 'zombie'].includes(processState(pid))
  if (!(await pollUntil(gone, limitMs))) {
    const { command, state } = processInfo(pid) ?? { command: '?', state: 'gone' }
    throw new Error(`expected process ${pid} (${command}) to be gone within ${limitMs} ms; it is ${state}`)
  }
}

/** Asks again and again, at least once after the limit too, and answers whether it became true. */
export async function pollUntil(isDone: () => boolean, limitMs: number): Promise<boolean> {
  const endsAt = performance.now() + limitMs
  for (;;) {
    const isLast = performance.now() >= endsAt
    if (isDone()) return true
    if (isLast) return false
    await delay(10)
  }
}

function allProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => processInfo(Number(name)))
    .filter((info) => info !== undefined)
}

function stateOf(letter: string): ProcessState {
  if (letter === 'Z') return 'zombie'
  if (letter === 'X' || letter === 'x') return 'gone'
  return letter === 'T' || letter === 't' ? 'stopped' : 'running'
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')
}

function requireProcFs(): void {
  if (!hasProcFs)
    throw new Error(`test/support/processes.ts reads /proc, which ${process.platform} doesn't have`)
}
