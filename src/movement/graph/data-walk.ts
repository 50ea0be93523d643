import { types } from 'node:util'
import { processClasses } from '../../transport/codec/registered-classes.ts'

const { getPrototypeOf, prototype: objectPrototype } = Object

/** Whether a value is data through and through: nothing in it is a function, an instance, a symbol or an accessor. */
export function isData(value: unknown): boolean {
  const seen = new Set<object>()
  const waiting: object[] = []
  const admit = (part: unknown): boolean => {
    if (typeof part === 'function' || typeof part === 'symbol') return false
    if (typeof part === 'object' && part !== null && !seen.has(part)) {
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

type Admit = (part: unknown) => boolean

function isDataObject(object: object, admit: Admit): boolean {
  if (types.isProxy(object)) return false
  if (processClasses.of(object) !== undefined) return true
  const prototype: unknown = getPrototypeOf(object)
  if (Array.isArray(object)) return prototype === Array.prototype && (object as unknown[]).every(admit)
  if (prototype === objectPrototype || prototype === null) return isPlain(object, admit)
  if (types.isMap(object)) {
    if (prototype !== Map.prototype) return false
    for (const [key, value] of object) if (!admit(key) || !admit(value)) return false
    return true
  }
  if (types.isSet(object)) {
    if (prototype !== Set.prototype) return false
    for (const value of object) if (!admit(value)) return false
    return true
  }
  return isLeaf(object)
}

function isPlain(object: object, admit: Admit): boolean {
  const keys = Reflect.ownKeys(object)
  for (const key of keys) {
    if (typeof key === 'symbol') return false
    const property = Object.getOwnPropertyDescriptor(object, key)
    if (property?.enumerable !== true || property.get !== undefined || property.set !== undefined)
      return false
    if (!admit(property.value)) return false
  }
  return true
}

/** Kinds of objects that the codec knows, of exactly these classes. */
export function isLeaf(object: object): boolean {
  const prototype: unknown = getPrototypeOf(object)
  const constructor: unknown = (prototype as { constructor?: unknown } | null)?.constructor
  if (types.isDate(object)) return constructor === Date
  if (types.isRegExp(object)) return constructor === RegExp
  if (types.isNativeError(object)) return isLanguageError(constructor)
  if (ArrayBuffer.isView(object) || types.isArrayBuffer(object)) return true
  if (types.isBoxedPrimitive(object)) return true
  return object instanceof URL && constructor === URL
}

const languageErrors = new Set<unknown>([
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  AggregateError,
])
const isLanguageError = (constructor: unknown): boolean => languageErrors.has(constructor)
