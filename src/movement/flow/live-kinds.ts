import { liveKind } from '../../transport/live-values.ts'
import { channelKind } from './channel.ts'
import type { ImportKind } from './imports.ts'
import { functionKind } from './remote-functions.ts'

/** What stands on one side of a lane for the live values of the other, by kind. */
export const liveKinds: Readonly<Record<number, ImportKind>> = {
  [liveKind.channel]: channelKind,
  [liveKind.function]: functionKind,
}
