import type { Codec } from '../../transport/codec.ts'
import { type AnyFunction, nameOf } from '../function-source.ts'
import type { LiveCode } from '../live/live-code.ts'
import { type Reading, valueOf } from '../live/reading.ts'
import { isAsWritten } from './function-properties.ts'
import type { Survey } from './survey.ts'

/** What a function was found to be, and all that could make it something else the next time. */
interface Found<T> {
  readonly code: LiveCode
  /** The values of its names, in their order; undefined for what the worker imports. */
  readonly values: readonly unknown[]
  readonly name: string
  readonly result: T
}

/** Longer texts are not kept alive for this: their bytes are compared. */
const longestText = 256

/** Whether a value is compared faster than encoded, and is nothing but itself. */
function isComparable(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= longestText
  return (
    value === null || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
  )
}

/**
 * Remembers what was made of functions that refer to nothing but primitive values of variables of modules: as long as
 * those are the same, so is what is made of them. The variables have to be read each time nevertheless.
 */
export class SameAgain<T> {
  readonly #found = new WeakMap<Codec, WeakMap<AnyFunction, Found<T>>>()

  /** What was made of a function when it was as it is now; undefined if it has not been, or can't be compared. */
  find(fn: AnyFunction, { code, scopes }: Reading, codec: Codec): T | undefined {
    const found = this.#found.get(codec)?.get(fn)
    if (found === undefined || found.code !== code) return undefined
    for (let i = 0; i < code.names.length; i++) {
      const { name, from } = code.names[i]!
      if (from !== 'import' && !Object.is(valueOf(name, scopes), found.values[i])) return undefined
    }
    return found.name === nameOf(fn) && isAsWritten(fn, code.read) ? found.result : undefined
  }

  /** Remembers what has just been made of a function, if that can be compared. */
  note(fn: AnyFunction, { code, scopes }: Reading, codec: Codec, survey: Survey, result: T): void {
    const ofCodec = this.#found.get(codec) ?? new WeakMap<AnyFunction, Found<T>>()
    this.#found.set(codec, ofCodec)
    ofCodec.delete(fn)
    // A function alone, that is sent once: anything else may change without a change of its own variables.
    if (code.isClass || survey.isFresh || survey.codes.length !== 1 || !isAsWritten(fn, code.read)) return
    const values: unknown[] = []
    for (const { name, from } of code.names) {
      const value = from === 'import' ? undefined : valueOf(name, scopes)
      if (from === 'captured' || (from === 'binding' && !isComparable(value))) return
      values.push(value)
    }
    ofCodec.set(fn, { code, values, name: nameOf(fn), result })
  }
}
