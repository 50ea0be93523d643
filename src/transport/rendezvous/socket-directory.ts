import { lstatSync, mkdtempSync, rmSync, type Stats, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { ownPrefix, sweepOnce } from './stale-directories.ts'

/** Longest path of a socket, in bytes: macOS has room for 103, Linux for 107, and Node.js cuts off silently. */
const maxPathBytes = 103

const socketName = 's'

/** What `mkdtemp` puts in place of these is unguessable. */
const placeholder = 'XXXXXX'

/** A directory of our own for one socket. */
export interface SocketDirectory {
  /** Where the socket is to be. */
  readonly socketPath: string
  /** Removes the directory and what is in it. Idempotent; never throws. */
  remove(): void
}

/** Directories that are there now; removed when the process exits without having removed them. */
const directories = new Set<string>()
let isWatchingExit = false

/**
 * Looks whether a socket could be put there, without making anything: before a process is started, say.
 * @throws {RangeError} if its path would be too long
 * @throws {Error} if others could put something else in its place, or the base isn't there
 */
export function checkSocketBase(base: string = socketBase()): void {
  checkLength(join(base, ownPrefix() + placeholder, socketName))
  checkBase(base)
}

/**
 * Makes a fresh directory that only this user can enter.
 * @param base - where; default: `socketBase()`
 * @throws {RangeError} if the path of a socket in it would be too long
 * @throws {Error} if what is there then isn't a directory that only this user can enter
 */
export function makeSocketDirectory(base: string = socketBase()): SocketDirectory {
  checkSocketBase(base)
  sweepOnce(base)
  const directory = mkdtempSync(join(base, ownPrefix()))
  directories.add(directory)
  if (!isWatchingExit) process.on('exit', removeAll)
  isWatchingExit = true
  checkPrivate(directory)
  return { socketPath: join(directory, socketName), remove: () => remove(directory) }
}

/** The user's own runtime directory, if it is one; else the temporary directory. */
export function socketBase(runtimeDirectory: string | undefined = process.env['XDG_RUNTIME_DIR']): string {
  if (runtimeDirectory === undefined || !isAbsolute(runtimeDirectory)) return tmpdir()
  try {
    return privacyFault(lstatSync(runtimeDirectory)) === undefined ? runtimeDirectory : tmpdir()
  } catch {
    return tmpdir()
  }
}

/**
 * Looks whether a path is a directory, itself and not by a link, that only this user can enter.
 * @throws {Error} if not; it names the path
 */
export function checkPrivate(directory: string): void {
  const fault = privacyFault(lstatSync(directory))
  if (fault === undefined) return
  throw new Error(
    `Refused to put a socket into ${directory}: it ${fault}. Point TMPDIR at a directory of your own`,
  )
}

function privacyFault(stats: Stats): string | undefined {
  if (stats.isSymbolicLink()) return 'is a symbolic link'
  if (!stats.isDirectory()) return 'is no directory'
  const uid = process.geteuid?.()
  if (stats.uid !== uid) return `belongs to user ${stats.uid}, and this is user ${uid}`
  const mode = stats.mode & 0o777
  return mode === 0o700 ? undefined : `has mode ${mode.toString(8)} in place of 700`
}

function checkLength(path: string): void {
  const byteLength = Buffer.byteLength(path)
  if (byteLength <= maxPathBytes) return
  throw new RangeError(
    `The path of the socket, ${path}, has ${byteLength} bytes, and ${maxPathBytes} is the most that every system ` +
      'takes: set TMPDIR to a shorter directory, or use the transport `pipe`',
  )
}

/** Where everybody may write and nothing is sticky, others can put something else in the place of what is ours. */
function checkBase(base: string): void {
  const { mode } = statSync(base)
  if ((mode & 0o002) === 0 || (mode & 0o1000) !== 0) return
  throw new Error(
    `Refused to put a socket into ${base}: every user may rename what is in it. ` +
      'Set its sticky bit (chmod +t), or point TMPDIR at a directory of your own',
  )
}

function remove(directory: string): void {
  directories.delete(directory)
  try {
    rmSync(directory, { recursive: true, force: true })
  } catch {
    // Somebody else's doing; the next sweep tries again.
  }
}

function removeAll(): void {
  for (const directory of directories) remove(directory)
}
