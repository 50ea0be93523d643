import type { AnyFunction } from '../function-source.ts'
import type { LiveCode, LiveName } from '../live/live-code.ts'

let lastId = 0

/** Names of codes that stand for an object, and for which members of it only; empty for all. */
const parts = new WeakMap<LiveCode, Map<string, string>>()

/** A name of a code stands for an object of its own, which has but these members. What was said first holds: the code may be sent. */
export function holdsMembers(
  code: LiveCode,
  { name }: LiveName,
  members: Iterable<string> | undefined,
): void {
  const ofCode = parts.get(code) ?? new Map<string, string>()
  parts.set(code, ofCode)
  if (!ofCode.has(name))
    ofCode.set(name, members === undefined ? '' : JSON.stringify([...members].toSorted()))
}

/** The number of the variable of a module that a name stands for there. */
export function variableId(code: LiveCode, { name, home }: LiveName): number {
  const key = home === undefined ? `${code.module}#${name}` : `${home.module}#${home.name}`
  return bindingId(`${key}${parts.get(code)?.get(name) ?? ''}`)
}

const byKey = new Map<string, number>()
const byObject = new WeakMap<object, number>()

/** The number of a variable, the same in all workers of this host; never used twice. */
export function bindingId(key: string): number {
  const known = byKey.get(key)
  if (known !== undefined) return known
  byKey.set(key, ++lastId)
  return lastId
}

/** The number of a function or class that is held by itself. */
export const functionId = (fn: AnyFunction): number => bindingIdOf(fn)

/** The number of what is held by itself, whatever refers to it. */
export function bindingIdOf(object: object): number {
  const known = byObject.get(object)
  if (known !== undefined) return known
  byObject.set(object, ++lastId)
  return lastId
}

const cellsOf = new WeakMap<AnyFunction, Map<string, number>>()

/** The number of a variable that a function has captured, and which others share. */
export function cellId(fn: AnyFunction, name: string): number {
  const cells = cellsOf.get(fn) ?? new Map<string, number>()
  cellsOf.set(fn, cells)
  const id = cells.get(name) ?? ++lastId
  cells.set(name, id)
  return id
}

const references = new WeakMap<object, WeakRef<object>>()

/** Tells whether an object is still there, without keeping it. */
export function weakly(object: object): WeakRef<object> {
  const reference = references.get(object) ?? new WeakRef(object)
  references.set(object, reference)
  return reference
}
