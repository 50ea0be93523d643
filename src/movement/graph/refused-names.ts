import { CaptureError } from '../../errors/data-errors.ts'
import type { SourcePlace } from '../definition.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'
import type { BindingUse } from './survey.ts'

/** What it was that was refused, for a plan. */
export interface RefusedName {
  readonly kind: BindingUse['kind'] | 'import'
  /** The code that refers to it. */
  readonly place: SourcePlace | undefined
}

const refused = new WeakMap<CaptureError, RefusedName>()

/** What an error is about, where that is a name. */
export const refusedName = (error: CaptureError): RefusedName | undefined => refused.get(error)

/** Reads what a name stands for, and takes note of it if that is refused; the innermost name counts. */
export function notingRefusal(name: LiveName, code: LiveCode, read: () => void): void {
  try {
    read()
  } catch (error) {
    if (error instanceof CaptureError && !refused.has(error)) {
      refused.set(error, { kind: kindOf(name), place: code.place })
    }
    throw error
  }
}

function kindOf({ from, variable }: LiveName): RefusedName['kind'] {
  if (from !== 'binding') return from === 'import' ? 'import' : 'capture'
  const kind = variable?.kind
  if (kind === 'function' || kind === 'class') return kind
  return kind === 'const' || kind === 'import' ? 'constant' : 'global'
}
