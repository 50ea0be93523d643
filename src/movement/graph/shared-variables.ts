import type { AnyFunction } from '../function-source.ts'
import type { LiveName } from '../live/live-code.ts'
import { scopeOf } from '../live/live-code.ts'
import { type Reading, valueIn } from '../live/reading.ts'
import type { LiveScope } from '../live/inspector.ts'
import { cellId, weakly } from './binding-ids.ts'
import { ambiguousRefusal, unprovenRefusal } from './capture-refusals.ts'
import { scopeKey, type Ways } from './reached-by.ts'

/** A captured variable that somebody assigns to, and those who seem to share it. */
export interface SharedVariable {
  readonly name: string
  readonly path: string
  readonly scope: LiveScope
  /** Where that is. */
  readonly place: string
  /** Functions by their code: twice the same code means two scopes that look alike, or one. */
  readonly sharers: Map<number, Set<AnyFunction>>
  /** All of them. */
  readonly owners: WeakRef<object>[]
  isWritten: boolean
  /** Set once it lives in the worker by itself. */
  id: number | undefined
  isInline: boolean
}

/**
 * The number that a variable of a function was given by an earlier call that assigns to it: only there it was shown who
 * shares it. What was refused, or only looked alike, may turn out to be two.
 */
const earlier = new WeakMap<AnyFunction, Map<string, number>>()

/**
 * Tells which functions share a captured variable. V8 hides that; but the same place in the source and the same values
 * in the whole scope are one scope, unless functions of the same text were made several times, or nothing shows that the
 * functions were made together.
 */
export class SharedVariables {
  readonly #byPlace = new Map<string, SharedVariable[]>()
  readonly #ofFunction = new Map<AnyFunction, Map<string, SharedVariable>>()

  find(fn: AnyFunction, name: LiveName, { code, scopes }: Reading, path: string): SharedVariable {
    const scope = scopeOf(name.name, scopes)!
    const key = `${code.script}:${name.variable?.scopeStart ?? scope.kind}:${name.name}`
    const known = this.#ofFunction.get(fn)?.get(key)
    if (known !== undefined) return known
    const list = this.#byPlace.get(key) ?? []
    this.#byPlace.set(key, list)
    let variable = list.find((one) => looksLike(one.scope, scope))
    if (variable === undefined) {
      const id = earlier.get(fn)?.get(key)
      const place = scopeKey(code.script, name.variable)
      variable = {
        name: name.name,
        path,
        scope,
        place,
        sharers: new Map(),
        owners: [],
        // By an earlier call: over there it may have another value than here.
        isWritten: id !== undefined,
        id,
        isInline: false,
      }
      list.push(variable)
    }
    variable.isWritten ||= name.isWritten
    const sharers = variable.sharers.get(code.id) ?? new Set()
    sharers.add(fn)
    variable.owners.push(weakly(fn))
    variable.sharers.set(code.id, sharers)
    remember(this.#ofFunction, fn, key, variable)
    return variable
  }

  /** The number under which a variable lives in the worker by itself. */
  idOf(variable: SharedVariable, fn: AnyFunction): number {
    variable.id ??= cellId(fn, variable.name)
    return variable.id
  }

  /**
   * Remembers what it has found out.
   * @param root - the function that is sent
   * @throws {CaptureError} if who shares a variable with whom can't be known
   */
  check(ways: Ways, root: AnyFunction | undefined): void {
    for (const list of this.#byPlace.values()) {
      for (const { isWritten, sharers, name, path, place } of list) {
        if (!isWritten) continue
        const functions = [...sharers.values()].flatMap((same) => [...same])
        if (functions.length > sharers.size) throw ambiguousRefusal(name, path)
        if (!ways.areTogether(functions, place, root)) throw unprovenRefusal(name, path)
      }
    }
    for (const [key, list] of this.#byPlace) for (const variable of list) rememberId(key, variable)
  }
}

function rememberId(key: string, { id, isWritten, sharers }: SharedVariable): void {
  if (id === undefined || !isWritten) return
  for (const same of sharers.values()) for (const fn of same) remember(earlier, fn, key, id)
}

function remember<T>(
  map: Pick<WeakMap<AnyFunction, Map<string, T>>, 'get' | 'set'>,
  fn: AnyFunction,
  key: string,
  value: T,
): void {
  const ofFunction = map.get(fn) ?? new Map<string, T>()
  ofFunction.set(key, value)
  map.set(fn, ofFunction)
}

function looksLike(one: LiveScope, other: LiveScope): boolean {
  if (one.kind !== other.kind) return false
  const names = Object.keys(one.values)
  return (
    names.length === Object.keys(other.values).length &&
    names.every(
      (name) =>
        Object.hasOwn(other.values, name) &&
        Object.is(valueIn(one.values, name), valueIn(other.values, name)),
    )
  )
}
