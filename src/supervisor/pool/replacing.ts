import type { Clock } from '../../transport/clock.ts'
import type { Crew } from './crew.ts'
import { pause } from './pause.ts'

/** How often a process is started in place of another before that is given up, and the first wait between. */
const attempts = 5
const firstDelayMs = 100

/**
 * Puts another process in place of a member's, on purpose. A start that fails is tried again, since no supervisor does
 * that: it takes a start that was asked for as the asker's business.
 * @param isWanted - asked before each attempt
 * @returns why it can't be done; undefined if it is, or is not wanted any more
 */
export async function replaceMember(
  crew: Crew,
  id: string,
  isWanted: () => boolean,
  clock: Clock,
): Promise<unknown> {
  let failure: unknown
  for (let attempt = 1; attempt <= attempts && isWanted(); attempt++) {
    try {
      await crew.replace(id)
      return undefined
    } catch (error) {
      failure = error
      if (attempt < attempts) await pause(firstDelayMs * 2 ** (attempt - 1), [], clock)
    }
  }
  return isWanted() ? failure : undefined
}
