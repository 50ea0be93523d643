import type { CaptureError } from '../../errors/data-errors.ts'
import type { AnyFunction, FunctionSource } from '../function-source.ts'
import { privateFieldOf } from '../live/inspector.ts'
import { changedPrivateRefusal, unknownPrivateRefusal } from './capture-refusals.ts'
import { classMembers } from './class-members.ts'

/**
 * The first static private field of a class that the class would not have over there as it is here; undefined if there
 * is none. The text of the class makes them anew, and nobody else can set them.
 */
export function lostPrivateField(
  fn: AnyFunction,
  read: FunctionSource,
  path: string,
): CaptureError | undefined {
  for (const { name, isInitial } of classMembers(read).changeable) {
    const field = isInitial && privateFieldOf(fn, name)
    if (isInitial === undefined || field === undefined) return unknownPrivateRefusal(name, path)
    if (!isInitial(field.value)) return changedPrivateRefusal(name, path)
  }
  return undefined
}

/** As `lostPrivateField`, for a class that is looked at once, whatever becomes of it later. */
export function changeablePrivateField(read: FunctionSource, path: string): CaptureError | undefined {
  const [field] = classMembers(read).changeable
  return field && unknownPrivateRefusal(field.name, path)
}

/** Whether a class has static private fields that may change from call to call. */
export const hasChangeablePrivate = (read: FunctionSource): boolean =>
  classMembers(read).changeable.length > 0
