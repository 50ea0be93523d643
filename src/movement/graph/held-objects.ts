import { types } from 'node:util'
import { servedBy } from '../flow/live-object.ts'
import { bindingIdOf } from './binding-ids.ts'
import { functionOfPrototype } from './function-properties.ts'
import { builtinPlace, intrinsicPath } from './intrinsics.ts'
import { isLinkedNamespace } from './linked-namespace.ts'
import { isUsedMembers } from './namespace-members.ts'

/**
 * Objects that are held by themselves, because a function that is held has captured them, or something that it has
 * captured leads to them: whoever refers to one of them refers to the same one over there, from then on.
 */
const held = new WeakMap<object, number>()
let isAnyHeld = false

/** The number under which an object is held by itself; undefined if it is part of whatever refers to it. */
export const heldObject = (object: object): number | undefined => (isAnyHeld ? held.get(object) : undefined)

/** From now on it is held by itself. */
export function holdObject(object: object): void {
  isAnyHeld = true
  held.set(object, bindingIdOf(object))
}

/** Whether it is an object that is not held yet, is made there, and not one that each process has, or that stays here. */
export const canBeHeld = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  heldObject(value) === undefined &&
  !types.isProxy(value) &&
  !isUsedMembers(value) &&
  !isLinkedNamespace(value) &&
  intrinsicPath(value) === undefined &&
  servedBy(value) === undefined &&
  functionOfPrototype(value) === undefined &&
  builtinPlace(value) === undefined
