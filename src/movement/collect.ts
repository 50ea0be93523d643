import { compilerHelpers } from './compiler-shims.ts'
import type { FreeName } from './free-names.ts'
import { type AnyFunction, type FunctionSource, readFunction, readText } from './function-source.ts'
import { additionRefusal, deletionRefusal, otherRealmFunctionRefusal } from './graph/capture-refusals.ts'
import { isOfOtherRealm } from './graph/other-realm.ts'
import { changeablePrivateField } from './graph/static-private.ts'
import { deletedMember, firstAddition } from './graph/function-properties.ts'
import { isKnownGlobal, isLaterGlobal } from './known-globals.ts'
import { missingNames, refuseImportMeta } from './refusals.ts'

/** A function or class of a shipment, with the names that the parts use for it. */
export interface CollectedPart {
  readonly read: FunctionSource
  readonly bindings: string[]
}

/** Everything that has to go along with a function. */
export interface Collected {
  readonly main: CollectedPart
  readonly helpers: readonly CollectedPart[]
  readonly captureNames: readonly string[]
  /** Equal for shipments with equal definitions in this process; cheap to make. */
  readonly signature: string
  /** What was looked up in `captures`, and what was found: the same again leads to the same. */
  readonly lookups: readonly Lookup[]
}

/** A name and what `captures` had for it: nothing, a value (whichever), or this very function. */
export interface Lookup {
  readonly name: string
  readonly found: 'nothing' | 'value' | AnyFunction
}

function lookUp(name: string, captures: Captures): Lookup['found'] {
  if (!Object.hasOwn(captures, name)) return 'nothing'
  const value = captures[name]
  return typeof value === 'function' ? (value as AnyFunction) : 'value'
}

/** Whether `captures` would lead to what they led to before. */
export function leadsToTheSame(lookups: readonly Lookup[], captures: Captures): boolean {
  return lookups.every(({ name, found }) => lookUp(name, captures) === found)
}

/** Values, functions and classes that are given to a function by the names it uses for them. */
export type Captures = Readonly<Record<string, unknown>>

/**
 * Follows the free names of a function through `captures`: what they lead to, and what that refers to in turn.
 * @throws {CaptureError} for a name that leads nowhere, with the way to it
 */
export function collect(fn: AnyFunction, read: FunctionSource, path: string, captures: Captures): Collected {
  return new Collection(fn, read, path, captures).complete()
}

class Collection {
  readonly #captures: Captures
  readonly #parts: CollectedPart[] = []
  readonly #paths: string[] = []
  readonly #indexOf = new Map<AnyFunction, number>()
  readonly #resolved = new Set<string>()
  readonly #captureNames: string[] = []
  readonly #lookups: Lookup[] = []
  #signature: string

  constructor(fn: AnyFunction, read: FunctionSource, path: string, captures: Captures) {
    this.#captures = captures
    this.#indexOf.set(fn, 0)
    this.#parts.push({ read, bindings: [] })
    this.#paths.push(path)
    this.#signature = `#${read.id}`
  }

  complete(): Collected {
    for (let index = 0; index < this.#parts.length; index++) this.#follow(index)
    const [main, ...helpers] = this.#parts as [CollectedPart, ...CollectedPart[]]
    return {
      main,
      helpers,
      captureNames: this.#captureNames,
      signature: this.#signature,
      lookups: this.#lookups,
    }
  }

  #follow(index: number): void {
    const { read } = this.#parts[index] as CollectedPart
    const path = this.#paths[index] as string
    refuseImportMeta(read.analysis, path)
    const [first, ...others] = read.analysis.freeNames.filter((free) => !this.#resolve(free, path))
    if (first !== undefined) throw missingNames([first, ...others], path)
  }

  /** Whether the name means something over there. `eval` always does: a captured one could not be told apart. */
  #resolve({ name, isTypeofOnly }: FreeName, path: string): boolean {
    if (this.#resolved.has(name) || name === 'eval') return true
    const found = lookUp(name, this.#captures)
    this.#lookups.push({ name, found })
    if (found !== 'nothing') {
      this.#capture(name, found, `${path} → ${name}`)
      return true
    }
    if (isTypeofOnly || isKnownGlobal(name) || isLaterGlobal(name)) return true
    const helper = compilerHelpers.get(name)
    if (helper === undefined) return false
    this.#addPart(name, readText(helper, name, false, name), `${path} → ${name}`)
    return true
  }

  #capture(name: string, fn: 'value' | AnyFunction, path: string): void {
    if (fn === 'value') {
      this.#resolved.add(name)
      this.#captureNames.push(name)
      this.#signature += `;${name}`
      return
    }
    const index = this.#indexOf.get(fn)
    if (index === undefined) {
      this.#indexOf.set(fn, this.#parts.length)
      const read = readFunction(fn, path)
      if (isOfOtherRealm(fn)) throw otherRealmFunctionRefusal(path)
      const addition = firstAddition(fn, read)
      if (addition !== undefined) throw additionRefusal(path + addition)
      const deleted = deletedMember(fn, read)
      if (deleted !== undefined) throw deletionRefusal(path + deleted)
      const lost = changeablePrivateField(read, path)
      if (lost !== undefined) throw lost
      this.#addPart(name, read, path)
      return
    }
    this.#resolved.add(name)
    this.#parts[index]?.bindings.push(name)
    this.#signature += `;${name}=@${index}`
  }

  #addPart(name: string, read: FunctionSource, path: string): void {
    this.#resolved.add(name)
    this.#parts.push({ read, bindings: [name] })
    this.#paths.push(path)
    this.#signature += `;${name}=#${read.id}`
  }
}
