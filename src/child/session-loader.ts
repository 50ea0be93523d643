import type { Session } from '../movement/session/session.ts'
import { loadBundledText } from './bundled-text.ts'
import { sessionSource } from './session-source.ts'

/** Makes the session of this process: its default scope are the globals. */
export function loadSession(): Session {
  const bundled = loadBundledText<typeof import('../movement/session/session.ts')>(sessionSource)
  return new bundled.Session({ defaultScope: 'global' })
}
