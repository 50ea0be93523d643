import { builtinModules } from 'node:module'
import { types } from 'node:util'
import { type AnyFunction, isNativeText } from '../function-source.ts'
import { isKnownGlobal, isLanguageGlobal } from '../known-globals.ts'

const isThing = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'

const lazyGlobals = new Set(['process', 'Buffer', 'performance', 'fetch', 'crypto', 'console'])
let intrinsics: Map<object, readonly string[]> | undefined

function collectIntrinsics(): Map<object, readonly string[]> {
  const paths = new Map<object, readonly string[]>()
  const add = (value: unknown, path: readonly string[]): void => {
    if (isThing(value) && !paths.has(value)) paths.set(value, path)
  }
  add(globalThis, ['globalThis'])
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    if (!isKnownGlobal(name)) continue
    const { value, get } = Object.getOwnPropertyDescriptor(globalThis, name) ?? {}
    const thing: unknown = get !== undefined && lazyGlobals.has(name) ? Reflect.get(globalThis, name) : value
    if (!isThing(thing)) continue
    add(thing, [name])
    // The known ones are added by name; the others somebody has put there.
    if (thing === globalThis) continue
    addMembers(thing, [name], add)
    if (typeof thing !== 'function') continue
    const prototype: unknown = Object.getOwnPropertyDescriptor(thing, 'prototype')?.value
    add(prototype, [name, 'prototype'])
    if (isThing(prototype)) addMembers(prototype, [name, 'prototype'], add)
  }
  return paths
}

function addMembers(
  thing: object,
  path: readonly string[],
  add: (value: unknown, path: readonly string[]) => void,
): void {
  for (const key of Object.getOwnPropertyNames(thing)) {
    const value: unknown = Object.getOwnPropertyDescriptor(thing, key)?.value
    if (typeof value !== 'function') continue
    // What the engine made is native; what is not, somebody has put there.
    if (isLanguageGlobal(path[0]!) && !isNativeText(value as AnyFunction)) continue
    add(value, [...path, key])
  }
}

/** The way to something that every process has, from its global object. */
export function intrinsicPath(value: object): readonly string[] | undefined {
  intrinsics ??= collectIntrinsics()
  return intrinsics.get(value)
}

/** A thing of a module of Node.js: which module, and the export; `*` for the module itself, `* as` for its namespace. */
export type BuiltinPlace = readonly [module: string, name: string]

let builtins: Map<object, BuiltinPlace> | undefined
const notLooked = /^(?:_|sys$|punycode|wasi|inspector|trace_events|test|sqlite|sea|domain|repl|cluster)/

/** What is reached by a module of Node.js and is another thing in each process: the module that it was started with. */
const isOfProgram = (module: string, key: string): boolean => module === 'process' && key === 'mainModule'

function collectBuiltins(): Map<object, BuiltinPlace> {
  const places = new Map<object, BuiltinPlace>()
  for (const name of builtinModules) {
    if (notLooked.test(name)) continue
    const module = process.getBuiltinModule(`node:${name}`) as unknown
    if (!isThing(module)) continue
    if (!places.has(module)) places.set(module, [`node:${name}`, '*'])
    for (const key of Object.keys(module)) {
      if (isOfProgram(name, key)) continue
      const value: unknown = Object.getOwnPropertyDescriptor(module, key)?.value
      if (isThing(value) && !places.has(value)) places.set(value, [`node:${name}`, key])
    }
  }
  return places
}

/** Where a function, class or object of Node.js itself is exported. */
export function builtinPlace(value: object): BuiltinPlace | undefined {
  builtins ??= collectBuiltins()
  return builtins.get(value) ?? namespacePlace(value, builtins)
}

/** The namespace of a module of Node.js, as `import` gives it, or as `namespaceOf` has made it for a worker. */
function namespacePlace(value: object, places: ReadonlyMap<object, BuiltinPlace>): BuiltinPlace | undefined {
  if (typeof value === 'function' || types.isProxy(value)) return undefined
  const module: unknown = Object.getOwnPropertyDescriptor(value, 'default')?.value
  if (!isThing(module)) return undefined
  const [name, member] = places.get(module) ?? []
  if (name === undefined || member !== '*') return undefined
  return Object.keys(module).every((key) => Object.hasOwn(value, key)) ? [name, '* as'] : undefined
}
