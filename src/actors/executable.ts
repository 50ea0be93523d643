import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

/** Why a process can't be started, found before trying: the system blames the binary for a missing directory. */
export interface StartObstacle {
  readonly code: string
  readonly message: string
}

const errorCode = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'UNKNOWN'

/** Whether the working directory is one. */
function directoryObstacle(cwd: string): StartObstacle | undefined {
  try {
    if (statSync(cwd).isDirectory()) return undefined
    return { code: 'ENOTDIR', message: `its \`cwd\` is not a directory: ${cwd}` }
  } catch (error) {
    return { code: errorCode(error), message: `its \`cwd\` can't be entered (${errorCode(error)}): ${cwd}` }
  }
}

/** The absolute path of an executable, as a shell would find it, or why there is none. */
function findExecutable(execPath: string, searchPath: string, cwd: string): string | StartObstacle {
  const isPath = /[/\\]/.test(execPath)
  const candidates = isPath
    ? [resolve(cwd, execPath)]
    : searchPath.split(delimiter).map((directory) => join(directory || '.', execPath))
  let code = 'ENOENT'
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK)
      if (statSync(candidate).isFile()) return candidate
      code = 'EACCES'
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') code = errorCode(error)
    }
  }
  const where = isPath ? execPath : `${execPath} (looked for in PATH)`
  return { code, message: `its \`execPath\` is not an executable file (${code}): ${where}` }
}

/** The absolute path of a worker's executable, or why its process can't be started. */
export function executableOf(options: {
  readonly cwd: string
  readonly execPath: string
  readonly env: Readonly<Record<string, string | undefined>>
}): string | StartObstacle {
  const { cwd, execPath, env } = options
  return directoryObstacle(cwd) ?? findExecutable(execPath, env['PATH'] ?? process.env['PATH'] ?? '', cwd)
}
