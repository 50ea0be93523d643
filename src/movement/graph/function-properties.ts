import { types } from 'node:util'
import { propertyStep } from '../../transport/codec/path.ts'
import type { AnyFunction, FunctionSource } from '../function-source.ts'
import { classMembers } from './class-members.ts'

type Key = string | symbol

/** Own properties that each function has by itself. */
const standardProperties = new Set<Key>(['length', 'name', 'prototype', 'arguments', 'caller'])

/** Whether somebody has set properties of a function. */
export const hasOwnProperties = (fn: AnyFunction, isClass: boolean): boolean =>
  !isClass && Reflect.ownKeys(fn).some((key) => !standardProperties.has(key))

const textOf = (fn: unknown): string | undefined =>
  typeof fn === 'function' && !types.isProxy(fn) ? Function.prototype.toString.call(fn) : undefined

const nameFrom = (key: Key): string => (typeof key === 'string' ? key : `[${key.description ?? ''}]`)

/** Whether a member of a class is made by the text of the class, so that it is there when the class is. */
function isOfText(read: FunctionSource, key: Key, property: PropertyDescriptor, isStatic: boolean): boolean {
  const { enumerable, configurable, writable, value, get, set } = property
  if (enumerable === true || configurable !== true) return false
  const isMade = (member: unknown, prefix = ''): boolean =>
    textOf(member) !== undefined &&
    read.text.includes(textOf(member) as string) &&
    Object.getOwnPropertyDescriptor(member, 'name')?.value === prefix + nameFrom(key)
  if ('value' in property) return writable === true && isMade(value)
  const { named } = classMembers(read)
  const isMissing = (kind: 'get' | 'set'): boolean =>
    property[kind] === undefined &&
    named.some((member) => member.key === key && member.isStatic === isStatic && member.kind === kind)
  if (isMissing('get') || isMissing('set')) return false
  return (get === undefined || isMade(get, 'get ')) && (set === undefined || isMade(set, 'set '))
}

/** Tells which properties of a function, or of the prototype of a class, are not made by its text. */
export const isAddedTo =
  (read: FunctionSource, isStatic: boolean) =>
  (key: Key, property: PropertyDescriptor): boolean => {
    if (read.analysis.kind !== 'class') {
      if (key === 'length' && isStatic) return property.value !== read.analysis.parameterCount
      return !standardProperties.has(key)
    }
    // A class may have a static field called `name`: that can be written, and what each function has can not.
    if (standardProperties.has(key) && property.writable !== true) return false
    return key !== 'prototype' && !isOfText(read, key, property, isStatic)
  }

/** A member that the text of a class makes and that is not there any more, as the step that leads to it. */
export function deletedMember(fn: AnyFunction, read: FunctionSource): string | undefined {
  const prototype = prototypeOf(fn)
  const deleted = classMembers(read).named.find(({ key, isStatic }) => {
    const home = isStatic ? fn : prototype
    return home !== undefined && Object.getOwnPropertyDescriptor(home, key) === undefined
  })
  if (deleted === undefined) return undefined
  return `${deleted.isStatic ? '' : '.prototype'}${propertyStep(deleted.key)}`
}

/** The own `prototype` of a function, if it is an object. */
export function prototypeOf(fn: object): object | undefined {
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value
  return typeof prototype === 'object' && prototype !== null && !types.isProxy(prototype)
    ? prototype
    : undefined
}

/** The function whose `prototype` an object is. */
export function functionOfPrototype(object: object): AnyFunction | undefined {
  const constructor: unknown = Object.getOwnPropertyDescriptor(object, 'constructor')?.value
  if (typeof constructor !== 'function' || types.isProxy(constructor)) return undefined
  return prototypeOf(constructor) === object ? (constructor as AnyFunction) : undefined
}

const functionKinds = new Set<unknown>(
  [() => {}, async () => {}, function* () {}, async function* () {}].map((one) => Object.getPrototypeOf(one)),
)
const generatorPrototypes = new Set<unknown>(
  [function* () {}, async function* () {}].map((one) =>
    Object.getPrototypeOf((one as { prototype: object }).prototype),
  ),
)

/** What a function or its prototype has been made to inherit from; undefined if it is what its text says. */
export interface ChangedParents {
  readonly ofFunction: object | null | undefined
  readonly ofPrototype: object | null | undefined
}

export function changedParents(fn: AnyFunction, isClass: boolean): ChangedParents {
  const parent = Object.getPrototypeOf(fn) as object | null
  const prototype = prototypeOf(fn)
  const ofFunction = isClass || functionKinds.has(parent) ? undefined : parent
  if (prototype === undefined) return { ofFunction, ofPrototype: undefined }
  const above = Object.getPrototypeOf(prototype) as object | null
  const isUsual = isClass
    ? isUsualOfClass(parent, above)
    : above === Object.prototype || generatorPrototypes.has(above)
  return { ofFunction, ofPrototype: isUsual ? undefined : above }
}

/** `extends null` has nothing above it, another base its prototype, and no base that of all objects. */
function isUsualOfClass(parent: object | null, above: object | null): boolean {
  if (parent === null || functionKinds.has(parent)) return above === Object.prototype || above === null
  return prototypeOf(parent) === above || Object.getOwnPropertyDescriptor(parent, 'prototype') === undefined
}

/** Whether methods have been put on the prototype of a function that is no class, or what it inherits has been changed. */
export function hasOwnPrototype(fn: AnyFunction): boolean {
  const { ofFunction, ofPrototype } = changedParents(fn, false)
  if (ofFunction !== undefined || ofPrototype !== undefined) return true
  const prototype = prototypeOf(fn)
  return prototype !== undefined && Reflect.ownKeys(prototype).some((key) => key !== 'constructor')
}

/** Whether a function that is no class is what its text makes, and open as that: nothing has to be sent besides the text. */
export function isAsWritten(fn: AnyFunction, read: FunctionSource): boolean {
  if (!Object.isExtensible(fn) || hasOwnProperties(fn, false) || hasOwnPrototype(fn)) return false
  const prototype = prototypeOf(fn)
  if (prototype !== undefined && !Object.isExtensible(prototype)) return false
  return Object.getOwnPropertyDescriptor(fn, 'length')?.value === read.analysis.parameterCount
}

/**
 * What a function or class has that its text alone does not make over there, as the step that leads to it; undefined if
 * nothing. A static field is taken for one of the text if the text has its name.
 */
export function firstAddition(fn: AnyFunction, read: FunctionSource): string | undefined {
  const isClass = read.analysis.kind === 'class'
  const find = (object: object, isMeant: (key: Key) => boolean): Key | undefined => {
    const isAdded = isAddedTo(read, object === fn)
    return Reflect.ownKeys(object).find((key) => {
      const property = Object.getOwnPropertyDescriptor(object, key)
      return property !== undefined && isMeant(key) && isAdded(key, property)
    })
  }
  const own = find(fn, (key) => !(isClass && typeof key === 'string' && read.text.includes(key)))
  if (own !== undefined) return stepTo(own)
  const prototype = prototypeOf(fn)
  const ofPrototype = prototype && find(prototype, (key) => key !== 'constructor')
  if (ofPrototype !== undefined) return `.prototype${stepTo(ofPrototype)}`
  const { ofFunction, ofPrototype: above } = changedParents(fn, isClass)
  if (ofFunction !== undefined) return '.[[Prototype]]'
  return above === undefined ? undefined : '.prototype.[[Prototype]]'
}

const stepTo = (key: Key): string => (typeof key === 'string' ? propertyStep(key) : `[${String(key)}]`)
