import type { LaunchRequest } from '../transport/launcher.ts'
import type { ResolvedOptions } from './resolve-options.ts'

/** What a launcher is to start for these options. */
export function launchRequest(options: ResolvedOptions, execPath: string): LaunchRequest {
  const { execArgv, runtimeEntry: entry, argv, cwd, isCwdGiven, inheritEnv, env } = options
  return { execPath, execArgv, entry, argv, cwd, isCwdGiven, inheritEnv, env }
}
