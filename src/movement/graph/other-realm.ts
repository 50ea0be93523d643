import { types } from 'node:util'
import { type AnyFunction, isNativeText, nameOf } from '../function-source.ts'

const { getPrototypeOf, prototype: objectPrototype } = Object

/**
 * Whether a function was made in another context of `node:vm`: what it inherits from in the end is the `Object.prototype`
 * of that. A class is of the context that its base is of, and that is looked at by itself.
 */
export function isOfOtherRealm(fn: AnyFunction): boolean {
  let top: object = fn
  for (let above: object | null = fn; above !== null; above = getPrototypeOf(above) as object | null) {
    if (types.isProxy(above)) return false
    if (above !== fn && typeof above === 'function' && !isNativeText(above as AnyFunction)) return false
    top = above
  }
  return top !== objectPrototype && isObjectPrototype(top)
}

/** Whether an object is the `Object.prototype` of some context. */
function isObjectPrototype(object: object): boolean {
  const constructor: unknown = Object.getOwnPropertyDescriptor(object, 'constructor')?.value
  if (typeof constructor !== 'function' || types.isProxy(constructor)) return false
  const fn = constructor as AnyFunction
  return (
    nameOf(fn) === 'Object' &&
    isNativeText(fn) &&
    Object.getOwnPropertyDescriptor(fn, 'prototype')?.value === object
  )
}
