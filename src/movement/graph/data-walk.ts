import { types } from 'node:util'
import { heldObject } from './held-objects.ts'
import { intrinsicPath } from './intrinsics.ts'
import { isBare, isOrdinary } from './own-properties.ts'
import { integrity } from './rows.ts'
import { isOfSharedBuffer } from './shared-buffers.ts'
import { processClasses } from '../../transport/codec/registered-classes.ts'

const { getPrototypeOf, prototype: objectPrototype } = Object

/**
 * Whether a value is data through and through: nothing in it is a function, an instance, a symbol or an accessor, or held
 * by itself.
 * @param seen - takes all objects in it
 */
export function isData(value: unknown, seen: Set<object>): boolean {
  const waiting: object[] = []
  const admit = (part: unknown): boolean => {
    if (typeof part === 'function' || typeof part === 'symbol') return false
    if (typeof part === 'object' && part !== null && !seen.has(part)) {
      if (part !== value && heldObject(part) !== undefined) return false
      seen.add(part)
      waiting.push(part)
    }
    return true
  }
  if (!admit(value)) return false
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    if (!isDataObject(part, admit)) return false
  }
  return true
}

/** What an object that is data refers to. */
export function partsOfData(object: object): unknown[] {
  const parts: unknown[] = []
  isDataObject(object, (part) => parts.push(part) > 0)
  return parts
}

type Admit = (part: unknown) => boolean

function isDataObject(object: object, admit: Admit): boolean {
  if (types.isProxy(object)) return false
  if (processClasses.of(object) !== undefined) return true
  const prototype = getPrototypeOf(object) as object | null
  if (prototype === objectPrototype || prototype === null) return isPlain(object, admit)
  if (isCollection(object, prototype)) return isBare(object) && isDataCollection(object, admit)
  if (!isLeaf(object) || !isBare(object)) return false
  if (ArrayBuffer.isView(object) && isOfSharedBuffer(object)) return false
  return !types.isNativeError(object) || partsOfError(object).every(admit)
}

const partsOfError = (error: Error): unknown[] =>
  Reflect.ownKeys(error)
    .filter((key) => key !== 'stack')
    .map((key) => Object.getOwnPropertyDescriptor(error, key)?.value)

/** An array, map or set, of exactly these classes. */
export function isCollection(object: object, prototype: object | null): boolean {
  if (Array.isArray(object)) return prototype === Array.prototype
  return types.isMap(object)
    ? prototype === Map.prototype
    : types.isSet(object) && prototype === Set.prototype
}

function isDataCollection(object: object, admit: Admit): boolean {
  if (Array.isArray(object)) return (object as unknown[]).every(admit)
  const parts: unknown[] = []
  if (types.isMap(object)) {
    Map.prototype.forEach.call(object, (value: unknown, key: unknown) => void parts.push(key, value))
  } else Set.prototype.forEach.call(object, (value: unknown) => void parts.push(value))
  return parts.every(admit)
}

function isPlain(object: object, admit: Admit): boolean {
  if (!Object.isExtensible(object)) return false
  for (const key of Reflect.ownKeys(object)) {
    if (typeof key === 'symbol') return false
    const property = Object.getOwnPropertyDescriptor(object, key)
    if (property === undefined || !isOrdinary(property, integrity.open)) return false
    if (!admit(property.value)) return false
  }
  return true
}

/** Kinds of objects that the codec knows, of exactly these classes. */
export function isLeaf(object: object): boolean {
  const prototype = getPrototypeOf(object) as object | null
  if (prototype === null) return false
  if (types.isDate(object)) return prototype === Date.prototype
  if (types.isRegExp(object)) return prototype === RegExp.prototype
  if (types.isNativeError(object)) return languageErrors.has(prototype)
  if (ArrayBuffer.isView(object) || types.isAnyArrayBuffer(object) || types.isBoxedPrimitive(object)) {
    return intrinsicPath(prototype) !== undefined
  }
  return prototype === URL.prototype
}

const languageErrors = new Set<object>(
  [Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError].map(
    (one) => one.prototype,
  ),
)
