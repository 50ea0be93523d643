import { types } from 'node:util'

/** No honest chain of prototypes is longer. */
const maxPrototypes = 1000

function* chainOf(object: object): Generator<object> {
  let at: object | null = object
  for (let i = 0; i < maxPrototypes && at !== null && !types.isProxy(at); i++) {
    yield at
    at = Object.getPrototypeOf(at) as object | null
  }
}

/** Whether what an object inherits is hidden behind a proxy, which any look further up would trip. */
export function inheritsFromProxy(object: object): boolean {
  let last = object
  for (const at of chainOf(object)) last = at
  return Object.getPrototypeOf(last) !== null
}

/** A property, own or inherited, as far as that trips no proxy. */
export function peekProperty(object: object, key: PropertyKey): PropertyDescriptor | undefined {
  for (const at of chainOf(object)) {
    const property = Object.getOwnPropertyDescriptor(at, key)
    if (property !== undefined) return property
  }
  return undefined
}

/** The value of a property, own or inherited, as far as that runs no getter and trips no proxy; else undefined. */
export const peek = (object: object, key: PropertyKey): unknown => peekProperty(object, key)?.value

/** As `instanceof`, without asking the class or a proxy. */
export function inherits(object: object, prototype: object): boolean {
  for (const at of chainOf(object)) if (at === prototype) return true
  return false
}
