import type { Session } from '../movement/session/session.ts'
import { loadBundledText } from './bundled-text.ts'
import { hideOwnFrames } from './own-frames.ts'
import { sessionSource } from './session-source.ts'

/** What the session's own code is called in stacks, to be left out of them. */
export const sessionLabel = '[maltster session]'

/** Makes the session of this process: its default scope are the globals. */
export function loadSession(): Session {
  const bundled = loadBundledText<typeof import('../movement/session/session.ts')>(
    sessionSource,
    sessionLabel,
  )
  hideOwnFrames([__filename, sessionLabel])
  return new bundled.Session({ defaultScope: 'global' })
}
