import type { LaunchRequest } from '../transport/launcher.ts'
import type { ResolvedOptions } from './resolve-options.ts'

/** What a launcher is asked to start. */
export const launchRequestOf = (options: ResolvedOptions, execPath: string): LaunchRequest => ({
  execPath,
  execArgv: options.execArgv,
  entry: options.runtimeEntry,
  argv: options.argv,
  cwd: options.cwd,
  isCwdGiven: options.isCwdGiven,
  inheritEnv: options.inheritEnv,
  env: options.env,
})
