import type { LaunchRequest } from '../launcher.ts'

/** In place of a worker's first argument: be a relay instead. */
export const relayArgument = '--maltster-relay'

/** The channels between host and relay. */
export const relayChannel = { control: 0, data: 1, stdout: 2, stderr: 3 } as const
export const relayChannelCount = 4

/** What the host tells a relay. `launch` comes first, and once. */
export type RelayRequest =
  | { readonly type: 'launch'; readonly request: LaunchRequest }
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals }

/** What a relay tells the host: `failed`, or `started` and later `exited`. */
export type RelayReport =
  | { readonly type: 'started'; readonly pid: number | undefined }
  | { readonly type: 'failed'; readonly code: string | undefined; readonly message: string }
  | { readonly type: 'exited'; readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }
