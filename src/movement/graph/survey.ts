import type { Codec } from '../../transport/codec.ts'
import type { FoundName, PolicyInForce } from '../capture-policy.ts'
import type { Captures } from '../collect.ts'
import type { AnyFunction } from '../function-source.ts'
import type { LiveCode } from '../live/live-code.ts'
import type { Reading } from '../live/reading.ts'
import type { BindingGroup } from './binding-order.ts'
import type { Content } from './content.ts'
import { Surveyor } from './surveyor.ts'

/** What a call has found that the worker has to hold: a variable of a module, or a function or class by itself. */
export interface BindingUse {
  readonly id: number
  readonly kind: 'global' | 'constant' | 'function' | 'class' | 'capture'
  /** Empty for what is no variable of a module. */
  readonly module: string
  readonly name: string
  readonly isConstant: boolean
  /** It is what it is: another value under this name is another variable. */
  readonly isSettled: boolean
  readonly content: Content
  /** Bindings whose values become part of its own. */
  readonly needs: readonly number[]
  /** When all of these are gone, nobody can refer to it any more; none for a variable of a module. */
  readonly owners: readonly WeakRef<object>[]
  /** What is in it that stays where it is. */
  readonly live: readonly object[]
  /** Where it is used, for messages. */
  readonly path: string
  readonly code: LiveCode | undefined
  /** The code whose name it is. */
  readonly user: LiveCode | undefined
}

/** Everything that goes along with one function. */
export interface Survey {
  readonly name: string
  readonly code: LiveCode | undefined
  readonly content: Content
  /** Made anew for each call: it has captured values. */
  readonly isFresh: boolean
  readonly codes: readonly LiveCode[]
  /** Each after those it needs, as far as that is possible. */
  readonly bindings: readonly BindingUse[]
  /** The same; those that need each other together. */
  readonly groups: readonly BindingGroup[]
  /** Names of captured values of the function itself. */
  readonly captured: readonly string[]
  /** Every name that was found: for a policy that comes later. */
  readonly names: readonly FoundName[]
  /** Nothing in it can change, so that it need not be made again. */
  readonly isSettled: boolean
  /** Its bytes are those for every worker: nothing in it stays where it is. */
  readonly isPortable: boolean
}

/** How a function is looked at. */
export interface SurveyOptions {
  readonly codec: Codec
  readonly given: Captures
  /** What a name has to pass before its value is looked at. */
  readonly policy: PolicyInForce
  /** The function itself, if it has been read. */
  readonly reading: Reading | undefined
}

/**
 * Finds all that a function refers to, and reads its value.
 * @throws {CaptureError} for what can't go, or may not
 */
export function survey(fn: AnyFunction, path: string, options: SurveyOptions): Survey {
  for (let round = 1; ; round++) {
    const found = new Surveyor(options, round).survey(fn, path)
    if (found !== undefined) return found
  }
}
