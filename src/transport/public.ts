/** The entry `maltster/transport`: how a worker's process begins. */

export { command, type CommandOptions } from './launchers/command.ts'
export type { LaunchedProcess, Launcher, LaunchRequest, ProcessExit } from './launcher.ts'
export type { Transport, TransportReceiver } from './transport.ts'
