import type { Session } from '../movement/session/session.ts'

/** Makes the session of a worker; called at most once, when it is needed. */
export type LoadSession = () => Session

/** The session, made at the first use: most workers never need a parser. */
export function sessionOnDemand(load: LoadSession): () => Session {
  let session: Session | undefined
  return () => (session ??= load())
}
