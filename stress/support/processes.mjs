import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** @typedef {{ pid: number, command: string, letter: string, parent: number, startedAt: string }} Seen */

/** Without /proc nothing here can be known, and it does not guess. */
export const hasProcFs = process.platform === 'linux'

/**
 * What /proc/<pid>/stat tells; undefined if there is no such process. The name in it may hold anything.
 * @param {number} pid
 * @returns {Seen | undefined}
 */
export function look(pid) {
  const line = textOf(`/proc/${pid}/stat`)
  if (line === undefined) return undefined
  const nameEnd = line.lastIndexOf(')')
  const fields = line.slice(nameEnd + 2).split(' ')
  return {
    pid,
    command: line.slice(line.indexOf('(') + 1, nameEnd),
    letter: fields[0] ?? '?',
    parent: Number(fields[1]),
    startedAt: fields[19] ?? '',
  }
}

/** A zombie has ended and only waits to be reaped. @param {Seen} seen */
export const isAlive = ({ letter }) => !['Z', 'X', 'x'].includes(letter)

const pids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

/**
 * Every living process that has this in its environment, whoever its parent is by now.
 * @param {string} marker `NAME=value`
 */
export function marked(marker) {
  return pids()
    .filter((pid) => (textOf(`/proc/${pid}/environ`) ?? '').split('\0').includes(marker))
    .map(look)
    .filter((seen) => seen !== undefined)
    .filter(isAlive)
}

/** Is the very process that was seen before still alive? A number may be given to another one. @param {Seen} seen */
export function isStillAlive({ pid, startedAt }) {
  const now = look(pid)
  return now !== undefined && now.startedAt === startedAt && isAlive(now)
}

/** The children of this process, zombies included. */
export const children = () =>
  pids()
    .map(look)
    .filter((seen) => seen?.parent === process.pid)
    .filter((seen) => seen !== undefined)

/** What this process has open, but not what listing that opens. */
export function descriptors() {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`]
    } catch {
      return []
    }
  })
}

/** @param {number} pid */
export const commandLine = (pid) => (textOf(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').slice(0, 160)

/** @param {string} path */
function textOf(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
