import { types } from 'node:util'
import { ownNamesOf } from '../live/inspector.ts'
import { integrity } from './rows.ts'

type Key = string | symbol

/** How far an object has been closed. */
export function integrityOf(value: object): number {
  if (Object.isExtensible(value)) return integrity.open
  if (Object.isFrozen(value)) return integrity.frozen
  return Object.isSealed(value) ? integrity.sealed : integrity.notExtensible
}

/** Whether a property is one that an assignment makes, as far as the object around it allows. */
export function isOrdinary(property: PropertyDescriptor, level: number): boolean {
  const { enumerable, configurable, writable } = property
  if (enumerable !== true || !('value' in property)) return false
  return configurable === level < integrity.sealed && writable === level < integrity.frozen
}

/** From so many elements on V8 is asked for the other properties, which is faster; elements are taken for ordinary ones. */
const manyElements = 256

const typedArrayLength = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  'length',
)!.get!

const isIndex = (key: Key): boolean => typeof key === 'string' && String(Number(key) >>> 0) === key

function keysBesidesElements(value: object, length: number): readonly Key[] {
  const names = length <= manyElements ? undefined : ownNamesOf(value)
  if (names === undefined) return Reflect.ownKeys(value).filter((key) => !isIndex(key))
  return [...names, ...Object.getOwnPropertySymbols(value)]
}

/** What a language's error has by itself, and how. */
const errorKeys = new Set<Key>(['stack', 'message', 'cause', 'errors'])

function isUsualOfError(key: Key, error: object): boolean {
  // To look at it is to have it made, by code that may be the user's.
  if (key === 'stack') return true
  const property = Object.getOwnPropertyDescriptor(error, key)
  if (property === undefined) return true
  if (errorKeys.has(key)) return 'value' in property && property.enumerable === false
  return typeof key === 'string' && isOrdinary(property, integrity.open)
}

function isUsualOfRegExp(key: Key, pattern: object): boolean {
  if (key !== 'lastIndex') return false
  const property = Object.getOwnPropertyDescriptor(pattern, key)
  return property?.value === 0 && property.writable === true
}

/** Own properties of an array, map, date, pattern, error or the like that are not part of what it is. */
export function extraKeys(value: object): readonly Key[] {
  if (Array.isArray(value)) return keysBesidesElements(value, value.length).filter((key) => key !== 'length')
  if (types.isTypedArray(value)) return keysBesidesElements(value, typedArrayLength.call(value) as number)
  const keys = Reflect.ownKeys(value)
  if (types.isNativeError(value)) return keys.filter((key) => !isUsualOfError(key, value))
  if (types.isRegExp(value)) return keys.filter((key) => !isUsualOfRegExp(key, value))
  if (types.isStringObject(value)) return keys.filter((key) => key !== 'length' && !isIndex(key))
  return keys
}

/**
 * Elements of an array that are none that an assignment makes, by their indexes; of an array that is mostly holes, all,
 * and its length.
 */
export function specialElements(array: readonly unknown[], level: number): readonly string[] {
  const { length } = array
  if (length > manyElements) {
    const indexes = Object.keys(array).filter(isIndex)
    return indexes.length < length / 2 ? [...indexes, 'length'] : []
  }
  const special: string[] = []
  for (let i = 0; i < length; i++) {
    const property = Object.getOwnPropertyDescriptor(array, i)
    if (property !== undefined && !isOrdinary(property, level)) special.push(String(i))
  }
  return special
}

/** Whether there is nothing about an array, map, date or the like but what it is. */
export function isBare(value: object): boolean {
  if (!Object.isExtensible(value) || extraKeys(value).length > 0) return false
  return !Array.isArray(value) || specialElements(value, integrity.open).length === 0
}
